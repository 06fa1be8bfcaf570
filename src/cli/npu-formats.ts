/** `--dtype` of `probe npu`: widths of both operands, and the rate at which an engine multiplies them. */
import { type Fault, SpecError } from '../base/errors.ts';
import { BITS_PER_BYTE, type Bytes } from '../base/units.ts';
import { DTYPE_BITS, type DType } from '../base/work.ts';
import { buildFormatRates } from '../hardware/units/formats.ts';

type Rates = Readonly<Record<string, { readonly is: number }>>;

/**
 * Multiply–accumulates per clock of an 8-bit multiplier, where no SoC says otherwise. Passes: 16-bit inputs take two, 16-bit
 * operands on both sides four; floats of half precision run at half of int8 (48 TOPS and 24 TFLOPS of the Dimensity 9300,
 * arXiv 2501.14794); 4-bit operands on both sides pair up (1248 and 624 TOPS of INT4 and INT8, NVIDIA A100 white paper).
 */
export const USUAL_RATES: Rates = {
  int8: { is: 1 },
  w4a8: { is: 1 },
  w8a16: { is: 0.5 },
  w4a16: { is: 0.5 },
  fp16: { is: 0.5 },
  int16: { is: 0.25 },
  int4: { is: 2 },
};

/** Of a multiplier made for 8 bits: double precision takes 64 passes, and 16 pairs of 2-bit values fit at most. */
const RATE_BOUNDS = { least: 1 / 64, most: 16, text: '1/64 to 16' } as const;

/** Formats by their bits, as `w4a16` names them. */
const BY_BITS: Readonly<Record<string, DType>> = {
  2: 'int2',
  3: 'int3',
  4: 'int4',
  8: 'int8',
  16: 'fp16',
  32: 'fp32',
};

export interface Operands {
  readonly weight: DType;
  readonly activation: DType;
}

/** `int8`, or weights by activations as `w4a16`. */
export function parseOperands(text: string): Operands {
  if (text in DTYPE_BITS) return { weight: text as DType, activation: text as DType };
  const [, weights = '', activations = ''] = /^w(\d+)a(\d+)$/.exec(text) ?? [];
  const weight = BY_BITS[weights];
  const activation = BY_BITS[activations];
  if (weight && activation && DTYPE_BITS[weight] <= DTYPE_BITS[activation])
    return { weight, activation };
  if (weight && activation) {
    throw dtypeError(text, 'no engine takes weights wider than activations', {
      hint: `w${activations}a${weights} has narrower weights`,
    });
  }
  const names = Object.keys(DTYPE_BITS).join(', ');
  throw dtypeError(text, 'not a number format', {
    expected: `${names}, or weights by activations such as w4a16`,
  });
}

export interface Multiply {
  /** Per clock and multiplier, zeros of pruned weights not counted yet. */
  readonly rate: number;
  /** Weights become the format of the activations first. */
  readonly expand: boolean;
}

/**
 * @param given the rate of the command line, which wins.
 * @throws SpecError where neither it nor `rates` says how fast, with what they say.
 */
export function multiplyOf(
  text: string,
  { weight, activation }: Operands,
  rates: Rates,
  given: number | undefined,
): Multiply {
  const found = buildFormatRates(rates)[weight][activation];
  if (given !== undefined) {
    const { least, most, text: bounds } = RATE_BOUNDS;
    if (given >= least && given <= most) return { expand: false, ...found, rate: given };
    throw new SpecError([
      {
        path: '--rate',
        message: 'no multiplier does that',
        expected: `${bounds} multiply–accumulates per clock and multiplier`,
        got: String(given),
      },
    ]);
  }
  if (found) return found;
  const known = Object.entries(rates).map(([name, { is }]) => `${name} ${is}`);
  throw dtypeError(text, 'no rate is known for it', {
    expected: `one of ${known.join(', ')}`,
    hint: '--rate COUNT sets one',
  });
}

export function elementBytes(dtype: DType): Bytes {
  return DTYPE_BITS[dtype] / BITS_PER_BYTE;
}

function dtypeError(got: string, message: string, more: Partial<Fault>): SpecError {
  return new SpecError([{ path: '--dtype', message, got, ...more }]);
}
