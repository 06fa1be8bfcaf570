/**
 * Clock domains of socs/<soc>.yaml: operating points, voltages and the power of what runs on them.
 *
 * Model    V(f) = max(floor, Vmax (a + b x + c x²)) with x = f / at, or linear between the points of a table
 * Ignores  voltage guard bands that depend on temperature and silicon bin
 * Valid    from the lowest operating point to about 1.3 times the highest, where a real part would refuse
 * Source   socs/*.yaml
 * Checked  test/unit/hardware/soc-spec.test.ts
 */
import { type Infer, risingQuantities, sourced, sourcedValue, z } from '../../base/schema.ts';
import { GIGA, type Hertz, type Volts } from '../../base/units.ts';
import type { ClockDomain, OperatingPoint } from '../clock-domain.ts';

/** Above any silicon yet: the record, under liquid helium, is 9.1 GHz (hwbot.org, Core i9-14900KF, 2024). */
const CLOCKS = { max: 10 * GIGA, because: 'no silicon clocks higher' };
const clock = () => sourced('frequency', CLOCKS);

const watts = () => sourced('power', { min: 0 });

const voltageCurve = z.strictObject({
  /** Voltage scale of the curve, about that of the clock `at`. */
  max: sourced('voltage'),
  /** The powers of the domain hold here. Stays when `clock` is varied: a higher clock costs the voltage it needs. */
  at: clock(),
  /** Coefficients a, b, c of V = max (a + b x + c x²), x = f / at. */
  shape: sourcedValue(z.tuple([z.number(), z.number(), z.number()])),
  floor: sourced('voltage'),
});

const voltageTable = z.strictObject({
  /** One voltage per entry of `points`, never falling. */
  table: sourcedValue(risingQuantities('voltage', { level: true })),
});

/**
 * Watts of everything on the domain together, at the reference point (`voltage.at`, or the end of the table).
 * The parts add up: a matrix engine at full rate draws stalled + matrix + leakage.
 */
const domainPower = z.strictObject({
  /** No work: clocks gated. */
  idle: watts(),
  /** Work is open and the clock runs, whether or not anything moves; replaces `idle`. */
  stalled: watts(),
  /** Added at full multiply–accumulate rate, and in proportion below it: an array that waits for weights switches little. */
  matrix: watts(),
  /** Added while all vector lanes are busy. */
  vector: watts(),
  /** Share of `matrix` that is drawn all the same while work is open: threads that wait spin, replay and fetch ahead. */
  waiting: sourced('ratio', { min: 0, max: 1 }).optional(),
  leakage: z.strictObject({
    power: watts(),
    /** Junction temperature at which `power` holds. */
    temperature: sourced('temperature'),
    /** Rise that doubles it. */
    doubling: sourced('temperature-difference'),
    /** Share that remains while nothing runs and the power switch is open. */
    gated: sourced('ratio', { min: 0, max: 1 }),
  }),
});

const domainFields = z.strictObject({
  /** Highest frequency. */
  clock: clock(),
  /** Operating points: frequencies, or shares of `clock`; `clock` itself is always the last. */
  points: sourcedValue(risingQuantities('frequency')).optional(),
  shares: sourcedValue(risingQuantities('ratio', { max: 1 })).optional(),
  voltage: z.union([voltageCurve, voltageTable]),
  /** From the request to the new clock. */
  transition: sourced('time', { min: 0 }),
  /** Of the transition, how long the clock stands still while its PLL locks again; switches without a gap when absent. */
  halt: sourced('time', { min: 0 }).optional(),
  /** Supply shared with every other domain that names it: it takes the highest voltage asked for. */
  rail: sourcedValue(z.string().min(1)).optional(),
  power: domainPower,
});

export const domainSpec = domainFields.superRefine((fields, context) => {
  const { points, shares, voltage, transition, halt } = fields;
  const fault = (path: string[], message: string) =>
    context.addIssue({ code: 'custom', path, message });
  if (points && shares) fault(['shares'], 'points are given too; keep one of the two');
  if (halt && halt.is > transition.is) {
    fault(['halt'], 'longer than the transition that it is part of');
  }
  if (!('table' in voltage)) return;
  const voltages = voltage.table.is.length;
  const listed = points?.is.length ?? 0;
  if (voltages !== listed) {
    fault(['voltage', 'table'], `${voltages} voltages need as many points, not ${listed}`);
  }
});

export type DomainSpec = Infer<typeof domainSpec>;

/**
 * Operating points of a domain, slowest first; the last is `clock`.
 * @param ceiling highest clock that the phone around it allows, where it is lower.
 */
export function buildClockDomain(name: string, own: DomainSpec, ceiling?: Hertz): ClockDomain {
  const held = ceiling !== undefined && ceiling < own.clock.is;
  const spec = held ? { ...own, clock: { ...own.clock, is: ceiling } } : own;
  const points = frequenciesOf(spec).map((frequency) => ({
    frequency,
    voltage: voltageAt(spec, frequency),
  }));
  const haltSeconds = spec.halt?.is ?? 0;
  return { name, points, transitionSeconds: spec.transition.is, haltSeconds };
}

/** The operating point at which the powers of the domain hold. */
export function referencePoint(spec: DomainSpec): OperatingPoint {
  const { voltage } = spec;
  if ('at' in voltage) return { frequency: voltage.at.is, voltage: voltageAt(spec, voltage.at.is) };
  const frequency = spec.points?.is.at(-1) ?? spec.clock.is;
  return { frequency, voltage: voltage.table.is.at(-1) as number };
}

/** Voltage that `frequency` needs. */
export function voltageAt(spec: DomainSpec, frequency: Hertz): Volts {
  const { voltage } = spec;
  if ('table' in voltage) return interpolate(tableFrequencies(spec), voltage.table.is, frequency);
  const x = frequency / voltage.at.is;
  const [a, b, c] = voltage.shape.is;
  return Math.max(voltage.floor.is, voltage.max.is * (a + b * x + c * x * x));
}

function frequenciesOf(spec: DomainSpec): readonly Hertz[] {
  const clock = spec.clock.is;
  // A table ends at the clock: a lower `clock` cuts it off, a higher one adds a point.
  const listed = tableFrequencies(spec).filter((frequency) => frequency < clock);
  return [...listed, clock];
}

function tableFrequencies({ clock, points, shares }: DomainSpec): readonly Hertz[] {
  if (points) return points.is;
  return shares ? shares.is.map((share) => share * clock.is) : [clock.is];
}

/** Linear between neighbours, level below the first, and on along the last slope above the last. */
function interpolate(xs: readonly number[], ys: readonly number[], x: number): number {
  const found = xs.findIndex((value) => value >= x);
  const upper = found === -1 ? xs.length - 1 : found;
  const low = Math.max(0, upper - 1);
  const [x0, x1] = [xs[low] as number, xs[upper] as number];
  const [y0, y1] = [ys[low] as number, ys[upper] as number];
  if (x1 === x0 || x <= x0) return y0;
  return y0 + ((y1 - y0) * (x - x0)) / (x1 - x0);
}
