/**
 * Heat from die to skin, solved exactly for power that is constant over each step.
 *
 * Model    C·dT/dt = P − G·(T − T_ambient). With A = C^-½·G·C^-½ = V·Λ·Vᵀ every mode obeys
 *          dz/dt = q − λ·z, so z(t+h) = e^(−λh)·z + q·(1 − e^(−λh))/λ: no step-size error at any h
 * Ignores  anything that depends on temperature; `leakage.ts` and `body-network.ts` add that as heat
 * Valid    networks that `checkNetwork` accepts, to a few hundred nodes (decomposition is O(n³), once)
 * Source   modal superposition, as for any linear symmetric diffusion system; the ml-matrix door
 * Checked  test/validation/thermal.test.ts against eigen-solutions of HotSpot 7 networks (≤ 1e-6 K)
 */

import { CholeskyDecomposition, EigenvalueDecomposition, Matrix, solve } from 'ml-matrix';
import { clearColumn } from '../../base/columns.ts';
import type { Celsius, Seconds } from '../../base/units.ts';
import {
  checkNetwork,
  conductanceMatrix,
  type NetworkSpec,
  type ThermalNetwork,
} from './network.ts';

/** A linear network in modal coordinates; built once per network, shared by every run on it. */
export interface Modes {
  readonly spec: NetworkSpec;
  readonly count: number;
  /** Decay rates of the modes, 1/s. */
  readonly rates: Float64Array;
  /** `shapes[i·n + k]`: temperature of node i per unit of mode k; also what 1 W in node i feeds into mode k. */
  readonly shapes: Float64Array;
  /** `projection[k·n + i]`: part of mode k in a kelvin of node i. */
  readonly projection: Float64Array;
  /** `resistances[i·n + j]`: rise of node i per watt held in node j, K/W. */
  readonly resistances: Float64Array;
}

/** Step factors of every mode for one step size. */
export interface StepFactors {
  seconds: Seconds;
  /** e^(−λh). */
  readonly decay: Float64Array;
  /** ∫ e^(−λs) ds over the step: the answer of a mode to one watt held for the step. */
  readonly gain: Float64Array;
}

/** Step sizes remembered at once: control periods come in a few sizes, event-driven steps in many. */
const CACHED_STEPS = 8;

/** Decomposes a checked network; throws `SpecError` for one that is disconnected or not positive. */
export function decompose(spec: NetworkSpec): Modes {
  checkNetwork(spec);
  const n = spec.nodes.length;
  const conductance = conductanceMatrix(spec);
  const root = Float64Array.from(spec.capacities, Math.sqrt);
  const scaled = new Matrix(n, n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) {
      scaled.set(i, j, (conductance[i * n + j] as number) / (root[i]! * root[j]!));
    }
  }
  const eigen = new EigenvalueDecomposition(scaled, { assumeSymmetric: true });
  const shapes = new Float64Array(n * n);
  const projection = new Float64Array(n * n);
  for (let k = 0; k < n; k++) {
    for (let i = 0; i < n; i++) {
      const v = eigen.eigenvectorMatrix.get(i, k);
      shapes[i * n + k] = v / root[i]!;
      projection[k * n + i] = v * root[i]!;
    }
  }
  return {
    spec,
    count: n,
    rates: modeRates(spec, shapes),
    shapes,
    projection,
    resistances: invertSymmetric(conductance, n),
  };
}

/** A network that starts at ambient, over the given modes. */
export function buildModalNetwork(spec: NetworkSpec, modes: Modes = decompose(spec)): ModalNetwork {
  return new ModalNetwork(modes);
}

/** The solver: state in modal coordinates, temperatures written after every step. */
export class ModalNetwork implements ThermalNetwork {
  readonly nodes: readonly string[];
  readonly temperatures: Float64Array;
  readonly modes: Modes;
  #ambient: Celsius;
  readonly #state: Float64Array;
  /** Heat as the modes see it, scratch of one step. */
  readonly #feed: Float64Array;
  /** Nodes that heat enters, scratch of one step. */
  readonly #hot: Int32Array;
  readonly #steps: StepFactors[] = [];
  #oldest = 0;

