/**
 * Energy per token and power while decoding, in the scope in which a row metered them.
 *
 * Model    a run of the row's scenario; decode phases alone; losses of regulators and battery in proportion to power
 * Ignores  what a meter's own sampling misses; heat that an earlier run left
 * Valid    rows that say what was metered: rails of the SoC, the phone less its idle draw, the whole phone
 * Source   src/engine/simulation.ts
 * Checked  test/unit/calibration/device/energy-rows.test.ts, test/validation/energy.test.ts
 */
import { buildSimulation, type Sources } from '../../engine/prepare.ts';
import type { Run } from '../../engine/run.ts';
import { simulate } from '../../engine/simulation.ts';
import type { Unseen } from './bands.ts';
import { type MappedRow, mapLlmRow } from './llm-mapping.ts';
import { type LlmRow, numberOf } from './llm-rows.ts';
import { mappingTables, prepareRow } from './predict.ts';

/** What a figure counts. */
export type Scope = 'SoC rails' | 'phone net of idle' | 'whole phone';

export function scopeOf(remarks: string): Scope {
  if (/SoC-rail/.test(remarks)) return 'SoC rails';
  return /net of idle/.test(remarks) ? 'phone net of idle' : 'whole phone';
}

/** Joules of one stage within the scope, its seconds and results; the device's constant draw is taken off by time. */
export function ofStage(
  { phases, energy, metrics }: Run,
  scope: Scope,
  stage: 'prefill' | 'decode',
): { readonly joules: number; readonly seconds: number; readonly outputs: number } {
  const own = phases.filter((phase) => phase.stage === stage);
  const sum = (value: (phase: Run['phases'][number]) => number) =>
    own.reduce((total, phase) => total + value(phase), 0);
  const constant = (energy['screen'] ?? 0) + (energy['rest of device'] ?? 0);
  const seconds = sum(({ startSeconds, endSeconds }) => endSeconds - startSeconds);
  const whole = sum(({ joules }) => joules);
  const net = whole - (constant / (metrics['run_seconds'] ?? Number.NaN)) * seconds;
  const losses = (energy['regulators'] ?? 0) + (energy['battery'] ?? 0);
  const rails = net * (1 - losses / ((metrics['energy_joules'] ?? Number.NaN) - constant));
  const joules = { 'whole phone': whole, 'phone net of idle': net, 'SoC rails': rails }[scope];
  return { joules, seconds, outputs: sum(({ outputs }) => outputs) };
}

/** Threads of CPU rows with a meter: `-t 4` is what the repetition of the largest table of them states. */
const THREADS = 4;

export function asMeasured(mapped: MappedRow): MappedRow {
  if (mapped.scenario.unit !== 'cpu') return mapped;
  const set = [...((mapped.scenario['set'] as string[]) ?? []), `cpu.threads=${THREADS}`];
  return { ...mapped, scenario: { ...mapped.scenario, set } };
}

/** Measured rows whose protocol is known, as those that rates are fitted to. */
const COUNTED = /^[AB]$/;

/**
 * How far off energy and power are: nothing is fitted to them, so every row is one that no fit has seen.
 * @param sources with the calibration that the bands are for.
 */
export function unseenEnergy(rows: readonly LlmRow[], sources: Sources): Unseen[] {
  const tables = mappingTables(sources);
  return rows.flatMap((row) => {
    const measured = numberOf(row.columns['energy_j_per_tok']);
    const rate = row.decodePerSecond;
    if (!measured || !rate || row.kind !== 'measured' || !COUNTED.test(row.quality)) return [];
    const mapped = mapLlmRow(row, tables);
    if ('reason' in mapped) return [];
    const run = simulate(buildSimulation(prepareRow(asMeasured(mapped), sources), [], sources));
    const { joules, seconds, outputs } = ofStage(run, scopeOf(row.remarks), 'decode');
    const energy = joules / outputs;
    const watts = joules / seconds;
    const { runtime, unit } = mapped.scenario;
    const one = (quantity: string, predicted: number, reference: number): Unseen => ({
      quantity,
      unit,
      runtime,
      reference,
      withoutModel: predicted,
      withoutSoc: predicted,
    });
    return [one('energy_per_token', energy, measured), one('power', watts, measured * rate)];
  });
}
