/** Measured rows made ready for fitting: compiled once, predicted again and again under other kernels. */
import { retuneMachine } from '../../engine/build-machine.ts';
import { compileRequest, type PhaseTime } from '../../engine/closed-form.ts';
import type { Machine } from '../../engine/machine.ts';
import { type Prepared, policyFor, type Sources } from '../../engine/prepare.ts';
import type { KernelTuning } from '../../runtime/kernel-tuning.ts';
import { FEW_SOURCES, pairOf, type Use, unitOf } from './fit-parameters.ts';
import type { MappedRow } from './llm-mapping.ts';
import { type LlmRow, slug } from './llm-rows.ts';
import { type LumpedPhase, lump, lumpedTimes, type TunedMachine, tunedMachine } from './lumped.ts';
import { comparisons, type LlmQuantity, prepareRow, quantityOf } from './predict.ts';

/** Relative errors that a row is expected to have at best, by quality. */
const QUALITY_SIGMA: Readonly<Record<string, number>> = { A: 0.08, B: 0.12, C: 0.3 };
/** A model or SoC that stands in for another says less. */
const STAND_IN_SIGMA = 2.5;
/** Standard deviation of what rounding to the last digit takes away, in units of that digit. */
const ROUNDING = Math.sqrt(1 / 12);

/**
 * What a rate of prompts says less where it is not known how long they were: short ones leave vector units and caches
 * idle, long ones attend to more; rates of one phone and engine from 16 to 2048 tokens lie this far apart
 * (test/validation/data/phones/llm.csv).
 */
const UNKNOWN_PROMPT_SIGMA = 0.3;

/** What those who measured call anomalous themselves is predicted and shown, never fitted. */
const DISOWNED_PROMPT = /prefill (time|rate) anomalous/;

/** As `llm-mapping.ts` says it. */
const PROMPT = /prompt tokens assumed/;

/** One quantity of one row. */
export interface Observation {
  readonly id: string;
  readonly quantity: LlmQuantity;
  readonly reference: number;
  /** Relative. */
  readonly sigma: number;
  readonly row: FitRow;
}

export interface FitRow {
  readonly mapped: MappedRow;
  readonly use: Use;
  /** Unit of the prompt, and of the answer where that is another; `use` has those that help out as well. */
  readonly asked: readonly string[];
  /** Model, for leaving it out. */
  readonly model: string;
  /** Who measured, for leaving it out; empty where the row does not say. */
  readonly source: string;
  readonly prepared: Prepared;
  readonly phases: readonly LumpedPhase[];
  /** Rows with equal machines share one under each set of kernels. */
  readonly machineKey: string;
}

/** @throws SpecError, InfeasibleError as a run of the row would. */
export function compileRow(mapped: MappedRow, sources: Sources): FitRow {
  const prepared = prepareRow(mapped, sources);
  const { runtime, unit } = mapped.scenario;
  const soc = prepared.soc.name;
  const decodeUnit = mapped.scenario['decodeUnit'];
  const asked = [unit, ...(typeof decodeUnit === 'string' ? [decodeUnit] : [])];
  const phases = lump(
    compileRequest(prepared.plan, prepared.machine, policyFor(prepared)),
    prepared.machine,
  );
  const units = [...new Set([...asked, ...unitsOf(phases, prepared.machine)])];
  return {
    mapped,
    asked,
    use: { soc, maker: prepared.soc.vendor, runtime, units },
    model: slug(mapped.row.model),
    source: sourceOf(mapped.row),
    prepared,
    phases,
    machineKey: JSON.stringify([soc, runtime, units, mapped.scenario['set'] ?? []]),
  };
}

/** Units that products with weights run on, those included that stand in where kernels are missing. */
function unitsOf(phases: readonly LumpedPhase[], { units }: Machine): string[] {
  return phases.flatMap(({ works }) =>
    works.flatMap(({ work, unit }) =>
      work.form.kind === 'matmul' && work.weightBytes > 0 ? [units[unit]?.unit.name ?? ''] : [],
    ),
  );
}

