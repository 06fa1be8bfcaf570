/** The other yaml door: plain data to text, for files that socsim writes and reads again. */
import { stringify } from 'yaml';

export function dumpYaml(data: unknown): string {
  return stringify(data, { lineWidth: 100 });
}
