/** Which elements a Slice keeps along each axis; shared by shape inference and folding. */
import { dataAt, inputAt, type NodeView, numbersOf, shapeFault, wrapAxis } from '../node-view.ts';

export interface SliceRange {
  readonly axis: number;
  readonly start: number;
  readonly step: number;
  readonly count: number;
}

/** Starts, ends, axes and steps are attributes before opset 10 and inputs since. */
export function sliceRanges(view: NodeView): SliceRange[] {
  const dims = inputAt(view, 0).dims;
  const starts = numbersOf(view, 'starts') ?? dataAt(view, 1) ?? [];
  const ends = numbersOf(view, 'ends') ?? dataAt(view, 2) ?? [];
  const axes = numbersOf(view, 'axes') ?? dataAt(view, 3) ?? starts.map((_, i) => i);
  const steps = dataAt(view, 4) ?? starts.map(() => 1);
  return starts.map((start, i) => {
    const axis = wrapAxis(axes[i] ?? i, dims.length);
    return rangeOf(axis, dims[axis] as number, start, ends[i] ?? 0, steps[i] ?? 1);
  });
}

/** Out-of-range bounds are clamped; going backwards, the end may be before the first element. */
function rangeOf(axis: number, size: number, start: number, end: number, step: number): SliceRange {
  if (step === 0) throw shapeFault('the step of a slice cannot be 0');
  const from = start < 0 ? start + size : start;
  const to = end < 0 ? end + size : end;
  const low = step > 0 ? 0 : -1;
  const high = step > 0 ? size : size - 1;
  const first = Math.min(Math.max(from, 0), high);
  const last = Math.min(Math.max(to, low), size);
  const count = Math.max(0, Math.ceil((last - first) / step));
  return { axis, start: first, step, count };
}
