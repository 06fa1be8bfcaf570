/**
 * What an override means physically where the description holds a total: power that belongs to an array of one size.
 *
 * Model    dynamic and leakage power of a domain ∝ multiply–accumulators on it; capacitances stay those of the
 *          description, so another voltage or clock costs f·V²
 * Ignores  that larger arrays may use slower, leaner cells; wiring that grows faster than area
 * Valid    factors of about 0.25 to 4 around the description
 * Source   switched capacitance is proportional to switched area (Rabaey, Digital Integrated Circuits, ch. 5)
 * Checked  test/unit/engine/what-if.test.ts
 */

import type { LpddrPreset } from '../hardware/dram/preset.ts';
import { buildPowerModel, type PowerModel } from '../hardware/power.ts';
import type { SocSpec, SocUnitSpec } from '../hardware/soc-spec.ts';
import type { DomainSpec } from '../hardware/spec/domain-spec.ts';

/**
 * Power of one domain of a description that overrides may have changed.
 * @param base the description as written: its voltages are those at which its watts hold.
 */
export function domainPower(name: string, soc: SocSpec, base: SocSpec): PowerModel {
  const spec = soc.domains[name] as DomainSpec;
  const written = base.domains[name] as DomainSpec;
  const model = buildPowerModel({ ...written, power: spec.power });
  const ratio = accumulators(name, soc) / accumulators(name, base);
  if (ratio === 1 || !Number.isFinite(ratio)) return model;
  return {
    ...model,
    stalled: model.stalled * ratio,
    matrix: model.matrix * ratio,
    leakage: (volts, celsius) => ratio * model.leakage(volts, celsius),
  };
}

/** Multiply–accumulators (or SIMD bits, for a CPU) that run on a domain's clock. */
function accumulators(domain: string, soc: SocSpec): number {
  return Object.values(soc.units).reduce((sum, unit) => sum + unitSize(unit, domain), 0);
}

function unitSize(unit: SocUnitSpec, domain: string): number {
  switch (unit.kind) {
    case 'npu': {
      const { engines, rows, columns } = unit.matrix;
      return unit.domain === domain ? engines.is * rows.is * columns.is : 0;
    }
    case 'gpu':
      return unit.domain === domain ? unit.cores.is * unit.fmaPerClock.is : 0;
    case 'cpu':
      return unit.clusters
        .filter(({ clock }) => clock === domain)
        .reduce(
          (sum, { count, simdPipes, simdBits }) => sum + count.is * simdPipes.is * simdBits.is,
          0,
        );
  }
}

/** Above this share of the clock at which voltage and power are given, the voltage curve is an extrapolation. */
const CURVE_RANGE = 1.3;

/** A computer described by `calibrate host` runs inside a phone's body, which is nobody's. */
export function hostNotes(soc: SocSpec): string[] {
  if (soc.vendor !== 'host') return [];
  return [
    'this SoC is a computer in a stand-in phone: watts, temperatures and battery mean nothing',
  ];
}

/** Overrides that leave the range in which the description means anything: told, not refused. */
export function rangeNotes(soc: SocSpec): string[] {
  return Object.entries(soc.domains).flatMap(([name, { clock, voltage }]) => {
    const reference = 'at' in voltage ? voltage.at.is : clock.is;
    if (clock.is <= CURVE_RANGE * reference) return [];
    const times = (clock.is / reference).toPrecision(3);
    return [
      `${name} runs at ${times} times the clock its voltages are known for: no real part would, and its power is an extrapolation`,
    ];
  });
}

/** Another speed bin on the channels of the description: told where those are fewer bits, which is no other bus. */
export function widthNotes({ memory }: SocSpec, base: SocSpec, preset: LpddrPreset): string[] {
  if (memory.preset === base.memory.preset) return [];
  const bits = preset.channelBits.is;
  const was = base.memory.channels.is * base.memory.channelWidth.is;
  const is = memory.channels.is * bits;
  if (is >= was) return [];
  return [
    `${preset.name} has channels of ${bits} bits: ${memory.channels.is} of them are a bus of ${is} bits instead of ${was}; --set memory.channels=${Math.ceil(was / bits)} keeps it as wide`,
  ];
}
