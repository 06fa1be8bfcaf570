/** The phone around a SoC as a YAML file: body, memory, storage, screen, battery, heat paths, skin limits. */
import { type Fault, SpecError } from '../../base/errors.ts';
import { checkReferences } from '../../base/provenance.ts';
import {
  checkSpec,
  type Infer,
  risingQuantities,
  sourced,
  sourcedValue,
  z,
} from '../../base/schema.ts';
import type { SpecFile } from '../../base/spec-file.ts';

const bodySchema = z.strictObject({
  width: sourced('length'),
  height: sourced('length'),
  depth: sourced('length'),
  /** Of each face, in the infrared. */
  emissivity: sourced('ratio', { min: 0.01, max: 1 }),
  /** Outer area of the edges as a share of both faces. */
  edgeShare: sourced('ratio', { min: 0, max: 0.5 }),
  /** Share of each face that lies over the vapour chamber and warms first. */
  nearShare: sourced('ratio', { min: 0.05, max: 0.95 }),
  /** A fan of its own, which blows whatever the environment says; absent in passive bodies. */
  fan: z.enum(['built-in']).optional(),
});

const screenSchema = z.strictObject({
  /** Whole panel at the lowest and at full brightness. */
  minimumPower: sourced('power', { min: 0 }),
  maximumPower: sourced('power'),
  /** Brightness of an indoor session, between the two. */
  brightness: sourced('ratio', { min: 0, max: 1 }),
});

const batterySchema = z.strictObject({
  capacity: sourced('charge'),
  /** Open-circuit voltage at 0, 10, 20 … 100 % of charge. */
  openCircuit: sourcedValue(risingQuantities('voltage')),
  resistance: sourced('resistance'),
  /** The battery guard clips power above this current. */
  maximumCurrent: sourced('current'),
  /** The phone switches off below this terminal voltage. */
  cutoffVoltage: sourced('voltage'),
  /** Share of battery power that reaches the SoC rails. */
  regulatorEfficiency: sourced('ratio', { min: 0.3, max: 1 }),
});

const R = () => sourced('thermal-resistance');
const C = () => sourced('thermal-capacity');
const thermalSchema = z.strictObject({
  dieThickness: sourced('length'),
  /** Die to DRAM on top of it, whole die area. */
  dieToDram: R(),
  /** Die to package substrate, whole die area. */
  dieToPackage: R(),
  packageToBoard: R(),
  /** DRAM through shield and interface to the vapour chamber. */
  dramToChamber: R(),
  boardToChamber: R(),
  boardToFrame: R(),
  chamberToFrame: R(),
  chamberToFront: R(),
  chamberToBack: R(),
  frameToFront: R(),
  frameToBack: R(),
  frameToBattery: R(),
  batteryToBack: R(),
  /** Near to far part of a face, along glass and graphite. */
  alongFront: R(),
  alongBack: R(),
  dram: C(),
  package: C(),
  board: C(),
  chamber: C(),
  frame: C(),
  battery: C(),
  front: C(),
  back: C(),
});

const limitsSchema = z.strictObject({
  /** Virtual skin at which the vendor starts to hold back, and the ladder above it. */
  skinTarget: sourced('temperature'),
  skinSevere: sourced('temperature'),
  skinEmergency: sourced('temperature'),
  /** Power of the SoC that the body holds for ever at `skinTarget` in 25 °C air, as the vendor sets it. */
  sustainablePower: sourced('power'),
  /** Highest clock that its vendor gives programs, by clock domain, where it holds it below that of the SoC. */
  clocks: z.record(z.string(), sourced('frequency')).optional(),
});

/** How the vendor holds heat back, where it is known; the runtime layer checks names and options. */
const policySchema = z.strictObject({
  /** A thermal governor by name. */
  governor: z.string(),
  /** As a scenario would write them; trips, budgets and ceilings of the vendor's own files. */
  options: sourcedValue(z.record(z.string(), z.unknown())),
});

export const phoneSchema = z.strictObject({
  version: z.literal(1),
  name: z.string(),
  summary: z.string(),
  /** File name of the SoC it is sold with. */
  soc: z.string(),
  references: z.record(
    z.string(),
    z.strictObject({ title: z.string(), url: z.string().optional() }),
  ),
  memory: z.strictObject({ capacity: sourced('size') }),
  storage: z.strictObject({
    kind: z.string(),
    capacity: sourced('size'),
    sequentialRead: sourced('bandwidth'),
    /** Of blocks of 4 KiB. */
    randomRead: sourced('bandwidth'),
    /** Of blocks of 512 KiB. */
    randomReadLarge: sourced('bandwidth').optional(),
    /** Before the first byte of a load. */
    setup: sourced('time', { min: 0 }).optional(),
    readEnergy: sourced('energy-per-byte', { min: 0 }).optional(),
  }),
  body: bodySchema,
  screen: screenSchema,
  /** Everything that is always on and is neither SoC, DRAM nor screen: sensors, touch, radio idle, regulators. */
  restPower: sourced('power', { min: 0 }),
  battery: batterySchema,
  thermal: thermalSchema,
  limits: limitsSchema,
  thermalPolicy: policySchema.optional(),
});

export type Phone = Infer<typeof phoneSchema>;

/** @throws SpecError with every fault: schema, unknown references, falling voltages, limits out of order. */
export function parsePhone(source: SpecFile): Phone {
  const phone = checkSpec(source, phoneSchema, [checkReferences]);
  const faults = phoneFaults(phone).map((fault) => ({
    file: source.file,
    ...source.locate((fault.path ?? '').split('.')),
    ...fault,
  }));
  if (faults.length > 0) throw new SpecError(faults);
  return phone;
}

function phoneFaults(phone: Phone): Fault[] {
  const faults: Fault[] = [];
  const { is: volts } = phone.battery.openCircuit;
  if (volts.length !== 11) {
    faults.push({
      path: 'battery.openCircuit.is',
      message: 'eleven voltages are needed, at 0, 10, 20 … 100 % of charge',
      got: String(volts.length),
    });
  }
  if (phone.battery.cutoffVoltage.is >= (volts[0] as number) + 0.5) {
    faults.push({
      path: 'battery.cutoffVoltage',
      message: 'far above the voltage of an empty cell',
    });
  }
  const { skinTarget, skinSevere, skinEmergency } = phone.limits;
  if (!(skinTarget.is < skinSevere.is && skinSevere.is < skinEmergency.is)) {
    faults.push({
      path: 'limits',
      message: 'skin limits must rise: skinTarget, skinSevere, skinEmergency',
      got: `${skinTarget.is}, ${skinSevere.is}, ${skinEmergency.is} °C`,
    });
  }
  if (phone.screen.maximumPower.is < phone.screen.minimumPower.is) {
    faults.push({ path: 'screen.maximumPower', message: 'below minimumPower' });
  }
  return faults;
}
