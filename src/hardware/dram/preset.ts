/** What a file in `socs/lpddr/` says about one speed bin: the schema, and the checks that no schema can express. */
import { type Fault, SpecError } from '../../base/errors.ts';
import { type Dimension, formatQuantity } from '../../base/quantity.ts';
import { checkSpec, type Infer, quantity, sourced, sourcedValue, z } from '../../base/schema.ts';
import type { SpecFile, SpecPath } from '../../base/spec-file.ts';
import { MEGA } from '../../base/units.ts';

const cycles = () => sourcedValue(z.int().min(0));
const size = () => sourcedValue(z.int().min(1));
const time = () => sourced('time');
/** Typical silicon and data-sheet maximum of the same quantity. */
const corners = (dimension: Dimension) =>
  z.strictObject({ typical: sourced(dimension), maximum: sourced(dimension) });

const modeSchema = z.strictObject({
  burstBeats: size(),
  bankGroups: size(),
  banksPerGroup: size(),
  page: sourced('size'),
  /** Cycles a burst keeps the data bus (first to last beat) and its bank group. */
  BLmin: size(),
  BLmax: size(),
  CCD_S: size(),
  CCD_L: size(),
  tRRD: time(),
  tFAW: time(),
  tWTR_S: time(),
  tWTR_L: time(),
});

const densitySchema = z.strictObject({
  capacity: sourced('size'),
  tRFCab: time(),
  tRFCpb: time(),
  tpbR2pbR: time(),
  refreshEnergy: corners('energy'),
});

const share = () => z.number().min(0).max(1);
const latencies = () => z.array(z.array(quantity('time')));

/** Of idle latency, waiting and the cost of mixing, what ports with full windows see; `writes` go with their share. */
const fullWindowsSchema = z.strictObject({
  idleReads: z.number(),
  idleWrites: z.number(),
  /** Waiting that rises evenly with load, and waiting as it nears what the memory can give. */
  evenReads: z.number(),
  evenWrites: z.number(),
  waitingReads: z.number(),
  waitingWrites: z.number(),
  turning: share(),
});

/** What `socsim fit dram` found the bin to achieve; the fluid model looks it up. */
const fluidSchema = z.strictObject({
  /** Grid of the table: bytes of one visit to an open row, reads among the accesses, streams side by side. */
  visits: z.array(z.int().min(1)).min(2),
  readShares: z.array(share()).min(2),
  streams: z.array(z.int().min(1)).min(2),
  /** Achieved share of peak: by streams, then read share, then visit. */
  efficiency: sourcedValue(z.array(z.array(z.array(share())))),
  /** How much of it is left at twice and four times the refresh rate, by visit. */
  refreshFactor: sourcedValue(z.array(z.array(share())).length(2)),
  /**
   * Read latency of the DRAM at random arrivals, by share of its rate at which it runs (rows) and by load (columns): share
   * of what these ranks achieve at that rate.
   */
  clocks: z.array(z.number().positive()).min(2),
  loads: z.array(share()).min(2),
  latency: sourcedValue(z.strictObject({ oneRank: latencies(), twoRanks: latencies() })),
  /** Of one rank at its full rate: without load, and the scale of what waiting adds; full windows count in them. */
  idleLatency: sourced('time'),
  waiting: sourced('time'),
  /** Streams of one rank collide in half as many banks as those of two. */
  fullWindows: sourcedValue(
    z.strictObject({ oneRank: fullWindowsSchema, twoRanks: fullWindowsSchema }),
  ),
  /** Relative errors of this table and curve on points that were not used for them. */
  residuals: z.strictObject({
    efficiency: z.strictObject({
      points: z.int(),
      median: z.number(),
      p90: z.number(),
      worst: z.number(),
    }),
    latency: z.strictObject({ points: z.int(), median: z.number(), worst: z.number() }),
    fullWindows: z.strictObject({ points: z.int(), median: z.number(), worst: z.number() }),
  }),
});

