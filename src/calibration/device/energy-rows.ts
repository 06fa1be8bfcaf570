/**
 * Energy per token and power while decoding, in the scope in which a row metered them.
 *
 * Model    a run of the row's scenario; decode phases alone; losses of regulators and battery in proportion to power
 *          in the scope of SoC rails DRAM packages are left out, their PHY and controller are not
 * Ignores  what a meter's own sampling misses; heat that an earlier run left
 * Valid    rows that say what was metered: rails of the SoC, the phone less its idle draw, the whole phone
 * Source   src/engine/simulation.ts
 * Checked  test/unit/calibration/device/energy-rows.test.ts, test/validation/energy.test.ts
 */
import { InfeasibleError, SpecError } from '../../base/errors.ts';
import type { Celsius, JoulesPerByte, Watts } from '../../base/units.ts';
import { buildSimulation, type Prepared, type Sources } from '../../engine/prepare.ts';
import type { Run } from '../../engine/run.ts';
import { simulate } from '../../engine/simulation.ts';
import type { Unseen } from './bands.ts';
import { type MappedRow, mapLlmRow } from './llm-mapping.ts';
import { type LlmRow, numberOf } from './llm-rows.ts';
import type { DevicePrediction } from './measured.ts';
import { mappingTables, prepareRow } from './predict.ts';
import { reasonOf } from './row-fault.ts';

const ROOM: Celsius = 25;

/** What a figure counts: the SoC without its DRAM, which has rails of its own; the phone less its idle draw; all of it. */
export type Scope = 'SoC rails' | 'phone net of idle' | 'whole phone';

export function scopeOf(remarks: string): Scope {
  if (/SoC-rail/.test(remarks)) return 'SoC rails';
  return /net of idle/.test(remarks) ? 'phone net of idle' : 'whole phone';
}

/** What the DRAM packages draw, PHY and controller on the SoC left out. */
export interface DramDraw {
  readonly perByte: JoulesPerByte;
  readonly standing: Watts;
}

export function dramDraw({ machine: { memory }, preset }: Prepared): DramDraw {
  const host = preset.power.host.typical.is;
  return {
    perByte: memory.energyPerReadByte - host,
    standing: memory.backgroundPower(ROOM, 0),
  };
}

/** Joules of one stage within the scope, its seconds and results; the device's constant draw is taken off by time. */
export function ofStage(
  { phases, energy, metrics }: Run,
  scope: Scope,
  stage: 'prefill' | 'decode',
  dram: DramDraw,
): { readonly joules: number; readonly seconds: number; readonly outputs: number } {
  const own = phases.filter((phase) => phase.stage === stage);
  const sum = (value: (phase: Run['phases'][number]) => number) =>
    own.reduce((total, phase) => total + value(phase), 0);
  const constant = (energy['screen'] ?? 0) + (energy['rest of device'] ?? 0);
  const seconds = sum(({ startSeconds, endSeconds }) => endSeconds - startSeconds);
  const whole = sum(({ joules }) => joules);
  const net = whole - (constant / (metrics['run_seconds'] ?? Number.NaN)) * seconds;
  const losses = (energy['regulators'] ?? 0) + (energy['battery'] ?? 0);
  const all = net * (1 - losses / ((metrics['energy_joules'] ?? Number.NaN) - constant));
  const rails = all - dram.perByte * sum(({ dramBytes }) => dramBytes) - dram.standing * seconds;
  const joules = { 'whole phone': whole, 'phone net of idle': net, 'SoC rails': rails }[scope];
  return { joules, seconds, outputs: sum(({ outputs }) => outputs) };
}

/** MNN's benchmark and the repetition of the largest table run on so many threads. */
const THREADS = 4;

/**
 * Threads of CPU rows with a meter: the largest table kept each engine's default, four for MNN and one per core for
 * llama.cpp, as the protocol of its repetition on a Galaxy S23 says, which set four. Screens are off where a row says
 * so, else at their lowest, as those who meter a whole phone set them.
 * @param environment what else is known of the air and of how warm the phone was.
 */
export function asMeasured(
  mapped: MappedRow,
  environment: Readonly<Record<string, unknown>> = {},
): MappedRow {
  const { scenario, row } = mapped;
  const set = [...((scenario['set'] as string[]) ?? [])];
  const perCore = /llama/.test(row.runtime) && scopeOf(row.remarks) === 'SoC rails';
  if (scenario.unit === 'cpu' && !perCore) set.push(`cpu.threads=${THREADS}`);
  if (/display off|screen off/.test(row.remarks)) set.push('phone.screen.minimumPower=0 W');
  return {
    ...mapped,
    scenario: { ...scenario, set, environment: { brightness: 0, ...environment } },
  };
}

