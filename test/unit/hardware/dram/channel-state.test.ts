import { describe, expect, it } from 'vitest';
import { type CommandName, DeviceUnderTest, deviceOf } from '../../../support/dram.ts';

const device = deviceOf('lpddr5-6400');

/** Banks relative to bank 0: itself, another of its group, one of another group. */
const BANKS = { same: 0, 'same group': 1, 'other group': 4 } as const;
const START = 1000;

type Step = readonly [command: CommandName, bank: keyof typeof BANKS];

/**
 * Cycles of LPDDR5-6400 as tabulated by hand from JESD209-5 (recipe of the reference runs), not from the code:
 * first command, second command, cycles between them, and whether a row must be open first.
 */
const LIMITS: readonly [name: string, Step, Step, cycles: number, open: boolean][] = [
  ['tRCD', ['ACT', 'same'], ['RD', 'same'], 15, false],
  ['tRCD for writes', ['ACT', 'same'], ['WR', 'same'], 15, false],
  ['tRAS', ['ACT', 'same'], ['PRE', 'same'], 34, false],
  ['tRC', ['ACT', 'same'], ['ACT', 'same'], 49, false],
  ['tRRD in a group', ['ACT', 'same'], ['ACT', 'same group'], 4, false],
  ['tRRD across groups', ['ACT', 'same'], ['ACT', 'other group'], 4, false],
  ['tRAS to PREab', ['ACT', 'same'], ['PREab', 'same'], 34, false],
  ['tRC to REFab', ['ACT', 'same'], ['REFab', 'same'], 49, false],
  ['tCCD_L', ['RD', 'same'], ['RD', 'same'], 4, true],
  ['tCCD_L of a neighbour', ['RD', 'same'], ['RD', 'same group'], 4, true],
  ['tCCD_S', ['RD', 'same'], ['RD', 'other group'], 2, true],
  ['tCCD_L of writes', ['WR', 'same'], ['WR', 'same group'], 4, true],
  ['tCCD_S of writes', ['WR', 'same'], ['WR', 'other group'], 2, true],
  ['read to write', ['RD', 'same'], ['WR', 'other group'], 12, true],
  ['tWTR_S', ['WR', 'same'], ['RD', 'other group'], 16, true],
  ['tWTR_L', ['WR', 'same'], ['RD', 'same group'], 23, true],
  ['read to precharge', ['RD', 'same'], ['PRE', 'same'], 8, true],
  // WL 9 + burst 2 + tWR 28.
  ['write recovery', ['WR', 'same'], ['PRE', 'same'], 39, true],
  ['read to PREab', ['RD', 'same'], ['PREab', 'same'], 8, true],
  ['write to PREab', ['WR', 'same'], ['PREab', 'same'], 39, true],
  ['tRPpb', ['PRE', 'same'], ['ACT', 'same'], 15, true],
  ['tPPD', ['PRE', 'same'], ['PRE', 'other group'], 2, true],
  ['tRPpb to REFab', ['PRE', 'same'], ['REFab', 'same'], 15, true],
  ['tRPpb to REFpb', ['PRE', 'same'], ['REFpb', 'same'], 15, true],
  ['tRPab', ['PREab', 'same'], ['ACT', 'same'], 17, true],
  ['tRPab to REFab', ['PREab', 'same'], ['REFab', 'same'], 17, true],
  ['tRPab to REFpb', ['PREab', 'same'], ['REFpb', 'same'], 17, true],
  ['auto-precharge after a read', ['RDA', 'same'], ['ACT', 'same'], 8 + 15, true],
  ['auto-precharge after a write', ['WRA', 'same'], ['ACT', 'same'], 39 + 15, true],
  // 8 Gb: 210, 120, 90 and 7.5 ns.
  ['tRFCab', ['REFab', 'same'], ['ACT', 'same'], 168, false],
  ['tRFCab to REFab', ['REFab', 'same'], ['REFab', 'same'], 168, false],
  ['tRFCpb', ['REFpb', 'same'], ['ACT', 'same'], 96, false],
  ['tpbR2act', ['REFpb', 'same'], ['ACT', 'other group'], 6, false],
  ['tpbR2pbR', ['REFpb', 'same'], ['REFpb', 'other group'], 72, false],
  ['tRFCpb to REFab', ['REFpb', 'same'], ['REFab', 'same'], 96, false],
];

function prepared(open: boolean): DeviceUnderTest {
  const dut = new DeviceUnderTest(device);
  // Long before, so that only the command under test matters.
  if (open) {
    dut.issue('ACT', BANKS.same, 0);
    dut.issue('ACT', BANKS['same group'], 100);
    dut.issue('ACT', BANKS['other group'], 200);
  }
  return dut;
}

describe('channel timing: legal at its cycle, illegal one before', () => {
  it.each(LIMITS)('%s', (_, [first, firstBank], [second, secondBank], cycles, open) => {
    const dut = prepared(open);
    dut.issue(first, BANKS[firstBank], START);
    const bank = BANKS[secondBank];
    expect(() => dut.issue(second, bank, START + cycles - 1)).toThrow('too early');
    expect(() => dut.issue(second, bank, START + cycles)).not.toThrow();
  });

  it('tFAW: the fifth activate waits for the first of four', () => {
    const dut = new DeviceUnderTest(device);
    for (const [index, bank] of [0, 4, 8, 12].entries()) dut.issue('ACT', bank, START + 4 * index);
    expect(() => dut.issue('ACT', 1, START + 15)).toThrow('too early');
    expect(() => dut.issue('ACT', 1, START + 16)).not.toThrow();
  });

  it('auto-precharge does not cut tRAS short', () => {
    const dut = new DeviceUnderTest(device);
    dut.issue('ACT', 0, START);
    dut.issue('RDA', 0, START + 15);
    // The row closes after tRAS (34), not 8 after the read; then tRPpb.
    expect(() => dut.issue('ACT', 0, START + 48)).toThrow('too early');
    expect(() => dut.issue('ACT', 0, START + 49)).not.toThrow();
  });

  it('ranks share the bus: one burst and a gap of two between them', () => {
    const dut = new DeviceUnderTest(deviceOf('lpddr5-6400', { ranks: 2 }));
    dut.issue('ACT', 0, 0);
    dut.issue('ACT', 16, 0);
    dut.issue('RD', 0, START);
    expect(dut.probe('RD', 16)).toBe(START + 4);
    // Data of the write may start two cycles after those of the read: RL 17 + 2 + 2 − WL 9.
    expect(dut.probe('WR', 16)).toBe(START + 12);
  });

  it('counts the time with a row open', () => {
    const dut = new DeviceUnderTest(device);
    dut.issue('ACT', 0, 100);
    dut.issue('ACT', 4, 110);
    dut.issue('PRE', 0, 150);
    dut.issue('PRE', 4, 160);
    expect(dut.state.openCyclesUntil(500)).toBe(60);
    dut.issue('ACT', 0, 600);
    expect(dut.state.openCyclesUntil(700)).toBe(160);
  });
});