export const lpddrPresetSchema = z
  .strictObject({
    version: z.literal(1),
    name: z.string(),
    family: z.enum(['LPDDR5', 'LPDDR5X', 'LPDDR5T', 'LPDDR6']),
    summary: z.string(),
    references: z.record(z.string(), z.string()),
    rate: sourced('transfer-rate'),
    channelBits: size(),
    beatsPerClock: size(),
    /** Share of the beats that carry data; below one where metadata travel along. */
    dataShare: sourced('ratio', { max: 1 }).optional(),
    /** Counted in cycles of CK. */
    cycles: z.strictObject({
      RL: size(),
      WL: size(),
      RBTP: cycles(),
      PPD: size(),
      AAD: size(),
      CS: cycles(),
      RTWgap: cycles(),
      WCKPST: cycles(),
      /** Cycles of the command bus that one command takes; one where it is left out. */
      CMD: size().optional(),
    }),
    times: z.strictObject({
      tRCD: time(),
      tRPpb: time(),
      tRPab: time(),
      tRAS: time(),
      tRC: time(),
      tWR: time(),
      tREFI: time(),
      tREFIpb: time(),
      tpbR2act: time(),
      tXP: time(),
      tSR: time(),
      tXSR: time(),
      hotDerating: time(),
    }),
    modes: z.record(z.string(), modeSchema),
    densities: z.record(z.string(), densitySchema),
    power: z.strictObject({
      activate: corners('energy'),
      read: corners('energy-per-byte'),
      write: corners('energy-per-byte'),
      activeStandby: corners('power'),
      prechargeStandby: corners('power'),
      powerDown: corners('power'),
      selfRefresh: corners('power'),
      host: corners('energy-per-byte'),
      /** Multiplies every energy and power above. */
      scale: sourced('ratio'),
    }),
    fluid: fluidSchema.optional(),
  })
  .meta({ description: 'One LPDDR speed bin' });

export type LpddrPreset = Infer<typeof lpddrPresetSchema>;
type LpddrMode = LpddrPreset['modes'][string];
export type FullWindows = Infer<typeof fullWindowsSchema>;
export type FluidTable = NonNullable<LpddrPreset['fluid']>;

/** Without bank groups a device keeps up with at most this rate (JESD209-5: 16-bank mode up to 3200 MT/s). */
const SIXTEEN_BANK_LIMIT = 3200 * MEGA;

/**
 * Checks one preset file.
 * @throws SpecError with every fault: schema, unknown sources, and timings that contradict each other.
 */
export function parseLpddrPreset(spec: SpecFile): LpddrPreset {
  const preset = checkSpec(spec, lpddrPresetSchema);
  const faults = [
    ...sourceFaults(preset, spec),
    ...timingFaults(preset, spec),
    ...tableFaults(preset.fluid, spec),
  ];
  if (faults.length > 0) throw new SpecError(faults);
  return preset;
}

/** A rule between numbers, the place to blame, and both sides as text. */
interface Rule {
  readonly path: SpecPath;
  readonly message: string;
  readonly value: number;
  readonly bound: number;
  readonly dimension: Dimension;
}

/** The ways in which the numbers of a preset can contradict each other. */
function timingFaults(preset: LpddrPreset, spec: SpecFile): Fault[] {
  const modes = Object.entries(preset.modes).flatMap(([name, mode]) =>
    modeRules(preset, name, mode),
  );
  const rules = [...deviceRules(preset), ...modes, ...densityRules(preset)];
  return rules
    .filter(({ value, bound }) => value < bound * (1 - 1e-9))
    .map(({ path, message, value, bound, dimension }) => ({
      file: spec.file,
      ...spec.locate(path),
      path: path.join('.'),
      message,
      expected: `at least ${formatQuantity(bound, dimension)}`,
      got: formatQuantity(value, dimension),
    }));
}

function deviceRules({ times, cycles: counted }: LpddrPreset): Rule[] {
  const time = (key: keyof typeof times, bound: number, message: string): Rule => ({
    path: ['times', key],
    message,
    value: times[key].is,
    bound,
    dimension: 'time',
  });
  return [
    time('tRC', times.tRAS.is + times.tRPpb.is, 'tRC is below tRAS + tRPpb'),
    time('tRAS', times.tRCD.is, 'tRAS is below tRCD'),
    time('tRPab', times.tRPpb.is, 'tRPab is below tRPpb'),
    time('tREFI', times.tREFIpb.is, 'tREFI is below tREFIpb'),
    {
      path: ['cycles', 'RL'],
      message: 'RL is below WL',
      value: counted.RL.is,
      bound: counted.WL.is,
      dimension: 'count',
    },
  ];
}

