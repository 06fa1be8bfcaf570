/**
 * The few numbers that measurements of phones decide, as logarithms of factors on what descriptions say.
 *
 * Layers: a runtime class on a kind of unit (all SoCs share it), another build of such a class or an application around
 * it, units of one maker's SoCs, a unit of a SoC (all runtimes share it), and the pair of runtime and unit. Where rows
 * are few, the pull to the start keeps a pair at what its class and its unit say, and a unit at what its description says.
 */
import type { DType } from '../../base/work.ts';
import type { ClassesSpec, TuningSpec } from '../../runtime/calibration-spec.ts';
import { combineTunings, type KernelTuning } from '../../runtime/kernel-tuning.ts';
import type { RuntimeSpec } from '../../runtime/runtime-spec.ts';

export type Layer = 'class' | 'build' | 'maker' | 'unit' | 'pair';
export type Field =
  | 'compute'
  | 'matrix'
  | 'rows'
  | 'attention'
  | 'superblocks'
  | 'recurrence'
  | 'bandwidth'
  | 'launch'
  | 'call'
  | 'host';

export interface Parameter {
  readonly layer: Layer;
  readonly field: Field;
  readonly dtype?: DType;
  readonly maker?: string;
  readonly soc?: string;
  readonly unit: string;
  readonly runtime?: string;
  /** Of a build: the class that it is a build of. */
  readonly family?: string;
  /** Pull to the start: a factor of e^prior costs as much as one σ of a row. */
  readonly prior: number;
  /** Logarithm of where it starts and is pulled to; 0 where only the description counts. */
  readonly centre: number;
  /** Farthest it may go from there, as a logarithm. */
  readonly limit: number;
}

/** Of one row: which SoC, and which units under which runtime its phases use. */
export interface Use {
  readonly soc: string;
  /** Who made the SoC. */
  readonly maker: string;
  readonly runtime: string;
  readonly units: readonly string[];
}

/**
 * Logarithms. Kernel quality differs by factors between engines and little between SoCs for one engine; memory ports are
 * known to a fifth or so; launch times to a factor of two. The widths of class and maker are those, of fourteen sets tried
 * (each layer and the expected error of a row scaled by 0.6 to 3), with the least mean |ln predicted ÷ measured| of rows
 * whose model, and whose SoC, was left out; the others come to between 0.3 and 7 % more. Those of units and pairs have the
 * least of rows whose source was left out, and no more where the SoC was: engines differ more between units than units
 * from their descriptions (before, 0.35 and 0.25 for both: prompts 0.405 and 0.362; now 0.378 and 0.343). An effect of each
 * source beside them, which no prediction has, is left out: with spreads of 0.3 and 0.5 for prompts and 0.15 and 0.25 for
 * answers, per source, per engine or per SoC, it put models left out a quarter further off, and sources no nearer.
 * Left out as well (linearised fit, same measure; 0.209, 0.312 and 0.283 without the model, the source, the SoC):
 * slopes of compute and bandwidth on what descriptions say of a unit (peak, memory rate, their ratio, year, clock, cores,
 * bytes in flight), one at a time and shared by all classes, change SoCs left out by −0.007 (GPUs by year) to +0.012;
 * layers of core, GPU and NPU families, of units or under each engine, by −0.001 to +0.031; errors that grow with the rows
 * of a source on a pair, so that sources count and not rows, bring sources to 0.300 and models to 0.229.
 */
const PRIORS: Readonly<Record<Layer, Readonly<Partial<Record<Field, number>>>>> = {
  class: {
    compute: 0.42,
    matrix: 0.42,
    rows: 0.42,
    bandwidth: 0.18,
    launch: 0.42,
    call: 0.42,
    host: 0.42,
    attention: 0.42,
    superblocks: 0.3,
    recurrence: 0.5,
  },
  build: {
    compute: 0.5,
    matrix: 0.5,
    rows: 0.5,
    bandwidth: 0.2,
    launch: 0.5,
    call: 0.5,
    host: 0.5,
    attention: 0.5,
    superblocks: 0.3,
    recurrence: 0.5,
  },
  maker: { compute: 0.4, bandwidth: 0.3, launch: 0.25 },
  unit: { compute: 0.2, bandwidth: 0.15, launch: 0.24 },
  pair: { compute: 0.6, bandwidth: 0.43 },
};
/** In priors. */
const FARTHEST = 4;