function sourceOf({ columns }: LlmRow): string {
  return columns['source_url'] || columns['source_title'] || columns['source'] || '';
}

export function observationsOf(row: FitRow): Observation[] {
  const { mapped } = row;
  const found = comparisons(mapped).filter(
    ({ quantity }) => quantity === 'decode' || !DISOWNED_PROMPT.test(mapped.row.remarks),
  );
  const both = found.filter(({ quantity }) => quantity !== 'decode').length > 1;
  return found.map(({ quantity, reference }) => {
    const own = QUALITY_SIGMA[mapped.row.quality] ?? QUALITY_SIGMA['C'] ?? 1;
    const standIn = mapped.assumptions.some((text) => /stand|shape approximated/.test(text))
      ? STAND_IN_SIGMA
      : 1;
    // Prefill rate and time to first token of one row are one measurement told twice.
    const twice = both && quantity !== 'decode' ? Math.SQRT2 : 1;
    const unknown = quantity !== 'decode' && mapped.assumptions.some((text) => PROMPT.test(text));
    const sigma = Math.hypot(
      own * standIn * twice,
      unknown ? UNKNOWN_PROMPT_SIGMA : 0,
      (ROUNDING * lastDigit(mapped, quantity)) / reference,
    );
    return { id: mapped.row.id, quantity, reference, sigma, row };
  });
}

/**
 * Pairs of runtime and unit of a SoC, and units, that few sources have measured; none in a file of one source, whose
 * phones are those that it is for.
 */
export function knownByFew(
  observations: readonly { readonly row: Pick<FitRow, 'use' | 'source'> }[],
): ReadonlySet<string> {
  const pairs = new Map<string, Set<string>>();
  const units = new Map<string, Set<string>>();
  const note = (of: Map<string, Set<string>>, place: string, source: string) =>
    of.set(place, (of.get(place) ?? new Set()).add(source));
  for (const { row } of observations) {
    for (const unit of row.use.units) {
      note(pairs, pairOf({ ...row.use, unit }), row.source);
      note(units, unitOf({ ...row.use, unit }), row.source);
    }
  }
  if (new Set(observations.map(({ row }) => row.source)).size < 2) return new Set();
  const few = (of: Map<string, Set<string>>, most: number) =>
    [...of].flatMap(([place, { size }]) => (size > most ? [] : [place]));
  return new Set([...few(pairs, FEW_SOURCES.pair), ...few(units, FEW_SOURCES.unit)]);
}

const COLUMNS: Readonly<Record<LlmQuantity, string>> = {
  prefill: 'prefill_tok_s',
  time_to_first_token: 'ttft_s',
  decode: 'decode_tok_s',
};

/** The weight of the last digit that a source printed; tables of whole numbers may be stored with a zero behind. */
function lastDigit({ row }: MappedRow, quantity: LlmQuantity): number {
  const text = row.columns[COLUMNS[quantity]] ?? '';
  if (/whole number/.test(row.remarks)) return 1;
  const decimals = text.includes('.') ? text.length - text.indexOf('.') - 1 : 0;
  return 10 ** -decimals;
}

/** Predictions under kernels that `tuning` gives for every use; machines are built once per set of kernels. */
export function predictor(
  tuning: (use: Use, unit: string) => KernelTuning,
): (observations: readonly Observation[]) => number[] {
  const machines = new Map<string, TunedMachine>();
  return (observations) => {
    let last: FitRow | undefined;
    let times: readonly PhaseTime[] = [];
    return observations.map(({ row, quantity }) => {
      if (row !== last) {
        const { soc, runtime, machine: base } = row.prepared;
        const machine =
          machines.get(row.machineKey) ??
          tunedMachine(
            retuneMachine(base, soc, runtime, (unit) => tuning(row.use, unit), row.use.units),
          );
        machines.set(row.machineKey, machine);
        times = lumpedTimes(row.phases, machine);
        last = row;
      }
      return quantityOf(quantity, row.mapped, times);
    });
  };
}
