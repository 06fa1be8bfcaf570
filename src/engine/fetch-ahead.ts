/**
 * Weights that a compiler has a unit fetch for later operators, while earlier ones compute.
 *
 * Model    operators in their order: what an operator's arithmetic outlasts its own bytes by goes to the weights that are
 *          needed next, as far as local memory has room for weights that wait; a plan made once, at full clocks and for a
 *          unit that has memory to itself
 *          only reads of weights move, with what the system cache serves of them and what protects them; results stay
 * Ignores  activations that are fetched again ahead of their use, launches (nothing streams during these)
 * Valid    graphs of fixed shape, compiled as a whole
 * Source   Hexagon's scheduler brings constants into VTCM by DMA ahead of their operator (Qualcomm AI Engine Direct, HTP backend);
 *          8 Gen 3 runs GoogLeNet in int8 in 0.179 ms, of which its weights alone take 0.1
 * Checked  test/unit/engine/fetch-ahead.test.ts, test/validation/vision.test.ts
 */
import type { Bytes, BytesPerSecond, Seconds } from '../base/units.ts';
import type { SocUnitSpec } from '../hardware/soc-spec.ts';
import type { KernelClass } from '../hardware/units/unit-options.ts';
import type { StreamGuard } from './stream.ts';

/** An operator with the unit and memory to itself. */
export interface AheadStep {
  readonly compute: Seconds;
  readonly bytes: Bytes;
  /** Of these, weights: what can come earlier. */
  readonly weights: Bytes;
  /** How fast the unit streams meanwhile. */
  readonly rate: BytesPerSecond;
}

/** Bytes that each operator fetches more, or where negative finds fetched already; they sum to nothing. */
export function fetchAhead(steps: readonly AheadStep[], room: Bytes): Float64Array {
  const more = new Float64Array(steps.length);
  /** What waits in local memory. */
  let waiting = 0;
  /** The first operator whose weights are not all there. */
  let next = 0;
  for (const [i, { compute, bytes, rate }] of steps.entries()) {
    // What came for this operator earlier is being used up.
    waiting = Math.max(0, waiting + Math.min(0, more[i]!));
    next = Math.max(next, i + 1);
    let spare = compute * rate - (bytes + more[i]!);
    while (spare > 0 && next < steps.length) {
      const missing = steps[next]!.weights + more[next]!;
      const fetched = Math.min(spare, missing, room - waiting);
      if (fetched > 0) {
        more[i]! += fetched;
        more[next]! -= fetched;
        waiting += fetched;
        spare -= fetched;
      }
      if (fetched < missing) break;
      next++;
    }
  }
  return more;
}

/** The part of local memory that weights stream through, where a compiler plans what comes when. */
export function aheadRoom(spec: SocUnitSpec, { compiled }: KernelClass): Bytes | undefined {
  if (!compiled || spec.kind !== 'npu') return undefined;
  return spec.sram.size.is * (1 - (spec.sram.resident?.is ?? 0));
}

/** What an operator streams with weights of others, or without its own. */
export interface AheadStream {
  readonly readBytes: Bytes;
  readonly readHits: Bytes;
  readonly guard: StreamGuard | undefined;
  readonly soloRate: BytesPerSecond;
}

/** Columns of a task table. */
interface Columns {
  readonly unit: Int32Array;
  readonly cell: Int32Array;
  readonly cycles: Float64Array;
  readonly readBytes: Float64Array;
  readonly writeBytes: Float64Array;
  readonly weightReads: Float64Array;
  readonly soloRate: Float64Array;
  readonly aheadBytes: Float64Array;
  readonly aheadHits: Float64Array;
}

/**
 * Writes the plans of all units that have room into a table.
 * @param of cycles per second of a unit, and what the system cache serves of the weights of a cell.
 */
export function planAhead(
  table: Columns,
  units: readonly { readonly aheadBytes?: Bytes | undefined }[],
  of: {
    readonly speedOf: (u: number) => number;
    readonly weightHits: (cell: number) => Bytes;
  },
): void {
  for (const [u, { aheadBytes = 0 }] of units.entries()) {
    if (aheadBytes <= 0) continue;
    const own = [...table.unit.keys()].filter((i) => table.unit[i] === u);
    const steps = own.map((i) => stepOf(table, table.cell[i]!, of.speedOf(u)));
    for (const [k, more] of fetchAhead(steps, aheadBytes).entries())
      table.aheadBytes[own[k]!] = more;
    moveHits(table, own, of.weightHits);
  }
}

/** Weights find in the cache what they would have found in their place; those who fetch them share that alike. */
function moveHits(table: Columns, own: readonly number[], weightHits: (cell: number) => Bytes) {
  const { aheadBytes, aheadHits, cell, weightReads } = table;
  let moved = 0;
  let served = 0;
  for (const i of own) {
    if (aheadBytes[i]! >= 0) continue;
    aheadHits[i] = aheadBytes[i]! * (weightHits(cell[i]!) / weightReads[cell[i]!]!);
    moved -= aheadBytes[i]!;
    served -= aheadHits[i]!;
  }
  for (const i of own) if (aheadBytes[i]! > 0) aheadHits[i] = aheadBytes[i]! * (served / moved);
}

function stepOf(table: Columns, cell: number, speed: number): AheadStep {
  return {
    compute: table.cycles[cell]! / speed,
    bytes: table.readBytes[cell]! + table.writeBytes[cell]!,
    weights: table.weightReads[cell]!,
    rate: table.soloRate[cell]!,
  };
}
