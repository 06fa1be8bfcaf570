/** Replays recorded inputs through the governor arithmetic and compares every output column. */
import type { CheckedRow } from '../analysis/row-report.ts';
import { type CsvFile, type CsvRow, parseCsv } from '../base/csv.ts';
import { type Fault, SpecError } from '../base/errors.ts';
import {
  divideBudget,
  estimateGains,
  type PidState,
  type PowerAllocatorParameters,
  pidBudget,
  resetPid,
  stateForPower,
} from '../runtime/governors/power-allocator-arithmetic.ts';
import {
  newSkinLoopState,
  type SkinLoop,
  type SkinLoopState,
  skinBudget,
} from '../runtime/governors/skin-pid-arithmetic.ts';
import {
  NO_TARGET,
  newStepWiseState,
  type StepWiseState,
  stepWiseTick,
} from '../runtime/governors/step-wise-arithmetic.ts';

/** Outputs of one tick by column name, as numbers; words stand as 1 (on) and 0 (off). */
type Outputs = Readonly<Record<string, number>>;

/** A governor under test: reads its configuration row, then one row per tick. */
interface Replay {
  /** Whether a configuration row must come before the first tick. */
  readonly configured: boolean;
  configure(text: string, faults: ConfigReader): void;
  /** @param read the number in an input column; it throws where there is none. */
  tick(read: ReadColumn): Outputs;
}

type ReadColumn = (name: string) => number;

const REPLAYS = {
  'power-allocator': () => new PowerAllocatorReplay(),
  'step-wise': () => new StepWiseReplay(),
  'skin-pid': () => new SkinPidReplay(),
} satisfies Record<string, () => Replay>;
export type VectorKind = keyof typeof REPLAYS;
/** Columns without which a file is of another kind. */
const INPUTS: Readonly<Record<VectorKind, readonly string[]>> = {
  'power-allocator': ['T_mC'],
  'step-wise': ['T_mC', 'trip_mC', 'max_state'],
  'skin-pid': ['T_skin_C'],
};
export const VECTOR_KINDS = Object.keys(REPLAYS) as VectorKind[];

/** `error` is the plain difference, in the unit of the column (mW, states). */
export function checkVectors(kind: VectorKind, text: string, file: string): CheckedRow[] {
  const csv = parseCsv(text, file, ['vector', ...INPUTS[kind]]);
  const tickColumn = csv.columns.find((column) => column.startsWith('tick'));
  if (tickColumn === undefined) {
    throw new SpecError([{ file, line: 1, message: 'column "tick" is missing' }]);
  }
  const rows: CheckedRow[] = [];
  let vector = '';
  let replay: Replay = REPLAYS[kind]();
  for (const row of csv.rows) {
    const id = row.values['vector'] ?? '';
    if (id !== vector) replay = REPLAYS[kind]();
    vector = id;
    const tick = row.values[tickColumn] ?? '';
    if (tick === 'config') {
      const config = Object.values(row.values).slice(2).join(' ');
      replay.configure(config, new ConfigReader(config, csv, row));
    } else if (replay.configured) {
      const outputs = replay.tick((name) => inputOf(csv, row, name));
      rows.push(...compare(csv, row, `${id}:${tick}`, id, outputs));
    } else {
      throw new SpecError([
        {
          file,
          line: row.line,
          message: `vector "${id}" has no row "config" before its first tick`,
        },
      ]);
    }
  }
  return rows;
}

function inputOf(csv: CsvFile, row: CsvRow, name: string): number {
  const text = row.values[name];
  const value = text === undefined || text.trim() === '' ? Number.NaN : Number(text);
  if (Number.isFinite(value)) return value;
  const place = { file: csv.file, line: row.line, path: name };
  if (text === undefined) throw new SpecError([{ ...place, message: 'this column is missing' }]);
  throw new SpecError([{ ...place, message: 'not a number', got: `"${text}"` }]);
}

const WORDS: Readonly<Record<string, number>> = { on: 1, off: 0, none: NO_TARGET };

function compare(
  csv: CsvFile,
  row: CsvRow,
  id: string,
  group: string,
  outputs: Outputs,
): CheckedRow[] {
  return Object.entries(outputs).flatMap(([quantity, predicted]) => {
    const text = row.values[quantity];
    if (text === undefined || (text === '' && Number.isNaN(predicted))) return [];
    const reference = WORDS[text] ?? (text === '' ? Number.NaN : Number(text));
    if (Number.isNaN(reference)) {
      const place = { file: csv.file, line: row.line, path: quantity };
      if (text !== '') throw new SpecError([{ ...place, message: 'not a number', got: text }]);
    }
    return [{ id, quantity, predicted, reference, error: predicted - reference, group }];
  });
}

/** Finds `name=value` and prose numbers in a configuration row; what is missing becomes one error. */
class ConfigReader {
  readonly #text: string;
  readonly #place: Pick<Fault, 'file' | 'line'>;

  constructor(text: string, csv: CsvFile, row: CsvRow) {
    this.#text = text;
    this.#place = { file: csv.file, line: row.line };
  }

