/**
 * The host as a SoC description like any phone's: the fit varies its numbers, `run` and `sweep` read it from a file.
 *
 * Model    the CPU model of src/hardware/units/cpu.ts with measured kernels and caches
 * Ignores  power and heat, which this machine does not report: those numbers are placeholders, marked `estimated`
 * Valid    on the host it was fitted on
 * Source   `socsim calibrate host`
 * Checked  test/unit/calibration/host-soc.test.ts, test/validation/host.test.ts
 */
import { type Dimension, formatQuantity, unitsOf } from '../base/quantity.ts';
import type { Bytes, BytesPerSecond } from '../base/units.ts';
import { GIGA, KIBI, MEBI } from '../base/units.ts';
import { type CpuSpec, cpuSpec } from '../hardware/units/unit-spec.ts';
import type { HostDescription } from './host.ts';
import type { HostFit } from './host-fit.ts';
import type { ParameterName, ParameterValues } from './parameters.ts';

/** What a well-tuned FP32 GEMM reaches of its pipes; fixes the scale, because only clock × width × share can be seen. */
const GEMM_SHARE = 0.95;
/** Two 256-bit pipes: 16 FP32 multiply–accumulates per clock, the most common width; only its product with the clock matters. */
const SIMD_PIPES = 2;
const SIMD_BITS = 256;
/** Where the system does not tell. */
const DEFAULT_L2 = MEBI;

export interface HostShape {
  readonly threads: number;
  readonly l2Bytes: Bytes;
}

export function shapeOf(host: HostDescription, threads: number): HostShape {
  return { threads, l2Bytes: host.l2Bytes || DEFAULT_L2 };
}

/** Turns a fitted number into its place in a description. */
type Place = (name: ParameterName, dimension: Dimension) => Value;
interface Value {
  readonly is: string | number;
  readonly from: string;
  readonly trust: string;
  readonly note?: string;
}

/** The CPU unit's own part, as the fit evaluates it; the file says exactly the same with rounded numbers. */
export function hostCpu(values: ParameterValues, shape: HostShape): CpuSpec {
  return cpuSpec.parse(
    cpuDescription(shape, (name, dimension) => ({
      is: `${values[name]} ${dimension === 'ratio' ? '' : (unitsOf(dimension)[0] ?? '')}`,
      from: 'fit',
      trust: 'fitted',
    })),
  );
}

/** A whole SoC description, as `socs/*.yaml` has them; JSON is YAML too. */
export function hostDescription(fit: HostFit, host: HostDescription, shape: HostShape): unknown {
  const fitted = new Map(fit.parameters.map((parameter) => [parameter.name, parameter]));
  const place: Place = (name, dimension) => {
    const { uncertainty = Number.NaN, undetermined = false } = fitted.get(name) ?? {};
    return {
      is: formatQuantity(fit.values[name], dimension, 5),
      from: 'fit',
      trust: undetermined ? 'estimated' : 'fitted',
      note: `${undetermined ? 'not determined by the data, ' : ''}± ${(100 * uncertainty).toFixed(0)} %`,
    };
  };
  const clock = place('clock', 'frequency');
  return {
    version: 1,
    name: 'host',
    vendor: 'host',
    summary: `${host.processor}, ${shape.threads} threads, as calibrated; power, body and memory timings are placeholders`,
    phone: PLACEHOLDER_PHONE,
    process: 'unknown',
    references: {
      fit: { title: `socsim calibrate host on ${host.processor}` },
      host: { title: 'what the operating system reports' },
      placeholder: {
        title: 'not measured: a computer reports no power; only so that the description is whole',
      },
    },
    domains: { host: { clock, ...placeholderDomain(clock) } },
    units: {
      cpu: {
        ...cpuDescription(shape, place),
        sramEnergy: placeholder('2 pJ/B'),
        port: {
          bandwidth: place('bandwidth', 'bandwidth'),
          outstanding: placeholder('1 MiB', 'large: the bandwidth was measured, not the latency'),
        },
      },
    },
    ...placeholderPlatform(fit.values.bandwidth, host.memoryBytes),
  };
}

