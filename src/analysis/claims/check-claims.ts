/**
 * Claims against simulation: each run, read, and judged.
 *
 * Model    reproduced: the claim's number within its tolerance, or on its side of it; else with each technique in turn;
 *          else within a factor of NEAR; else refuted. One thing over another is about the gain: what shows less than
 *          GAIN of that claimed is neither reproduced nor near, however little one ratio differs from the other
 * Ignores  the uncertainty of the simulation itself, which the README's accuracy table gives
 * Valid    claims that one or two runs, or peak rates, can decide
 * Source   workloads/claims/white-paper.yaml
 * Checked  test/unit/analysis/claims.test.ts
 */
import { InfeasibleError, SpecError } from '../../base/errors.ts';
import { formatQuantity } from '../../base/quantity.ts';
import { OPS_PER_MAC, TERA } from '../../base/units.ts';
import type { Work } from '../../base/work.ts';
import { buildSimulation, prepare, prepareMachine, type Sources } from '../../engine/prepare.ts';
import type { Run } from '../../engine/run.ts';
import { simulate } from '../../engine/simulation.ts';
import { peakOps } from '../../engine/task-table.ts';
import type { Claim, ClaimRun, Reading } from './claims-spec.ts';

const NEAR = 1.5;
/** Of the claimed gain, what has to be there. */
const GAIN = 0.25;

export type Verdict = 'reproduced' | 'needs a technique' | 'near' | 'refuted' | 'not checked';

/** One number that was simulated, with what it came from. */
export interface Evidence {
  readonly name: string;
  /** In the unit of the claim; absent where it could not run. */
  readonly value?: number;
  /** Why it could not run, or what held it. */
  readonly note: string;
  /** Inputs of each run behind it. */
  readonly runs: readonly { readonly inputs: Run['inputs']; readonly metrics: Run['metrics'] }[];
}

export interface ClaimResult {
  readonly id: string;
  readonly claim: Claim;
  readonly verdict: Verdict;
  /** As people read it: `needs speculative decoding (EAGLE): 21.3 tok/s`. */
  readonly text: string;
  readonly evidence: readonly Evidence[];
}

export function checkClaim(id: string, claim: Claim, sources: Sources): ClaimResult {
  const base = evidenceOf('as it stands', claim, sources);
  const tried = [base];
  if (!holds(claim, base.value)) {
    for (const technique of claim.techniques) {
      const { measure } = claim;
      if (measure.kind !== 'run') continue;
      const run = {
        ...measure.run,
        workload: technique.workload ?? measure.run.workload,
        set: [...measure.run.set, ...technique.set],
      };
      tried.push(evidenceOf(technique.name, { ...claim, measure: { ...measure, run } }, sources));
    }
  }
  return { id, claim, ...judge(claim, tried), evidence: tried };
}

type Judged = Pick<Claim, 'is' | 'value' | 'unit' | 'tolerance'> & Partial<Pick<Claim, 'measure'>>;

/** @returns the verdict on what was simulated, the claim as it stands first. */
export function judge(
  claim: Judged,
  tried: readonly Pick<Evidence, 'name' | 'value' | 'note'>[],
): { readonly verdict: Verdict; readonly text: string } {
  const [base, ...techniques] = tried;
  const show = (value: number) => `${Number(value.toPrecision(3))} ${claim.unit}`.trim();
  if (holds(claim, base?.value)) {
    const off = shortOf(claim, base?.value as number);
    return { verdict: 'reproduced', text: `reproduced${off === '' ? '' : ` ${off}`}` };
  }
  const helped = techniques.find(({ value }) => holds(claim, value));
  if (helped) {
    const value = helped.value as number;
    const off = shortOf(claim, value);
    const text = `needs ${helped.name}: ${show(value)}${off === '' ? '' : ` (${off})`}`;
    return { verdict: 'needs a technique', text };
  }
  if (base?.value === undefined) {
    const verdict = base?.note.startsWith('does not fit') ? 'refuted' : 'not checked';
    return { verdict, text: `${verdict}: ${base?.note ?? ''}` };
  }
  return judgeMiss(claim, base.value);
}

