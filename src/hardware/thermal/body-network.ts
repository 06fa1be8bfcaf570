/**
 * A heat network whose faces lose heat to the air by a law that bends with temperature.
 *
 * Model    each face is linear at a reference rise and part of the exact modal solution; what the true law
 *          loses less (or more) than that is heat put into (or taken from) the face node. It is taken as
 *          linear in time over a step: the step is made with its first value, then corrected with its
 *          last, both integrated exactly over every mode (exponential second-order Runge–Kutta)
 * Ignores  sub-step curvature of that remainder: below 1 mK for steps of `MAX_STEP` at phone powers
 * Valid    as `exchange.ts`
 * Source   Cox and Matthews 2002, exponential time differencing, for the scheme
 * Checked  test/unit/hardware/thermal/body-network.test.ts against a fine explicit integration
 */
import { copyColumn } from '../../base/columns.ts';
import type { Celsius, Seconds } from '../../base/units.ts';
import { type Face, faceHeat } from './exchange.ts';
import type { ModalNetwork } from './modal.ts';
import type { ThermalNetwork } from './network.ts';

export interface BodyFace extends Face {
  readonly node: number;
  /** What the linear network already carries from this node to the air, W/K. */
  readonly linearConductance: number;
}

/** Longest step over which the remainder is taken as linear; skin takes minutes to warm. */
const MAX_STEP: Seconds = 10;
/** A remainder that moved by less is not worth correcting, W. */
const NEGLIGIBLE = 2e-4;

export class BodyNetwork implements ThermalNetwork {
  readonly nodes: readonly string[];
  readonly temperatures: Float64Array;
  readonly faces: readonly BodyFace[];
  readonly #linear: ModalNetwork;
  readonly #heat: Float64Array;
  readonly #change: Float64Array;
  readonly #weights: Float64Array;
  /** Remainder of each face at the present temperatures; out of date after they were set from outside. */
  readonly #remainders: Float64Array;
  #current = false;

  constructor(linear: ModalNetwork, faces: readonly BodyFace[]) {
    this.nodes = linear.nodes;
    this.temperatures = linear.temperatures;
    this.faces = faces;
    this.#linear = linear;
    this.#heat = new Float64Array(linear.nodes.length);
    this.#change = new Float64Array(linear.nodes.length);
    this.#weights = new Float64Array(linear.nodes.length);
    this.#remainders = new Float64Array(faces.length);
  }

  get ambient(): Celsius {
    return this.#linear.ambient;
  }

  setAmbient(celsius: Celsius): void {
    this.#linear.setAmbient(celsius);
    this.#current = false;
  }

  setTemperatures(celsius: ArrayLike<number>): void {
    this.#linear.setTemperatures(celsius);
    this.#current = false;
  }

  /** Heat that all faces shed at the present temperatures, W. */
  shedWatts(): number {
    let sum = 0;
    for (const face of this.faces) {
      sum += faceHeat(face, this.temperatures[face.node] as number, this.ambient);
    }
    return sum;
  }

  advance(seconds: Seconds, watts: Float64Array): void {
    const steps = Math.max(1, Math.ceil(seconds / MAX_STEP));
    for (let i = 0; i < steps; i++) this.#step(seconds / steps, watts);
  }

  steadyState(watts: Float64Array): Float64Array {
    const heat = Float64Array.from(watts);
    let result = this.#linear.steadyState(heat);
    // The remainder is a small, smooth part of the loss, so plain iteration contracts quickly.
    for (let round = 0; round < STEADY_ROUNDS; round++) {
      heat.set(watts);
      for (const face of this.faces) {
        heat[face.node] = (heat[face.node] as number) + this.#remainder(face, result);
      }
      const next = this.#linear.steadyState(heat);
      const moved = next.reduce((worst, t, i) => Math.max(worst, Math.abs(t - result[i]!)), 0);
      result = next;
      if (moved < 1e-10) break;
    }
    return result;
  }

  #step(seconds: Seconds, watts: Float64Array): void {
    const heat = this.#heat;
    const remainders = this.#remainders;
    if (!this.#current) this.#evaluateRemainders();
    copyColumn(watts, heat);
    for (let f = 0; f < this.faces.length; f++) {
      const { node } = this.faces[f] as BodyFace;
      heat[node] = heat[node]! + remainders[f]!;
      this.#change[node] = -remainders[f]!;
    }
    this.#linear.advance(seconds, heat);
    this.#evaluateRemainders();
    let moved = 0;
    for (let f = 0; f < this.faces.length; f++) {
      const { node } = this.faces[f] as BodyFace;
      const difference = this.#change[node]! + remainders[f]!;
      this.#change[node] = difference;
      moved = Math.max(moved, Math.abs(difference));
    }
    if (moved <= NEGLIGIBLE) return;
    this.#linear.rampWeights(seconds, this.#weights);
    this.#linear.correct(this.#change, this.#weights);
    this.#current = false;
  }

  #evaluateRemainders(): void {
    for (let f = 0; f < this.faces.length; f++) {
      this.#remainders[f] = this.#remainder(this.faces[f] as BodyFace, this.temperatures);
    }
    this.#current = true;
  }

  /** What the linear path takes too much from the face at these temperatures, W. */
  #remainder(face: BodyFace, temperatures: Float64Array): number {
    const temperature = temperatures[face.node] as number;
    const rise = temperature - this.ambient;
    return face.linearConductance * rise - faceHeat(face, temperature, this.ambient);
  }
}

const STEADY_ROUNDS = 200;
