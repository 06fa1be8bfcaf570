import { describe, expect, it } from 'vitest';
import { parseSpecFile } from '../../../src/base/spec-file.ts';
import type { HostFit } from '../../../src/calibration/host-fit.ts';
import { hostCpu, hostDescription, shapeOf } from '../../../src/calibration/host-soc.ts';
import { initialValues, PARAMETERS } from '../../../src/calibration/parameters.ts';
import { parseSoc } from '../../../src/hardware/soc-spec.ts';
import { buildCpu } from '../../../src/hardware/units/cpu.ts';

const host = {
  processor: 'Test CPU',
  architecture: 'x64',
  system: 'linux',
  threads: 4,
  memoryBytes: 16 * 2 ** 30,
  clockHertz: 3e9,
  l2Bytes: 2 ** 20,
  lastLevelBytes: 2 ** 25,
  nodeVersion: 'v20',
};
const values = { ...initialValues(), clock: 3.4567e9, dispatch: 0.7e-6, lastLevel: 24 * 2 ** 20 };
const fit: HostFit = {
  values,
  parameters: PARAMETERS.map(({ name }) => ({
    name,
    value: values[name],
    uncertainty: 0.04,
    undetermined: false,
  })),
  residuals: [],
};
const shape = shapeOf(host, 4);
const description = hostDescription(fit, host, shape);

describe('hostDescription', () => {
  const soc = parseSoc(parseSpecFile(JSON.stringify(description), 'host.yaml'));
  const cpu = soc.units['cpu'];

  it('is a SoC description like any other', () => {
    expect(soc.name).toBe('host');
    expect(cpu?.kind).toBe('cpu');
    expect(soc.domains['host']?.clock.is).toBeCloseTo(3.4567e9, -6);
  });

  it('marks every fitted number as fitted, with its uncertainty', () => {
    expect(soc.domains['host']?.clock).toMatchObject({
      from: 'fit',
      trust: 'fitted',
      note: '± 4 %',
    });
    expect(cpu?.launch.operator).toMatchObject({ from: 'fit', trust: 'fitted' });
  });

  it('marks what a computer does not report as estimated', () => {
    expect(soc.domains['host']?.power.matrix.trust).toBe('estimated');
    expect(soc.memory.rate.trust).toBe('estimated');
  });

  it('lets the port, not the stand-in memory, limit bandwidth', () => {
    const { channels, channelWidth, rate } = soc.memory;
    const peak = (channels.is * channelWidth.is * rate.is) / 8;
    expect(peak).toBeGreaterThan(1.5 * (cpu?.port.bandwidth.is ?? Number.POSITIVE_INFINITY));
  });

  it('runs an operator as the fit would', () => {
    if (cpu?.kind !== 'cpu') throw new Error('no cpu');
    const work = {
      operator: 'MatMul',
      form: { kind: 'matmul', batch: 1, m: 64, n: 512, k: 512 },
      macs: 64 * 512 * 512,
      vectorOps: 0,
      weightDType: 'fp32',
      activationDType: 'fp32',
      weightBytes: 4 * 512 * 512,
      inputBytes: 4 * 64 * 512,
      outputBytes: 4 * 64 * 512,
      kvReadBytes: 0,
      kvWriteBytes: 0,
    } as const;
    const common = {
      name: 'cpu',
      domains: ['host'],
      port: { bandwidth: 1e10, outstandingBytes: 1e6 },
    };
    const { port: _, sramEnergy: __, ...own } = cpu;
    const fromFile = buildCpu(own, common, { threads: 2 }).estimate(work);
    const fromFit = buildCpu(hostCpu(values, shape), common, { threads: 2 }).estimate(work);
    expect(fromFile.cycles).toBeCloseTo(fromFit.cycles, 6);
    expect(fromFile.launchSeconds).toBeCloseTo(fromFit.launchSeconds, 12);
    // 16 multiply–accumulates per clock and core at the share that fixes the scale, held up by weights from DRAM.
    const arithmetic = work.macs / (2 * 16 * 0.95);
    const held = work.weightBytes / (2 * values.stall);
    expect(fromFit.cycles).toBeCloseTo((arithmetic + held) / values.threadShare, 0);
  });
});

describe('shapeOf', () => {
  it('takes a common L2 where the system does not tell', () => {
    expect(shapeOf({ ...host, l2Bytes: 0 }, 2)).toEqual({ threads: 2, l2Bytes: 2 ** 20 });
  });
});