export function keyOf({ layer, field, dtype, maker, soc, unit, runtime }: Parameter): string {
  return [layer, maker, soc, runtime, unit, field, dtype]
    .filter((part) => part !== undefined)
    .join('/');
}

/** Every parameter that some use depends on, in a fixed order. */
export function parametersOf(
  uses: readonly Use[],
  runtimes: Readonly<Record<string, RuntimeSpec>>,
): Parameter[] {
  const found = new Map<string, Parameter>();
  for (const use of uses) {
    for (const parameter of parametersOfUse(use, runtimes)) {
      const key = keyOf(parameter);
      if (!found.has(key)) found.set(key, parameter);
    }
  }
  return [...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, parameter]) => parameter);
}

export function parametersOfUse(
  { soc, maker, runtime, units }: Use,
  runtimes: Readonly<Record<string, RuntimeSpec>>,
): Parameter[] {
  const spec = runtimes[runtime] as RuntimeSpec;
  return units.flatMap((unit) => {
    const layer = (name: Layer, fields: readonly Field[], place: object) =>
      fields.map((field) => make(name, field, { unit, ...place }));
    return [
      ...ownParameters(spec, unit, runtimes),
      ...layer('maker', ['compute', 'bandwidth', 'launch'], { maker }),
      ...layer('unit', ['compute', 'bandwidth', 'launch'], { soc }),
      ...layer('pair', ['compute', 'bandwidth'], { soc, runtime }),
    ];
  });
}

/** Of a class; of a build, what it shares with the class it is a build of and how far it is from that. */
function ownParameters(
  spec: RuntimeSpec,
  unit: string,
  runtimes: Readonly<Record<string, RuntimeSpec>>,
): Parameter[] {
  const family = spec.family === undefined ? undefined : runtimes[spec.family];
  const shared = family ? ownParameters(family, unit, runtimes) : [];
  const own = classFields(spec, unit).map(({ field, dtype }) => {
    const place = { unit, runtime: spec.name, ...(dtype ? { dtype } : {}) };
    const above = shared.some((one) => one.field === field && one.dtype === dtype);
    if (!(family && above)) return make('class', field, place);
    return make('build', field, { ...place, family: family.name });
  });
  const has = (one: Parameter) =>
    own.some(({ field, dtype }) => one.field === field && one.dtype === dtype);
  return [...shared.filter(has), ...own];
}

function make(
  layer: Layer,
  field: Field,
  place: Omit<Parameter, 'layer' | 'field' | 'prior' | 'centre' | 'limit'>,
) {
  const prior = PRIORS[layer][field] ?? 0.5;
  return { layer, field, ...place, prior, centre: 0, limit: FARTHEST * prior };
}

/** What a class says about kernels of one kind of unit. */
function classFields(
  spec: RuntimeSpec,
  kind: string,
): { readonly field: Field; readonly dtype?: DType }[] {
  const kernels = spec.kernels[kind as 'cpu' | 'gpu' | 'npu'];
  if (!kernels) return [];
  const matrix = Object.keys(kernels.matrixShare ?? {}) as DType[];
  const rows = Object.keys(kernels.rowShare ?? {}) as DType[];
  const plain = (field: Field) => ({ field });
  return [
    ...matrix.map((dtype) => ({ field: 'matrix' as const, dtype })),
    ...(matrix.length === 0 ? [plain('compute')] : []),
    ...rows.map((dtype) => ({ field: 'rows' as const, dtype })),
    ...(kernels.superblockShare ? [plain('superblocks')] : []),
    ...(kernels.recurrenceShare ? [plain('recurrence')] : []),
    plain('bandwidth'),
    ...(kind === 'cpu' || kernels.attentionShare ? [] : [plain('attention')]),
    ...(kernels.dispatch || kind === 'gpu' ? [plain('launch')] : []),
    ...(kernels.call ? [plain('call')] : []),
    ...(spec.host ? [plain('host')] : []),
  ];
}

