/** What keeps one row of a table from being predicted, apart from what is wrong with a description that all rows share. */
import { SpecError } from '../../base/errors.ts';

/** Files that people write, other than the table itself. */
const DESCRIPTION = /\.(ya?ml|json)$/;

/**
 * Why a row cannot be predicted, in one line.
 * @throws the error itself where a description is at fault, which no other row would get past either.
 */
export function reasonOf(error: unknown): string {
  if (!(error instanceof SpecError)) return (error as Error).message;
  if (error.faults.some(({ file }) => file !== undefined && DESCRIPTION.test(file))) throw error;
  return error.faults
    .map(({ path, message, got }) => {
      const place = path === undefined ? '' : `${path}: `;
      return `${place}${message}${got === undefined ? '' : ` (got ${got})`}`;
    })
    .join('; ');
}