  find(pattern: RegExp): string | undefined {
    return pattern.exec(this.#text)?.[1];
  }

  number(name: string, pattern: RegExp, fallback?: number): number {
    const text = this.find(pattern);
    if (text !== undefined) return Number(text);
    if (fallback !== undefined) return fallback;
    throw new SpecError([{ ...this.#place, message: `the configuration does not say ${name}` }]);
  }
}

const NUMBER = '(-?\\d+(?:\\.\\d+)?)';
const keyed = (name: string) => new RegExp(`\\b${name}=${NUMBER}`);

class PowerAllocatorReplay implements Replay {
  #parameters: PowerAllocatorParameters | undefined;
  #tables: number[][] = [];
  #weights: number[] = [];
  readonly #pid: PidState = { integral: 0, previousError: 0 };

  get configured(): boolean {
    return this.#parameters !== undefined;
  }

  configure(text: string, read: ConfigReader): void {
    const sustainablePower = read.number('sustainable', keyed('sustainable'));
    const control = read.number('control', keyed('control'));
    const found = read.find(keyed('switch_on'));
    const switchOn = found === undefined ? undefined : Number(found);
    const estimated = estimateGains(sustainablePower, switchOn, control);
    this.#parameters = {
      sustainablePower,
      switchOn,
      control,
      gains: {
        overshoot: read.number('k_po', keyed('k_po'), estimated.overshoot),
        undershoot: read.number('k_pu', keyed('k_pu'), estimated.undershoot),
        integral: read.number('k_i', keyed('k_i'), estimated.integral),
        derivative: read.number('k_d', keyed('k_d'), 0),
        integralCutoff: read.number('cutoff', keyed('cutoff'), 0),
      },
      passiveDelayMilliseconds: read.number('delay', keyed('delay'), 100),
    };
    this.#weights = numbersIn(read.find(/weights=\[([^\]]*)\]/) ?? '');
    const tables = text.slice(text.indexOf('power tables')).match(/\[[\d\s.,]+\]/g) ?? [];
    this.#tables = tables.map(numbersIn);
    read.number('actor power tables', /power tables[^[]*\[+\s*(\d+)/);
  }

  tick(read: ReadColumn): Outputs {
    const parameters = this.#parameters as PowerAllocatorParameters;
    const temperature = read('T_mC');
    const { switchOn } = parameters;
    const maxima = this.#tables.map((table) => table[0] as number);
    if (switchOn !== undefined && temperature < switchOn) {
      resetPid(this.#pid);
      return outputsOf(
        0,
        Number.NaN,
        maxima,
        maxima.map(() => 0),
      );
    }
    const total = maxima.reduce((sum, value) => sum + value, 0);
    const budget = pidBudget(this.#pid, temperature, total, parameters);
    const requests = maxima.map((_, a) => read(`req${a}_mW`));
    const granted: number[] = [];
    divideBudget(requests, this.#weights, maxima, budget, granted);
    const states = granted.map((power, a) => stateForPower(this.#tables[a] as number[], power));
    return outputsOf(1, budget, granted, states);
  }
}

function outputsOf(
  on: number,
  budget: number,
  granted: readonly number[],
  states: readonly number[],
): Outputs {
  return {
    governor: on,
    power_range_mW: budget,
    ...Object.fromEntries(granted.map((power, a) => [`granted${a}_mW`, power])),
    ...Object.fromEntries(states.map((state, a) => [`state${a}`, state])),
  };
}

class StepWiseReplay implements Replay {
  readonly configured = true;
  readonly #state: StepWiseState = newStepWiseState();
  #device = 0;

  configure(): void {
    // Trip and deepest state stand in every row.
  }

  tick(read: ReadColumn): Outputs {
    const temperature = read('T_mC');
    const trip = read('trip_mC');
    const trend = Math.sign(temperature - this.#state.last);
    const limits = { lower: 0, upper: read('max_state') };
    const target = stepWiseTick(this.#state, temperature, trip, this.#device, limits);
    this.#device = Math.max(target, 0);
    const above = temperature >= trip ? 1 : 0;
    return { trend, above_trip: above, target, cooling_state: this.#device };
  }
}

class SkinPidReplay implements Replay {
  #loop: SkinLoop | undefined;
  readonly #state: SkinLoopState = newSkinLoopState();

  get configured(): boolean {
    return this.#loop !== undefined;
  }

  configure(_text: string, read: ConfigReader): void {
    const under = read.number('K_pu', keyed('K_pu'));
    this.#loop = {
      target: read.number('the target', new RegExp(`target\\D{0,3}${NUMBER}`)),
      trigger: read.number('when it is active', new RegExp(`active from ${NUMBER}`)),
      hysteresis: read.number('the hysteresis', new RegExp(`hysteresis ${NUMBER}`), 0),
      gainUnder: under,
      gainOver: read.number('K_po', keyed('K_po'), under),
      gainIntegral: read.number('K_i', keyed('K_i'), 0),
      gainDerivative: read.number('K_d', keyed('K_d'), 0),
      integralMaximum: read.number('i_max', keyed('i_max'), Number.POSITIVE_INFINITY),
      integralCutoff: read.number('i_cutoff', keyed('i_cutoff'), Number.POSITIVE_INFINITY),
      basePower: read.number('s_power', keyed('s_power')),
      minimum: read.number('min', keyed('min'), 0),
      maximum: read.number('max', keyed('max'), Number.POSITIVE_INFINITY),
    };
  }

  tick(read: ReadColumn): Outputs {
    const budget = skinBudget(this.#state, read('T_skin_C'), this.#loop as SkinLoop);
    const active = this.#state.active;
    return { state: active ? 1 : 0, budget_mW: active ? budget : Number.NaN };
  }
}

function numbersIn(text: string): number[] {
  return (text.match(/-?\d+(?:\.\d+)?/g) ?? []).map(Number);
}