/** Joules per token and watts while decoding, in the scope in which the row was metered. */
function runOf(mapped: MappedRow, sources: Sources) {
  const prepared = prepareRow(asMeasured(mapped), sources);
  const run = simulate(buildSimulation(prepared, [], sources));
  const scope = scopeOf(mapped.row.remarks);
  const { joules, seconds, outputs } = ofStage(run, scope, 'decode', dramDraw(prepared));
  return { energy: joules / outputs, watts: joules / seconds, prepared };
}

/** Predicts what rows say of energy per token and of power. */
export function predictEnergyRows(rows: readonly LlmRow[], sources: Sources): DevicePrediction[] {
  const tables = mappingTables(sources);
  return rows.flatMap((row): DevicePrediction[] => {
    const measured = {
      energy_per_token: numberOf(row.columns['energy_j_per_tok']),
      power: numberOf(row.columns['power_w']),
    };
    const mapped = mapLlmRow(row, tables);
    if (!(measured.energy_per_token || measured.power) || 'reason' in mapped) return [];
    const run = runIfFeasible(mapped, sources);
    if (!run) return [];
    const { energy, watts, prepared } = run;
    const one = (quantity: keyof typeof measured, predicted: number) => {
      const reference = measured[quantity];
      if (!reference) return [];
      const { factor } =
        prepared.calibration?.band(quantity, prepared.runtime.name, mapped.scenario.unit) ?? {};
      return [
        {
          id: row.id,
          quantity,
          predicted,
          reference,
          error: predicted / reference - 1,
          ...(factor && { band: { low: predicted / factor, high: predicted * factor } }),
          group: `${row.soc}, ${row.unit}`,
          assumptions: [...mapped.assumptions, `metered: ${scopeOf(row.remarks)}`],
          columns: { ...row.columns, model: row.model },
        },
      ];
    };
    return [...one('energy_per_token', energy), ...one('power', watts)];
  });
}

/** Why a row cannot run is told where its rates are predicted. */
function runIfFeasible(mapped: MappedRow, sources: Sources) {
  try {
    return runOf(mapped, sources);
  } catch (error) {
    if (!(error instanceof InfeasibleError || error instanceof SpecError)) throw error;
    reasonOf(error); // told with the row's rates
    return undefined;
  }
}

/** Measured rows whose protocol is known, as those that rates are fitted to. */
const COUNTED = /^[AB]$/;

/** Energy or power of one row beside what was measured, known by the row. */
export interface UnseenEnergy extends Unseen {
  readonly id: string;
}

/**
 * How far off energy and power are. Nothing is fitted to them, but the same rows' rates are fitted: with the calibration a
 * row is known by half, and only without any it is one that nothing has seen. No fit is made again without each model
 * and source here, so where those are asked for stands what the calibration says.
 * @param sources with the calibration that the bands are for.
 * @param plain without any.
 */
export function unseenEnergy(
  rows: readonly LlmRow[],
  sources: Sources,
  plain: Sources,
): UnseenEnergy[] {
  const tables = mappingTables(sources);
  return rows.flatMap((row) => {
    const measured = numberOf(row.columns['energy_j_per_tok']);
    const rate = row.decodePerSecond;
    if (!measured || !rate || row.kind !== 'measured' || !COUNTED.test(row.quality)) return [];
    const mapped = mapLlmRow(row, tables);
    if ('reason' in mapped) return [];
    const fitted = runOf(mapped, sources);
    const unseen = runOf(mapped, plain);
    const { runtime, unit, soc } = mapped.scenario;
    const source = row.columns['source_title'];
    const one = (key: 'energy' | 'watts', quantity: string, reference: number): UnseenEnergy => {
      // As it is kept beside the bands, which must follow from what is kept.
      const predicted = Number(fitted[key].toPrecision(DIGITS));
      return {
        id: row.id,
        quantity,
        unit,
        runtime,
        reference: Number(reference.toPrecision(DIGITS)),
        withoutModel: predicted,
        withoutSource: predicted,
        withoutSoc: Number(unseen[key].toPrecision(DIGITS)),
        model: row.model,
        ...(source && { source }),
        soc,
      };
    };
    return [one('energy', 'energy_per_token', measured), one('watts', 'power', measured * rate)];
  });
}

const DIGITS = 5;
