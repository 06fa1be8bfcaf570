/**
 * Heat that one face of a phone gives to still or moving air, against its temperature.
 *
 * Model    q = A·[h_c·(T − Ta) + ε·σ·(T⁴ − Ta⁴)], h_c = 1.32·(|T − Ta|/L)^¼ for a plate in still air,
 *          at least `forcedCoefficient` with a fan; a case adds a series resistance and is the surface that
 *          meets the air
 * Ignores  orientation, a hand or table (use `contactShare`), wind, sun
 * Valid    −20…60 °C air, 0…40 K rise, faces of 5…20 cm
 * Source   flat-plate correlation and ε ≈ 0.9 as in the phone-face row of the reference parameters:
 *          9.3 W/m²K at 5 K and 11.7 W/m²K at 25 K over 25 °C air
 * Checked  test/unit/hardware/thermal/exchange.test.ts
 */
import type { Celsius, Metres, Watts } from '../../base/units.ts';
import { ZERO_CELSIUS_KELVIN } from './network.ts';

/** W/m²/K⁴, CODATA 2018. */
const STEFAN_BOLTZMANN = 5.670374419e-8;
/** Laminar natural convection on a plate, W/m²K per (K/m)^¼; Holman, Heat Transfer, simplified air equations. */
const PLATE_COEFFICIENT = 1.32;

export interface Face {
  /** Area that meets the air, m². */
  readonly area: number;
  /** Length along which the air rises. */
  readonly length: Metres;
  readonly emissivity: number;
  /** Lower bound of the convection coefficient when air is blown over the face, W/m²K; 0 in still air. */
  readonly forcedCoefficient: number;
  /** Resistance of a case between face and air, K·m²/W; 0 without. */
  readonly coverResistance: number;
}

/** Heat that leaves the face; negative when the air is warmer. */
export function faceHeat(face: Face, temperature: Celsius, ambient: Celsius): Watts {
  let surface = temperature;
  let flux = bareFlux(face, surface, ambient);
  if (face.coverResistance > 0) {
    // The surface sits where what the case conducts equals what the air takes: secant steps on a nearly
    // linear law reach a microkelvin in three.
    for (let i = 0; i < 4; i++) {
      const rise = surface - ambient;
      const coefficient = rise === 0 ? 0 : flux / rise;
      surface = ambient + (temperature - ambient) / (1 + coefficient * face.coverResistance);
      flux = bareFlux(face, surface, ambient);
    }
  }
  return flux * face.area;
}

/** Conductance (W/K) of the chord from ambient to `ambient + rise`. */
export function faceConductance(face: Face, ambient: Celsius, rise: number): number {
  return faceHeat(face, ambient + rise, ambient) / rise;
}

function bareFlux(face: Face, surface: Celsius, ambient: Celsius): number {
  const rise = surface - ambient;
  const natural = PLATE_COEFFICIENT * Math.sqrt(Math.sqrt(Math.abs(rise) / face.length));
  const convection = Math.max(natural, face.forcedCoefficient) * rise;
  const hot = surface + ZERO_CELSIUS_KELVIN;
  const cold = ambient + ZERO_CELSIUS_KELVIN;
  // hot⁴ − cold⁴ in factors: no power function in the inner loop, no cancellation near ambient.
  const difference = (hot * hot + cold * cold) * (hot + cold) * rise;
  return convection + face.emissivity * STEFAN_BOLTZMANN * difference;
}
