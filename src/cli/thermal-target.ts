/** What `probe thermal` drives: a node network or a layer stack behind one small face, in the files' kelvins. */
import type { Seconds } from '../base/units.ts';
import { GridNetwork, type GridScheme } from '../hardware/thermal/grid.ts';
import { hotspotLeakage, leakageSteadyState } from '../hardware/thermal/leakage.ts';
import { buildModalNetwork, type ModalNetwork, solveDense } from '../hardware/thermal/modal.ts';
import { ZERO_CELSIUS_KELVIN } from '../hardware/thermal/network.ts';
import type { NetworkFile } from '../hardware/thermal/network-file.ts';
import type { StackFile } from '../hardware/thermal/stack-file.ts';

export interface ThermalTarget {
  readonly name: string;
  readonly blocks: readonly string[];
  /** Names whose temperature `read` knows, for output without a check file. */
  readonly columns: readonly string[];
  advance(seconds: Seconds, watts: Float64Array): void;
  /** Takes the steady state of `watts`; with leakage it may not exist: then the loop gain says why. */
  settle(watts: Float64Array, leakage?: boolean): { readonly runaway?: number };
  /** Takes ambient everywhere, or the steady state that these block temperatures (K) imply. */
  start(blockKelvin: readonly number[] | undefined): { readonly reason?: string };
  /** Kelvin of a column such as `NPU`, `SPR_MEAN`, `T_NPU_avg_K` or `die:NPU`; undefined where it is unknown. */
  read(column: string): number | undefined;
}

/** Negative heat larger than this does not come from rounding: the state was no steady state, W. */
const ROUNDING = 5e-3;

export function networkTarget({ spec, blocks, areas }: NetworkFile): ThermalTarget {
  const network = buildModalNetwork(spec);
  const full = new Float64Array(spec.nodes.length);
  const heat = (watts: Float64Array) => {
    full.fill(0);
    full.set(watts);
    return full;
  };
  const settle = (watts: Float64Array, leakage: boolean) => {
    if (!leakage) {
      network.setTemperatures(network.steadyState(heat(watts)));
      return {};
    }
    const state = leakageSteadyState(network, heat(watts), hotspotLeakage(areas ?? []));
    if (!state.stable) return { runaway: state.loopGain };
    network.setTemperatures(state.temperatures);
    return {};
  };
  return {
    name: spec.name,
    blocks,
    columns: spec.nodes,
    advance: (seconds, watts) => network.advance(seconds, heat(watts)),
    settle: (watts, leakage = false) => settle(watts, leakage),
    start: (kelvin) => {
      network.setTemperatures(new Float64Array(spec.nodes.length).fill(spec.ambient));
      if (kelvin === undefined) return {};
      const implied = impliedPower(network, kelvin);
      if (implied.some((watts) => watts < -ROUNDING)) {
        return { reason: 'the first row is neither ambient nor a steady state' };
      }
      settle(Float64Array.from(implied), false);
      return {};
    },
    read: (column) => {
      const celsius = readNode(network, areas, column);
      return celsius === undefined ? undefined : celsius + ZERO_CELSIUS_KELVIN;
    },
  };
}

/** @param stepped hears of every step taken. */
export function stackTarget(
  { name, grid }: StackFile,
  step: Seconds | undefined,
  stepped: () => void = () => {},
): ThermalTarget {
  let network = new GridNetwork(grid);
  let maxima: Float64Array | undefined;
  const scheme: GridScheme = step === undefined ? 'exact' : 'backward-euler';
  const blocks = network.blocks;
  return {
    name,
    blocks,
    columns: blocks,
    advance: (seconds, watts) => {
      maxima = undefined;
      const steps = step === undefined ? 1 : Math.max(1, Math.round(seconds / step));
      // Sample times carry rounding: the tool's own step, where it fits, keeps one factorisation for all.
      const whole = step !== undefined && Math.abs(steps * step - seconds) < 1e-6 * step;
      const each = whole ? step : seconds / steps;
      for (let i = 0; i < steps; i++) {
        network.advance(each, watts, scheme);
        stepped();
      }
    },
    settle: (watts) => {
      maxima = undefined;
      network.settle(watts);
      return {};
    },
    start: (kelvin) => {
      network = new GridNetwork(grid);
      maxima = undefined;
      const warm = kelvin?.some((t) => Math.abs(t - ZERO_CELSIUS_KELVIN - grid.ambient) > 1e-3);
      return warm ? { reason: 'a stack starts at ambient' } : {};
    },
    read: (column) => {
      const [, block = column, statistic] = /^T_(.+?)(?:_(avg|max))?_K$/.exec(column) ?? [];
      const index = blocks.indexOf(block);
      if (index < 0) return undefined;
      if (statistic === 'max') maxima ??= network.blockMaxima();
      const celsius = statistic === 'max' ? maxima?.[index] : network.blockMeans[index];
      return celsius === undefined ? undefined : celsius + ZERO_CELSIUS_KELVIN;
    },
  };
}

/** Power of each block whose steady state has these block temperatures. */
function impliedPower(network: ModalNetwork, kelvin: readonly number[]): number[] {
  const { resistances, count } = network.modes;
  const matrix = kelvin.map((_, i) => kelvin.map((_other, j) => resistances[i * count + j]!));
  const rise = kelvin.map((value) => value - ZERO_CELSIUS_KELVIN - network.ambient);
  return solveDense(matrix, rise);
}

/** A node by its name or the block it stands for, or one of the means that HotSpot runs report. */
function readNode(
  network: ModalNetwork,
  areas: readonly number[] | undefined,
  column: string,
): number | undefined {
  const { nodes, temperatures } = network;
  const exact = nodes.indexOf(column);
  if (exact >= 0) return temperatures[exact];
  const block = nodes.indexOf(`die:${column}`);
  if (block >= 0) return temperatures[block];
  const layer = { SPR_MEAN: 'spr:', SINK_MEAN: 'sink:', SINK_OUTER: 'sinko_' }[column];
  if (layer === undefined) return undefined;
  let total = 0;
  let weighted = 0;
  let place = 0;
  for (const [i, name] of nodes.entries()) {
    if (!name.startsWith(layer)) continue;
    // Nodes of a layer follow the floorplan; the outer sink has no blocks and four equal sides.
    const weight = layer === 'sinko_' ? 1 : (areas?.[place] ?? 1);
    total += weight;
    weighted += weight * (temperatures[i] as number);
    place++;
  }
  return total > 0 ? weighted / total : undefined;
}