/** What other measurements have said, of classes and of makers. */
export interface Shared {
  readonly classes: ClassesSpec['classes'];
  readonly makers: ClassesSpec['makers'];
}

/** Classes and makers start at what other measurements have said of them, held as firmly as those knew it. */
export function anchored(parameter: Parameter, { classes, makers }: Shared): Parameter {
  const { layer, field, dtype, runtime = '', family = '', maker = '', unit, prior } = parameter;
  const factorIn = (of: Readonly<Record<string, TuningSpec>> | undefined) => {
    const known = of?.[unit]?.[field];
    return (dtype === undefined ? known : (known as Factors | undefined)?.[dtype]) as
      | Factor
      | undefined;
  };
  const factor = factorIn(layer === 'maker' ? makers[maker] : classes[runtime]);
  if (!factor || layer === 'unit' || layer === 'pair') return parameter;
  // What is known of a build includes what it shares with its class.
  const above = layer === 'build' ? (factorIn(classes[family])?.factor ?? 1) : 1;
  const centre = Math.log(factor.factor / above);
  return { ...parameter, centre, prior: Math.min(prior, factor.sigma) };
}

/**
 * A pair that one source alone has measured: how it held the phone and built the engine cannot be told from what the pair
 * is. With this share of the width, SoCs left out are predicted nearer (mean |ln predicted ÷ measured| of prompts 0.313
 * for 0.322, of first tokens 0.286 for 0.296), models and sources left out as well as before (within 1 %).
 * A unit that one or two have measured is held so too: what they say of one engine moved every other on that unit (the CPU
 * of an A19 Pro below that of an A18 Pro, of a Tensor G4 below a G3). Without the SoC, prompts are 22.6 % off in the median
 * for 24.7 %, answers 22.5 for 22.7 %, first tokens 20.6 for 21.1 %; without model or source the means stay within 1.5 %.
 */
const FEW_SOURCES_SHARE = 0.6;

/** Sources that are few for a pair, and for a unit. */
export const FEW_SOURCES = { pair: 1, unit: 2 } as const;

/** @param few pairs and units that few sources have measured, as `pairOf` and `unitOf` name them. */
export function heldByFew(parameter: Parameter, few: ReadonlySet<string>): Parameter {
  const { layer, prior, limit, soc = '', runtime = '', unit } = parameter;
  if (layer !== 'pair' && layer !== 'unit') return parameter;
  const place = layer === 'pair' ? pairOf({ soc, runtime, unit }) : unitOf({ soc, unit });
  if (!few.has(place)) return parameter;
  return { ...parameter, prior: FEW_SOURCES_SHARE * prior, limit: FEW_SOURCES_SHARE * limit };
}

interface Place extends Pick<Use, 'soc' | 'runtime'> {
  readonly unit: string;
}

export function pairOf({ soc, runtime, unit }: Place): string {
  return [soc, runtime, unit].join('/');
}

export function unitOf({ soc, unit }: Pick<Place, 'soc' | 'unit'>): string {
  return [soc, unit].join('/');
}

type Factor = NonNullable<TuningSpec['bandwidth']>;
type Factors = NonNullable<TuningSpec['rows']>;

/** A tuning from parameters with their factors. */
export function tuningOf(parts: readonly { parameter: Parameter; factor: number }[]): KernelTuning {
  return combineTunings(
    ...parts.map(({ parameter: { field, dtype }, factor }): KernelTuning => {
      if (field !== 'matrix' && field !== 'rows') return { [field]: factor };
      return { [field]: { [dtype as DType]: factor } };
    }),
  );
}
