import { describe, expect, it } from 'vitest';
import { parseSpecFile } from '../../../src/base/spec-file.ts';
import {
  buildPowerModel,
  fitRail,
  fullLoadWatts,
  leakageWatts,
  railWatts,
  regulatorLoss,
  screenWatts,
  switchedWatts,
  threadWatts,
} from '../../../src/hardware/power.ts';
import { parseSoc } from '../../../src/hardware/soc-spec.ts';
import { type DomainSpec, referencePoint } from '../../../src/hardware/spec/domain-spec.ts';
import { wholeSocText } from '../../support/whole-soc.ts';

const { domains } = parseSoc(parseSpecFile(wholeSocText, 'whole-soc.yaml'));
const spec = domains['npu'] as DomainSpec;
const model = buildPowerModel(spec);
const { frequency, voltage } = referencePoint(spec);
const { power } = spec;
const warm = power.leakage.temperature.is;

describe('domain power', () => {
  it('gives the watts of the description back at its reference point', () => {
    const point = { frequency, voltage };
    expect(fullLoadWatts(model, point)).toBeCloseTo(power.stalled.is + power.matrix.is, 9);
    expect(switchedWatts(model.vector, point)).toBeCloseTo(power.vector.is, 9);
    expect(leakageWatts(model, voltage, warm, 1)).toBeCloseTo(power.leakage.power.is, 12);
  });

  it('draws a share of full work while it waits, and no more at full work for that', () => {
    const waiting = { is: 0.5, from: 'estimate', trust: 'estimated' } as const;
    const spinning = buildPowerModel({ ...spec, power: { ...power, waiting } });
    const point = { frequency, voltage };
    expect(switchedWatts(spinning.stalled, point)).toBeCloseTo(
      power.stalled.is + 0.5 * power.matrix.is,
      12,
    );
    expect(fullLoadWatts(spinning, point)).toBeCloseTo(fullLoadWatts(model, point), 12);
    const vector = (of: typeof model) => switchedWatts(of.stalled + of.vector, point);
    expect(vector(spinning)).toBeGreaterThanOrEqual(vector(model) - 1e-12);
    expect(switchedWatts(spinning.vector, point)).toBeGreaterThanOrEqual(0);
  });

  it('draws of one core what a thread keeps busy', () => {
    const point = { frequency, voltage };
    expect(threadWatts(model, point, 1, 4)).toBeCloseTo(power.stalled.is / 4, 12);
    expect(threadWatts(model, point, 0.5, 1)).toBeCloseTo(power.stalled.is / 2, 12);
  });

  it('falls with frequency and with the square of voltage', () => {
    const dynamic = (f: number, v: number) => fullLoadWatts(model, { frequency: f, voltage: v });
    expect(dynamic(frequency / 2, voltage) / dynamic(frequency, voltage)).toBeCloseTo(0.5, 12);
    expect(dynamic(frequency, voltage / 2) / dynamic(frequency, voltage)).toBeCloseTo(0.25, 12);
  });

  it('leaks twice as much over its doubling rise, and only the gated share while idle', () => {
    const hot = warm + power.leakage.doubling.is;
    expect(model.leakage(voltage, hot)).toBeCloseTo(2 * power.leakage.power.is, 12);
    expect(leakageWatts(model, voltage, hot, 0)).toBeCloseTo(
      power.leakage.gated.is * 2 * power.leakage.power.is,
      12,
    );
  });

  it('mixes busy and idle by time', () => {
    const at = (busy: number) => leakageWatts(model, voltage, 70, busy);
    expect(at(0.25)).toBeCloseTo(0.25 * at(1) + 0.75 * at(0), 12);
  });
});

describe('the parts around it', () => {
  it('add what they say', () => {
    expect(screenWatts(0.12, 0.83, 0.5)).toBeCloseTo(0.475, 12);
    expect(regulatorLoss(8.7, 0.87)).toBeCloseTo(1.3, 12);
  });
});

describe('rail fit', () => {
  const steps = [0.5, 1, 1.5, 2].map((ghz) => ({ frequency: ghz * 1e9, voltage: 0.5 + 0.2 * ghz }));
  const measured = (base: number, farads: number) =>
    steps.map((s) => ({ ...s, watts: base + farads * s.frequency * s.voltage ** 2 }));

  it('finds base and capacitance', () => {
    const fit = fitRail(measured(0.12, 1e-9));
    expect(fit.base).toBeCloseTo(0.12, 9);
    expect(fit.capacitance * 1e9).toBeCloseTo(1, 9);
    expect(railWatts(fit, 2e9, 0.9)).toBeCloseTo(0.12 + 1.62, 9);
  });

  it('never has a negative base', () => {
    expect(fitRail(measured(-0.1, 1e-9)).base).toBe(0);
  });
});