function cpuDescription({ threads, l2Bytes }: HostShape, place: Place) {
  const known = (is: string | number, note: string): Value => ({
    is,
    from: 'host',
    trust: 'estimated',
    note,
  });
  return {
    kind: 'cpu',
    clusters: [
      {
        name: 'host',
        core: 'host core',
        count: known(threads, 'threads calibrated'),
        clock: 'host',
        simdPipes: known(SIMD_PIPES, 'only clock × width is visible'),
        simdBits: known(SIMD_BITS, 'only clock × width is visible'),
        dot: true,
        i8mm: false,
        fp16: false,
        l2: known(`${l2Bytes / KIBI} KiB`, 'as the system reports it, or 1 MiB'),
      },
    ],
    l3: place('lastLevel', 'size'),
    threads: known(threads, 'threads calibrated'),
    barrier: place('barrier', 'time'),
    matrixShare: known(GEMM_SHARE, 'fixes the scale of the clock'),
    kernels: {
      shares: {
        int8: place('int8', 'ratio'),
        int4: place('int4', 'ratio'),
        int4Long: place('int4Long', 'ratio'),
        activations: place('activations', 'ratio'),
        conv: place('conv', 'ratio'),
        stem: place('stem', 'ratio'),
        depthwise: place('depthwise', 'ratio'),
        attention: place('attention', 'ratio'),
        attentionRow: place('attentionRow', 'ratio'),
      },
      outputBlock: place('outputBlock', 'count'),
      vectorOps: place('vectorOps', 'count'),
      exponential: place('exponential', 'count'),
      errorFunction: place('errorFunction', 'count'),
      division: place('division', 'count'),
      reorder: place('reorder', 'count'),
      caches: {
        l2: place('l2', 'count'),
        l3: place('l3', 'count'),
        stall: place('stall', 'count'),
      },
      coreBandwidth: place('coreBandwidth', 'bandwidth'),
      splitCycles: place('splitCycles', 'count'),
      threadShare: place('threadShare', 'ratio'),
    },
    launch: { operator: place('dispatch', 'time'), graph: place('call', 'time') },
  };
}

const placeholder = (is: unknown, note = 'placeholder') => ({
  is,
  from: 'placeholder',
  trust: 'estimated',
  note,
});

/** Some phone's body, because a description needs one; heat plays no part on the host. */
const PLACEHOLDER_PHONE = 'xiaomi-14';

function placeholderDomain(clock: Value) {
  return {
    voltage: {
      max: placeholder('1 V'),
      at: clock,
      shape: placeholder([1, 0, 0]),
      floor: placeholder('1 V'),
    },
    transition: placeholder('10 us'),
    power: {
      idle: placeholder('0.1 W'),
      stalled: placeholder('1 W'),
      matrix: placeholder('3 W'),
      vector: placeholder('2 W'),
      leakage: {
        power: placeholder('0.5 W'),
        temperature: placeholder('60 °C'),
        doubling: placeholder('25 K'),
        gated: placeholder(0.1),
      },
    },
  };
}

const PRESET = 'lpddr5-6400';
const PRESET_CHANNEL = 12.8 * GIGA;

/** Enough channels of a stand-in memory that the measured port bandwidth is what limits. */
function placeholderPlatform(bandwidth: BytesPerSecond, memory: Bytes) {
  const channels = Math.max(1, Math.ceil((2 * bandwidth) / PRESET_CHANNEL));
  return {
    memory: {
      type: 'other',
      preset: PRESET,
      rate: placeholder('6400 MT/s', 'stand-in; the port above limits'),
      channels: placeholder(channels, 'twice the measured bandwidth'),
      channelWidth: placeholder('16 bit'),
      density: placeholder('16Gb'),
      ranks: placeholder(1),
      interconnectLatency: placeholder('60 ns'),
    },
    fabric: {
      energy: placeholder('1 pJ/bit'),
      handover: placeholder('1 us', 'one unit: nothing is handed over'),
      handoverBandwidth: placeholder('20 GB/s'),
    },
    limits: {
      junction: { soft: placeholder('100 °C'), critical: placeholder('110 °C') },
      memory: {
        osReserve: placeholder(`${Math.ceil(memory / 8 / MEBI)} MiB`),
        applications: placeholder('0 B'),
      },
    },
  };
}