function modeRules(preset: LpddrPreset, name: string, mode: LpddrMode): Rule[] {
  const rule = (
    key: keyof LpddrMode,
    bound: number,
    message: string,
    dimension: Dimension,
  ): Rule => ({ path: ['modes', name, key], message, value: mode[key].is, bound, dimension });
  const transfer = mode.burstBeats.is / preset.beatsPerClock.is;
  // One bank group keeps up with short bursts only while the array is as fast as the bus.
  const ungrouped = mode.burstBeats.is < 32 && preset.rate.is > SIXTEEN_BANK_LIMIT;
  const tooFast = 'BL16 without bank groups is only allowed up to 3200 MT/s';
  return [
    rule('tFAW', mode.tRRD.is, 'tFAW is below tRRD', 'time'),
    rule('tWTR_L', mode.tWTR_S.is, 'tWTR_L is below tWTR_S', 'time'),
    rule('CCD_L', mode.CCD_S.is, 'CCD_L is below CCD_S', 'count'),
    rule('BLmax', mode.BLmin.is, 'BLmax is below BLmin', 'count'),
    rule('BLmin', transfer, 'the burst does not fit into BLmin', 'count'),
    rule('bankGroups', ungrouped ? 2 : 1, tooFast, 'count'),
  ];
}

function densityRules(preset: LpddrPreset): Rule[] {
  return Object.entries(preset.densities).flatMap(([name, density]): Rule[] => [
    {
      path: ['densities', name, 'tRFCab'],
      message: 'tRFCab is below tRFCpb',
      value: density.tRFCab.is,
      bound: density.tRFCpb.is,
      dimension: 'time',
    },
    {
      path: ['times', 'tREFI'],
      message: `tREFI is below tRFCab of ${name}`,
      value: preset.times.tREFI.is,
      bound: density.tRFCab.is,
      dimension: 'time',
    },
  ]);
}

/** The table must be as large as its grid, and the grid must rise. */
function tableFaults(fluid: FluidTable | undefined, spec: SpecFile): Fault[] {
  if (!fluid) return [];
  const fault = (key: string, message: string): Fault => ({
    file: spec.file,
    ...spec.locate(['fluid', key]),
    path: `fluid.${key}`,
    message,
  });
  const axes = ['visits', 'readShares', 'streams', 'clocks', 'loads'] as const;
  const falling = axes.filter((axis) =>
    fluid[axis].some((v, i, all) => i > 0 && v <= (all[i - 1] ?? 0)),
  );
  const fits =
    fluid.efficiency.is.length === fluid.streams.length &&
    fluid.efficiency.is.every(
      (rows) =>
        rows.length === fluid.readShares.length &&
        rows.every((row) => row.length === fluid.visits.length),
    );
  const timed = Object.values(fluid.latency.is).every(
    (rows) =>
      rows.length === fluid.clocks.length && rows.every((row) => row.length === fluid.loads.length),
  );
  return [
    ...falling.map((axis) => fault(axis, 'the values must rise')),
    ...(timed ? [] : [fault('latency', 'the table does not have the size of its grid')]),
    ...(fits ? [] : [fault('efficiency', 'the table does not have the size of its grid')]),
  ];
}

/** Every `from` must be a key of `references`. */
function sourceFaults(preset: LpddrPreset, spec: SpecFile): Fault[] {
  const faults: Fault[] = [];
  const known = Object.keys(preset.references);
  const visit = (node: unknown, path: SpecPath) => {
    if (typeof node !== 'object' || node === null) return;
    const { from } = node as { readonly from?: unknown };
    if (typeof from === 'string' && 'is' in node && !known.includes(from)) {
      faults.push({
        file: spec.file,
        ...spec.locate(path),
        path: `${path.join('.')}.from`,
        message: `unknown reference "${from}"`,
        expected: known.join(', '),
      });
    }
    for (const [key, child] of Object.entries(node)) visit(child, [...path, key]);
  };
  visit(preset, []);
  return faults;
}
