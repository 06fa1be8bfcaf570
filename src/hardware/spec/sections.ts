/** Which section of a part a place in a SoC takes from. */
import type { SpecPath } from '../../base/spec-file.ts';

/** Sections that stand under their own name in a SoC. */
const PLAIN_SECTIONS = ['memory', 'systemCache', 'fabric', 'background', 'limits', 'security'];

/** The section of a part that a `like` at `path` of a SoC, or of another part, takes; undefined where none may stand. */
export function sectionAt(path: SpecPath): string | undefined {
  const [top, ...rest] = path;
  if (path.at(-2) === 'clusters') return 'cluster';
  if (rest.length === 1 && top === 'units') return 'unit';
  if (rest.length === 1 && top === 'domains') return 'domain';
  const whole = [...PLAIN_SECTIONS, 'unit', 'domain', 'cluster'];
  return rest.length === 0 ? whole.find((name) => name === top) : undefined;
}