  constructor(modes: Modes) {
    this.modes = modes;
    this.nodes = modes.spec.nodes;
    this.#ambient = modes.spec.ambient;
    this.#state = new Float64Array(modes.count);
    this.#feed = new Float64Array(modes.count);
    this.#hot = new Int32Array(modes.count);
    this.temperatures = new Float64Array(modes.count).fill(this.#ambient);
  }

  get ambient(): Celsius {
    return this.#ambient;
  }

  /** Changes the air temperature from now on; the nodes keep theirs. */
  setAmbient(celsius: Celsius): void {
    this.#ambient = celsius;
    this.setTemperatures(this.temperatures);
  }

  setTemperatures(celsius: ArrayLike<number>): void {
    const { count, projection } = this.modes;
    for (let k = 0; k < count; k++) {
      let sum = 0;
      for (let i = 0; i < count; i++) {
        sum += projection[k * count + i]! * ((celsius[i] as number) - this.#ambient);
      }
      this.#state[k] = sum;
    }
    for (let i = 0; i < count; i++) this.temperatures[i] = celsius[i] as number;
  }

  advance(seconds: Seconds, watts: Float64Array): void {
    const { count } = this.modes;
    const { decay, gain } = this.factors(seconds);
    const state = this.#state;
    const feed = this.#feed;
    this.#feedModes(watts);
    for (let k = 0; k < count; k++) state[k] = decay[k]! * state[k]! + gain[k]! * feed[k]!;
    this.#writeTemperatures();
  }

  /** Heat as the modes see it, three nodes at a time; one after the other would give the same sums. */
  #feedModes(watts: Float64Array): void {
    const { count, shapes } = this.modes;
    const feed = this.#feed;
    const hot = this.#hot;
    let sources = 0;
    // Most parts of a phone make no heat of their own.
    for (let i = 0; i < count; i++) if (watts[i] !== 0) hot[sources++] = i;
    clearColumn(feed);
    let s = 0;
    for (; s + 2 < sources; s += 3) {
      const a = hot[s]!;
      const b = hot[s + 1]!;
      const c = hot[s + 2]!;
      const [x, y, z] = [watts[a]!, watts[b]!, watts[c]!];
      const [p, q, r] = [a * count, b * count, c * count];
      for (let k = 0; k < count; k++) {
        feed[k] = feed[k]! + shapes[p + k]! * x + shapes[q + k]! * y + shapes[r + k]! * z;
      }
    }
    for (; s < sources; s++) {
      const x = watts[hot[s]!]!;
      const p = hot[s]! * count;
      for (let k = 0; k < count; k++) feed[k] = feed[k]! + shapes[p + k]! * x;
    }
  }

  /** Adds `weights[k]` × (heat pattern `watts`) to every mode: how callers correct a step for heat that changed within it. */
  correct(watts: Float64Array, weights: Float64Array): void {
    const { count, shapes } = this.modes;
    for (let i = 0; i < count; i++) {
      const heat = watts[i]!;
      if (heat === 0) continue;
      for (let k = 0; k < count; k++) {
        this.#state[k] = this.#state[k]! + weights[k]! * shapes[i * count + k]! * heat;
      }
    }
    this.#writeTemperatures();
  }

  /** Weights for `correct`: answer of every mode at the step's end to heat that rises from 0 to 1 W within it. */
  rampWeights(seconds: Seconds, into: Float64Array): void {
    const { gain } = this.factors(seconds);
    const { rates, count } = this.modes;
    for (let k = 0; k < count; k++) into[k] = (1 - gain[k]! / seconds) / rates[k]!;
  }

  steadyState(watts: Float64Array): Float64Array {
    const { count, resistances } = this.modes;
    const result = new Float64Array(count);
    for (let i = 0; i < count; i++) {
      let sum = this.#ambient;
      for (let j = 0; j < count; j++) sum += resistances[i * count + j]! * watts[j]!;
      result[i] = sum;
    }
    return result;
  }

  /** Copies the modal state out of, or back into, the network: lets a caller try a step and take it back. */
  saveState(into: Float64Array): void {
    into.set(this.#state);
  }

  restoreState(from: Float64Array): void {
    this.#state.set(from);
    this.#writeTemperatures();
  }

  /** Step factors for `seconds`, from the cache where it has them. */
  factors(seconds: Seconds): StepFactors {
    for (const step of this.#steps) if (step.seconds === seconds) return step;
    const step = this.#freeSlot();
    step.seconds = seconds;
    const { rates, count } = this.modes;
    for (let k = 0; k < count; k++) {
      const exponent = -rates[k]! * seconds;
      step.decay[k] = Math.exp(exponent);
      step.gain[k] = -Math.expm1(exponent) / rates[k]!;
    }
    return step;
  }

  #freeSlot(): StepFactors {
    const { count } = this.modes;
    if (this.#steps.length < CACHED_STEPS) {
      const step = { seconds: 0, decay: new Float64Array(count), gain: new Float64Array(count) };
      this.#steps.push(step);
      return step;
    }
    this.#oldest = (this.#oldest + 1) % CACHED_STEPS;
    return this.#steps[this.#oldest] as StepFactors;
  }

  /** Three nodes at a time: sums that do not wait for each other keep the processor's adders full. */
  #writeTemperatures(): void {
    const { count, shapes } = this.modes;
    const { temperatures } = this;
    const state = this.#state;
    const ambient = this.#ambient;
    let i = 0;
    for (; i + 2 < count; i += 3) {
      const a = i * count;
      const b = a + count;
      const c = b + count;
      let x = ambient;
      let y = ambient;
      let z = ambient;
      for (let k = 0; k < count; k++) {
        const mode = state[k]!;
        x += shapes[a + k]! * mode;
        y += shapes[b + k]! * mode;
        z += shapes[c + k]! * mode;
      }
      temperatures[i] = x;
      temperatures[i + 1] = y;
      temperatures[i + 2] = z;
    }
    for (; i < count; i++) {
      let sum = ambient;
      for (let k = 0; k < count; k++) sum += shapes[i * count + k]! * state[k]!;
      temperatures[i] = sum;
    }
  }
}

/** Solves a small dense system; here because this file is the door of the matrix package. */
export function solveDense(
  matrix: readonly (readonly number[])[],
  right: readonly number[],
): number[] {
  const rows = matrix.map((row) => [...row]);
  return solve(new Matrix(rows), Matrix.columnVector([...right])).to1DArray();
}

/**
 * Decay rates as Rayleigh quotients written as sums of squares. The rates span eight decades, and the
 * decomposition is only accurate relative to the largest; these sums have no cancellation, so the slowest
 * mode (the whole phone) keeps full precision.
 */
function modeRates(spec: NetworkSpec, shapes: Float64Array): Float64Array {
  const n = spec.nodes.length;
  return Float64Array.from({ length: n }, (_, k) => {
    const at = (i: number) => shapes[i * n + k]!;
    let flow = 0;
    for (const { a, b, conductance } of spec.links) flow += conductance * (at(a) - at(b)) ** 2;
    for (const { node, conductance } of spec.ambientLinks) flow += conductance * at(node) ** 2;
    let stored = 0;
    for (let i = 0; i < n; i++) stored += (spec.capacities[i] as number) * at(i) ** 2;
    return flow / stored;
  });
}

/** Inverse of a symmetric positive definite matrix, row by row. */
function invertSymmetric(matrix: Float64Array, n: number): Float64Array {
  // Sums gathered in different order differ in the last digit; the factorisation insists on equality.
  const even = (i: number, j: number) => (matrix[i * n + j]! + matrix[j * n + i]!) / 2;
  const rows = Array.from({ length: n }, (_, i) =>
    Array.from({ length: n }, (_c, j) => even(i, j)),
  );
  const inverse = new CholeskyDecomposition(new Matrix(rows)).solve(Matrix.eye(n));
  return Float64Array.from(inverse.to1DArray());
}