/** What does not hold: near, or how it is wrong. */
function judgeMiss(claim: Judged, got: number): { verdict: Verdict; text: string } {
  const factor = Math.max(got / claim.value, claim.value / got);
  const share = gainShare(claim, got);
  const percent = Math.round(100 * (share ?? 1));
  if (percent <= 0) {
    const text = percent === 0 ? 'refuted: no gain' : 'refuted: a loss in place of a gain';
    return { verdict: 'refuted', text };
  }
  const part = percent < 100 ? `${percent} % of the gain` : '';
  if (factor > NEAR)
    return { verdict: 'refuted', text: `refuted: off by ×${Number(factor.toPrecision(3))}` };
  if (share !== undefined && share < GAIN) return { verdict: 'refuted', text: `refuted: ${part}` };
  const text = `within ×${factor.toFixed(2)}${part === '' ? '' : `, ${part}`}`;
  return { verdict: 'near', text };
}

/** By how much a number is off that the tolerance lets pass: `within 2 %`. */
function shortOf({ is, value }: Judged, got: number): string {
  const over = got / value - 1;
  const off = { about: Math.abs(over), 'at-least': -over, 'at-most': over }[is];
  // To a tenth of a per cent it is the number itself.
  return off < 0.001 ? '' : `within ${Math.ceil(100 * off)} %`;
}

/** Of a claimed gain or saving of one thing over another, the share that is there; undefined where none is claimed. */
function gainShare({ is, value, measure }: Judged, got: number): number | undefined {
  if (measure === undefined || measure.kind === 'fleet' || measure.over === undefined)
    return undefined;
  const claimsGain = is === 'at-most' ? value < 1 : is === 'at-least' ? value > 1 : value !== 1;
  return claimsGain ? (got - 1) / (value - 1) : undefined;
}

function holds(claim: Judged, got: number | undefined): boolean {
  const { is, value, tolerance } = claim;
  if (got === undefined || (gainShare(claim, got) ?? 1) < GAIN) return false;
  if (is === 'at-least') return got >= value * (1 - tolerance);
  if (is === 'at-most') return got <= value * (1 + tolerance);
  return Math.abs(got / value - 1) <= tolerance;
}

function evidenceOf(name: string, claim: Claim, sources: Sources): Evidence {
  try {
    const found = measureOf(claim, sources);
    return { name, value: found.value / claim.scale, note: found.note, runs: found.runs };
  } catch (error) {
    if (error instanceof InfeasibleError)
      return { name, note: `does not fit: ${error.message}`, runs: [] };
    if (error instanceof SpecError && /unknown soc/.test(error.message)) {
      return { name, note: error.message, runs: [] };
    }
    throw error;
  }
}

interface Measured {
  readonly value: number;
  readonly note: string;
  readonly runs: Evidence['runs'];
}

function measureOf({ measure }: Claim, sources: Sources): Measured {
  if (measure.kind === 'fleet') {
    const peaks = measure.socs.map((soc) => peakOf(soc, sources));
    const mean = peaks.reduce((sum, peak) => sum + peak, 0) / peaks.length;
    const runs = measure.socs.map((soc) => productRun(soc, sources));
    return { value: measure.phones * mean, note: `mean peak ${formatPeak(mean)}`, runs };
  }
  if (measure.kind === 'peak') {
    const peak = peakOf(measure.soc, sources);
    const { over } = measure;
    const run = productRun(measure.soc, sources);
    const seconds = run.metrics['run_seconds'] ?? Number.NaN;
    const reached = `a large product reaches ${formatPeak((OPS_PER_MAC * PRODUCT.macs) / seconds)}`;
    if (over === undefined) return { value: peak, note: reached, runs: [run] };
    const other = typeof over === 'number' ? over : peakOf(over, sources);
    const runs = typeof over === 'number' ? [run] : [run, productRun(over, sources)];
    const note = `${formatPeak(peak)} over ${formatPeak(other)}; ${reached}`;
    return { value: peak / other, note, runs };
  }
  const run = runOf(measure.run, sources);
  const value = readingOf(run, measure.read);
  const told = { inputs: run.inputs, metrics: run.metrics };
  if (!measure.over) return { value, note: limitOf(run), runs: [told] };
  const other = runOf(measure.over, sources);
  const base = readingOf(other, measure.read);
  const note = `${Number(value.toPrecision(3))} over ${Number(base.toPrecision(3))}; ${limitOf(run)}`;
  return {
    value: value / base,
    note,
    runs: [told, { inputs: other.inputs, metrics: other.metrics }],
  };
}

