import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { MEGA } from '../../../../src/base/units.ts';
import {
  MemoryGovernor,
  parseVoteTable,
  voteAt,
} from '../../../../src/runtime/governors/memory-votes.ts';
import { domain } from '../../../support/governors.ts';

const text = readFileSync(new URL('../../../../socs/memory-votes.csv', import.meta.url), 'utf8');
const parse = (soc = 'snapdragon-8-gen-3') => parseVoteTable(text, 'memory-votes.csv', soc, 'ddr');
const table = parse();

/** DRAM clocks of the same device tree, MHz. */
const DDR = [547, 768, 1555, 1708, 2092, 2736, 3187, 3686, 4224].map((mhz) => mhz * MEGA);

describe('memory votes', () => {
  // Rows of the published tree: prime up to 1382.4 MHz votes 2092, above 2188.8 it votes 4224.
  it.each([
    ['prime', 1382.4, 2092],
    ['prime', 1382.5, 2736],
    ['prime', 3302.4, 4224],
    ['silver', 300, 547],
    ['gold-compute', 3187.2, 2092],
  ])('%s at %d MHz votes %d MHz', (monitor, cpu, vote) => {
    expect(voteAt(table, monitor, cpu * MEGA)).toBe(vote * MEGA);
  });

  it('has no vote for an unknown monitor, and names unknown SoCs', () => {
    expect(voteAt(table, 'platinum', 1e9)).toBe(0);
    expect(() => parse('snapdragon-8-gen3')).toThrow(/snapdragon-8-gen-3/);
  });

  it('reports clocks that do not rise', () => {
    const bad =
      'soc,target,cpu_monitor,cpu_mhz_up_to,vote_mhz\nx,ddr,gold,900,1\nx,ddr,gold,800,2\n';
    expect(() => parseVoteTable(bad, 'bad.csv', 'x', 'ddr')).toThrow(/bad.csv:3: cpu_mhz_up_to/);
  });

  const at = (governor: MemoryGovernor, busyShare: number, current: number) =>
    (DDR[governor.choose(domain({ frequencies: DDR, busyShare, current }))] as number) / MEGA;

  it('lets a waiting core lift an idle bus, and a computing one much less', () => {
    const governor = new MemoryGovernor(table);
    governor.observe('gold', 2188.8 * MEGA, true, true);
    expect(at(governor, 0, 0)).toBe(3686);
    governor.observe('gold', 2188.8 * MEGA, true, false);
    expect(at(governor, 0, 0)).toBe(2092);
    governor.observe('gold', 2188.8 * MEGA, false, true);
    expect(at(governor, 0, 0)).toBe(547);
  });

  it('lets bandwidth lift the clock whatever the votes', () => {
    const governor = new MemoryGovernor(table);
    governor.observe('silver', 300 * MEGA, true, true);
    expect(at(governor, 0.95, 2)).toBe(4224);
  });
});
