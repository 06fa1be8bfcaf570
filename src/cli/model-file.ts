/** Model files and their dimensions as the command line gives them. */
import { type Fault, SpecError } from '../base/errors.ts';
import type { DimBindings } from '../workload/onnx/bindings.ts';

/**
 * `['batch=1,sequence=128', 'sr=16000']` as bindings.
 * @throws SpecError with every part that is not `name=number`, and every name given twice.
 */
export function parseDims(texts: readonly string[]): DimBindings {
  const faults: Fault[] = [];
  const dims: Record<string, number> = {};
  for (const part of texts.flatMap((text) => text.split(','))) {
    const cut = part.lastIndexOf('=');
    const name = part.slice(0, cut).trim();
    const size = Number(part.slice(cut + 1));
    const whole = Number.isInteger(size) && size >= 0 && part.slice(cut + 1).trim() !== '';
    if (cut <= 0 || !whole) {
      faults.push({ path: '--dim', message: 'not a dimension', expected: 'NAME=COUNT', got: part });
    } else if (Object.hasOwn(dims, name)) {
      faults.push({ path: '--dim', message: `"${name}" is given twice` });
    } else dims[name] = size;
  }
  if (faults.length > 0) throw new SpecError(faults);
  return dims;
}

export const DIM_OPTION = {
  type: 'array',
  summary: 'sizes of named dimensions, and values of scalar inputs',
  value: 'NAME=COUNT,…',
} as const;

export function textsOf(value: unknown): readonly string[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? value.map(String) : [String(value)];
}