function runOf({ soc, workload, phone, set }: ClaimRun, sources: Sources): Run {
  const data = { version: 1, soc, workload, ...(phone === undefined ? {} : { phone }) };
  const file = { file: 'claim', data, faults: [], locate: () => ({}) };
  return simulate(buildSimulation(prepare(file, set, sources), set, sources));
}

function readingOf(run: Run, read: Reading): number {
  const { owners } = run.memory;
  switch (read) {
    case 'model_memory_bytes':
      return Object.entries(owners)
        .filter(([name]) => name !== 'system' && name !== 'other applications')
        .reduce((sum, [, bytes]) => sum + bytes, 0);
    case 'npu_joules':
    case 'cpu_joules':
    case 'gpu_joules':
      return run.energy[read.split('_')[0] as string] ?? 0;
    case 'npu_watts':
      return (run.energy['npu'] ?? 0) / (run.metrics['run_seconds'] ?? 1);
    default:
      return run.metrics[read] ?? Number.NaN;
  }
}

function limitOf({ phases }: Run): string {
  const last = phases.at(-1);
  if (!last) return '';
  const seconds = last.endSeconds - last.startSeconds;
  const share = Math.round(100 * last.shares[last.limit]);
  const rate = formatQuantity(last.dramBytes / seconds, 'bandwidth', 3);
  return `${last.phase} on ${last.units.join('+')} limited by ${last.limit} ${share} %, ${rate}`;
}

/** Sides of a product large enough for any engine. */
const SIDE = 4096;

const PRODUCT: Work = {
  operator: 'MatMul',
  form: { kind: 'matmul', batch: 1, m: SIDE, n: SIDE, k: SIDE },
  macs: SIDE ** 3,
  vectorOps: 0,
  weightDType: 'int8',
  activationDType: 'int8',
  weightBytes: SIDE ** 2,
  inputBytes: SIDE ** 2,
  outputBytes: SIDE ** 2,
  kvReadBytes: 0,
  kvWriteBytes: 0,
};

function peakOf(soc: string, sources: Sources): number {
  const machine = prepareMachine(soc, sources);
  const u = machine.units.findIndex(({ unit }) => unit.kind === 'npu');
  return u < 0 ? Number.NaN : peakOps(machine, u, PRODUCT);
}

/** The product that a peak is checked with, run on the SoC. */
function productRun(soc: string, sources: Sources): Evidence['runs'][number] {
  const data = { version: 1, soc, workload: 'llama-3.2-1b-chat', calibration: 'none' };
  const prepared = prepare({ file: 'claim', data, faults: [], locate: () => ({}) }, [], sources);
  const graph = {
    name: 'product',
    operators: [{ name: 'product', work: 0, inputs: [] }],
    works: [PRODUCT],
  };
  const plan = {
    name: `product of ${SIDE}³ in INT8`,
    phases: [
      { name: 'product', graph, steps: 1, contextStart: 1, contextStride: 0, outputsPerStep: 1 },
    ],
    memory: { weights: SIDE ** 2, kvCache: 0, activations: 2 * SIDE ** 2 },
    promptTokens: 0,
    generatedTokens: 0,
  };
  const jobs = [{ plan, arrival: 0, priority: 0 }];
  const { inputs, metrics } = simulate(buildSimulation(prepared, [], sources, jobs));
  return { inputs: { ...inputs, workload: plan.name }, metrics };
}

function formatPeak(opsPerSecond: number): string {
  return `${Number((opsPerSecond / TERA).toPrecision(3))} TOPS`;
}
