/** SI number types for every quantity; the only file that spells out powers of ten and two. */

declare const unit: unique symbol;
/** A number that remembers its unit for the type checker and costs nothing at run time. */
type Flavoured<U extends string> = number & { readonly [unit]?: U };

export type Seconds = Flavoured<'s'>;
export type Hertz = Flavoured<'Hz'>;
export type Volts = Flavoured<'V'>;
export type Amperes = Flavoured<'A'>;
export type Ohms = Flavoured<'ohm'>;
export type Watts = Flavoured<'W'>;
export type Joules = Flavoured<'J'>;
export type Bytes = Flavoured<'B'>;
export type BytesPerSecond = Flavoured<'B/s'>;
export type Celsius = Flavoured<'degC'>;
export type KelvinPerWatt = Flavoured<'K/W'>;
export type JoulesPerKelvin = Flavoured<'J/K'>;
export type JoulesPerByte = Flavoured<'J/B'>;
export type Cycles = Flavoured<'cycle'>;
export type Metres = Flavoured<'m'>;

export const PICO = 1e-12;
export const NANO = 1e-9;
export const MICRO = 1e-6;
export const MILLI = 1e-3;
export const KILO = 1e3;
export const MEGA = 1e6;
export const GIGA = 1e9;
export const TERA = 1e12;
export const PETA = 1e15;
export const KIBI = 2 ** 10;
export const MEBI = 2 ** 20;
export const GIBI = 2 ** 30;
export const BITS_PER_BYTE = 8;
/** A multiply–accumulate counts as two operations, as every TOPS figure does. */
export const OPS_PER_MAC = 2;
