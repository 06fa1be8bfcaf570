/** What surrounds the phone: air, starting temperature, a case, a fan, a table; and how each changes a face. */
import { type Infer, quantity, z } from '../../base/schema.ts';
import type { Celsius, Metres } from '../../base/units.ts';
import type { Face } from './exchange.ts';

/** What the cards of body, battery and silicon power say. */
const VALID_AIR = {
  min: 0,
  max: 60,
  because: 'the models of body, battery and leakage hold from 0 °C to 60 °C',
} as const;

export const environmentSchema = z.strictObject({
  /** Air temperature. */
  ambient: quantity('temperature', VALID_AIR).default(25),
  /** Temperature of every part when the run starts; the air's unless given. */
  start: quantity('temperature', VALID_AIR).optional(),
  /** A protective case covers back and edges. */
  case: z.boolean().default(false),
  /** `clip-on` blows over the back; `built-in` moves air through the body, counted at the back. */
  fan: z.enum(['none', 'clip-on', 'built-in']).default('none'),
  /** Where it lies: a table takes the back out of the air and conducts a little. */
  placement: z.enum(['held', 'table', 'stand']).default('stand'),
  /** Of the screen, between its lowest (0) and full (1); the phone's indoor setting unless given. */
  brightness: quantity('ratio', { min: 0, max: 1 }).optional(),
  /** Share of a full battery at the start. */
  charge: quantity('ratio', { min: 0.01, max: 1 }).default(1),
  /** What a charger takes from the wall at most; none is plugged in at 0 W. */
  charging: quantity('power', { min: 0, max: 240 }).default(0),
});
export type EnvironmentSpec = Infer<typeof environmentSchema>;
export type Environment = Partial<EnvironmentSpec> & { readonly ambient: Celsius };

export const STILL_AIR: Environment = { ambient: 25 };

/** 1.2 mm of TPU at 0.2 W/m/K, K·m²/W; estimated. */
const CASE_RESISTANCE = 6e-3;
/** Mean coefficient over the face, W/m²K: a clip-on fan covers about half of it; estimated from gaming power
 * of 7.6–9.1 W with a fan against 5.1–7.2 W without at like skin temperature (thermal facts section 4). */
const FAN_COEFFICIENT = { none: 0, 'clip-on': 14, 'built-in': 20 } as const;
/** Share of the back that still meets air: a phone flat on a table or in a hand changes the whole-body
 * resistance by 20–40 % (reference parameters), which these shares give. */
const OPEN_BACK = { stand: 1, held: 0.75, table: 0.35 } as const;

/** One part of the body surface as the air meets it. */
export function faceOf(
  environment: Environment,
  where: 'front' | 'back' | 'edge',
  area: number,
  length: Metres,
  emissivity: number,
): Face {
  const open = where === 'back' ? OPEN_BACK[environment.placement ?? 'stand'] : 1;
  return {
    area: area * open,
    length,
    emissivity,
    forcedCoefficient: where === 'back' ? FAN_COEFFICIENT[environment.fan ?? 'none'] : 0,
    coverResistance: environment.case && where !== 'front' ? CASE_RESISTANCE : 0,
  };
}
