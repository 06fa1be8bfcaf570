/**
 * Headline figures that follow from a SoC description, each with its formula and the weakest trust among its inputs.
 *
 * Model    peak = units × operations per clock × clock; memory = channels × width × rate; a multiply–accumulate counts two
 * Ignores  every limit between a peak and a workload: that is what the simulation is for
 * Valid    any description
 * Source   socs/*.yaml
 * Checked  test/contract/socs.test.ts
 */
import type { Dimension } from '../base/quantity.ts';
import { type Sourced, TRUST_LEVELS, type Trust } from '../base/schema.ts';
import { BITS_PER_BYTE, OPS_PER_MAC } from '../base/units.ts';
import type { SocSpec, SocUnitSpec } from './soc-spec.ts';

export interface DerivedFigure {
  readonly name: string;
  readonly value: number;
  readonly dimension: Dimension;
  readonly formula: string;
  /** Of the least trusted input. */
  readonly trust: Trust;
}

/** Peaks of memory and units, top power of each clock domain, die area. */
export function summariseSoc(soc: SocSpec): DerivedFigure[] {
  const { channels, channelWidth, rate } = soc.memory;
  const memory: DerivedFigure = {
    name: 'memory peak',
    value: (channels.is * channelWidth.is * rate.is) / BITS_PER_BYTE,
    dimension: 'bandwidth',
    formula: 'channels × channelWidth × rate',
    trust: weakest([channels, channelWidth, rate]),
  };
  const units = Object.entries(soc.units).flatMap(([name, unit]) => peaksOf(name, unit, soc));
  const powers = Object.entries(soc.domains).map(([name, { power }]): DerivedFigure => {
    const parts = [power.stalled, power.matrix, power.leakage.power];
    return {
      name: `${name} at full rate`,
      value: parts.reduce((sum, { is }) => sum + is, 0),
      dimension: 'power',
      formula: 'stalled + matrix + leakage, at voltage.at',
      trust: weakest(parts),
    };
  });
  return [memory, ...units, ...powers, ...areaOf(soc)];
}

function peaksOf(name: string, unit: SocUnitSpec, soc: SocSpec): DerivedFigure[] {
  if (unit.kind === 'cpu') return [cpuPeak(name, unit, soc)];
  const clock = soc.domains[unit.domain]?.clock;
  if (!clock) return [];
  const inputs =
    unit.kind === 'npu'
      ? [unit.matrix.engines, unit.matrix.rows, unit.matrix.columns]
      : [unit.cores, unit.fmaPerClock];
  const words = unit.kind === 'npu' ? 'engines × rows × columns' : 'cores × fmaPerClock';
  const rates = unit.kind === 'npu' ? unit.matrix.rates : unit.rates;
  const macs = inputs.reduce((product, { is }) => product * is, 1);
  return Object.entries(rates).map(([format, rate]) => ({
    name: `${name} peak, ${format}`,
    value: OPS_PER_MAC * macs * clock.is * rate.is,
    dimension: 'op-rate' as const,
    formula: `2 × ${words} × clock × rates.${format}`,
    trust: weakest([...inputs, clock, rate]),
  }));
}

const FP16_BITS = 16;

function cpuPeak(
  name: string,
  unit: Extract<SocUnitSpec, { kind: 'cpu' }>,
  soc: SocSpec,
): DerivedFigure {
  const parts = unit.clusters.map(({ count, simdPipes, simdBits, clock }) => ({
    inputs: [count, simdPipes, simdBits],
    clock: soc.domains[clock]?.clock.is ?? 0,
  }));
  const value = parts.reduce((sum, { inputs, clock }) => {
    const bits = inputs.reduce((product, { is }) => product * is, 1);
    return sum + (OPS_PER_MAC * bits * clock) / FP16_BITS;
  }, 0);
  return {
    name: `${name} peak, fp16`,
    value,
    dimension: 'op-rate',
    formula: 'sum over clusters of 2 × count × simdPipes × simdBits / 16 × clock',
    trust: weakest(parts.flatMap(({ inputs }) => inputs)),
  };
}

function areaOf({ floorplan }: SocSpec): DerivedFigure[] {
  if (!floorplan) return [];
  const { width, height } = floorplan;
  return [
    {
      name: 'die area',
      value: width.is * height.is,
      dimension: 'area',
      formula: 'width × height',
      trust: weakest([width, height]),
    },
  ];
}

/** Levels are listed from the most to the least trusted. */
function weakest(inputs: readonly Pick<Sourced, 'trust'>[]): Trust {
  const ranks = inputs.map(({ trust }) => TRUST_LEVELS.indexOf(trust));
  return TRUST_LEVELS[Math.max(0, ...ranks)] as Trust;
}
