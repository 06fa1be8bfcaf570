import { describe, expect, it } from 'vitest';
import { sourcedEntries, trustShares } from '../../src/base/provenance.ts';
import { leafPaths } from '../../src/base/schema-walk.ts';
import { parseSoc, socSpec } from '../../src/hardware/soc-spec.ts';
import { summariseSoc } from '../../src/hardware/soc-summary.ts';
import { buildClockDomain, referencePoint } from '../../src/hardware/spec/domain-spec.ts';
import { borders, floorplanFaults, floorplanOf } from '../../src/hardware/thermal/floorplan.ts';
import { descriptions, listBundled, readBundled } from '../../src/load.ts';
import { hasVotes } from '../../src/runtime/governors/memory-votes.ts';

const { read } = descriptions();
const socs = listBundled('socs', '.yaml').map((name) => {
  const spec = read('soc', name);
  return { name, spec, soc: parseSoc(spec) };
});

/** Values that are a choice or a name, not a figure somebody might quote. */
const UNSOURCED =
  /^(version|name|vendor|summary|phone|process|aliases|references|memory\.(type|preset|votes))/;
const UNIT_CHOICES =
  /\.(kind|domain|name|core|clock|overlapFolds|doubleBufferPreload|fusedAttention|dot|i8mm|fp16|affinity|only|except)$/;

describe.each(socs)('$name', ({ name, spec, soc }) => {
  it('is called as its file', () => {
    expect(soc.name).toBe(name);
  });

  it('says of every number where it comes from', () => {
    const bare = leafPaths(socSpec, spec.data)
      .filter(({ sourced }) => !sourced)
      .map(({ path }) => path.join('.'))
      .filter((path) => !UNSOURCED.test(path) && !UNIT_CHOICES.test(path));
    expect(bare).toEqual([]);
  });

  it('has a source for every number, taken or its own', () => {
    const unknown = sourcedEntries(spec.data).filter(({ from }) => !soc.references[from]);
    expect(unknown.map(({ path }) => path.join('.'))).toEqual([]);
  });

  it('has shares of trust that sum to one', () => {
    const total = Object.values(trustShares(spec.data)).reduce((a, b) => a + b, 0);
    expect(total).toBeCloseTo(1, 12);
  });

  it('has operating points that rise in frequency and never fall in voltage', () => {
    for (const [key, domain] of Object.entries(soc.domains)) {
      const { points } = buildClockDomain(key, domain);
      expect(points.length).toBeGreaterThan(1);
      expect(points.at(-1)?.frequency).toBe(domain.clock.is);
      points.slice(1).forEach((point, index) => {
        expect(point.frequency).toBeGreaterThan(points[index]?.frequency as number);
        expect(point.voltage).toBeGreaterThanOrEqual(points[index]?.voltage as number);
      });
      expect(referencePoint(domain).frequency).toBe(domain.clock.is);
    }
  });

  it('switches a tenth to two fifths of its power at half the clock', () => {
    // Phone makers' power profiles: 24 to 30 % of top power at half clock, little cores up to 50 %; the states of the
    // Pixel 6a's GPU and TPU next above half are 39 and 40 %.
    for (const [key, domain] of Object.entries(soc.domains)) {
      const { points } = buildClockDomain(key, domain);
      const top = points.at(-1) as { frequency: number; voltage: number };
      const half = points.find(({ frequency }) => frequency >= top.frequency / 2) ?? top;
      const share = (half.frequency * half.voltage ** 2) / (top.frequency * top.voltage ** 2);
      expect(share, key).toBeGreaterThan(0.1);
      expect(share, key).toBeLessThan(0.41);
    }
  });

  it('keeps the peak of memory to the grade of its parts', () => {
    const { channels, channelWidth, rate } = soc.memory;
    const peak = (channels.is * channelWidth.is * rate.is) / 8;
    // 32-bit LPDDR5X and 64-bit LPDDR4X at the low end, 128-bit LPDDR5X of laptops at the high end.
    expect(peak).toBeGreaterThan(25e9);
    expect(peak).toBeLessThan(160e9);
    expect(rate.is).toBe(soc.memory.rates?.is.at(-1));
  });

  it('lets no unit saturate memory alone, and two together nearly', () => {
    // One unit reached 40 to 46 of 68 GB/s, two 59.5 (Snapdragon 8 Gen 3); a DRAM in use answers in about 60 ns, and in
    // up to 20 ns more where one rank has half the banks (transactions against fluid, test/validation/fidelity.test.ts).
    const { channels, channelWidth, rate, ranks, interconnectLatency } = soc.memory;
    const peak = (channels.is * channelWidth.is * rate.is) / 8;
    const latency = interconnectLatency.is + (ranks.is === 1 ? 80e-9 : 60e-9);
    const rates = Object.values(soc.units).map(({ port }) =>
      Math.min(port.bandwidth.is, port.outstanding.is / latency),
    );
    // The bus of a laptop is twice as wide for an NPU of the same generation.
    const wide = channels.is * channelWidth.is > 64;
    for (const alone of rates) {
      expect(alone / peak).toBeGreaterThan(wide ? 0.28 : 0.5);
      expect(alone / peak).toBeLessThan(0.75);
    }
    const two = (rates[0] as number) + (rates[1] as number);
    expect(two / peak).toBeGreaterThan(wide ? 0.8 : 0.87);
  });

  it('has a floorplan that fits the die without overlap or islands', () => {
    const { floorplan } = soc;
    if (!floorplan) return;
    const blocks = floorplanOf(floorplan.blocks.is);
    expect(floorplanFaults(blocks)).toEqual([]);
    for (const { x, y, width, height } of blocks) {
      expect(x + width).toBeLessThanOrEqual(floorplan.width.is + 1e-9);
      expect(y + height).toBeLessThanOrEqual(floorplan.height.is + 1e-9);
    }
    const touching = new Set(borders(blocks).flatMap(({ a, b }) => [a, b]));
    expect(touching.size).toBe(blocks.length);
    const area = blocks.reduce((sum, { width, height }) => sum + width * height, 0);
    expect(area / (floorplan.width.is * floorplan.height.is)).toBeGreaterThan(0.98);
  });

  it('names memory votes that are there', () => {
    const { votes } = soc.memory;
    if (votes === undefined) return;
    const { file, text } = readBundled('socs/memory-votes.csv');
    expect(hasVotes(text, file, votes, 'ddr')).toBe(true);
  });

  it('names a speed bin and a phone that are there', () => {
    expect(listBundled('socs/lpddr', '.yaml')).toContain(soc.memory.preset);
    expect(listBundled('socs/phones', '.yaml')).toContain(soc.phone);
  });
});

describe('published figures', () => {
  it('keeps the operating points of the kernel sources', () => {
    const { domains } = socs.find((entry) => entry.name === 'snapdragon-8-gen-3')?.soc ?? {};
    const table = (name: string) => {
      const points = buildClockDomain(name, domains?.[name] as never).points;
      return [points.length, (points[0]?.frequency ?? 0) / 1e6];
    };
    expect(table('cpu-little')).toEqual([25, 307.2]);
    expect(table('cpu-middle-slow')).toEqual([44, 460.8]);
    // The published table of the faster three stops at 2956.8 MHz; the rated 3148.8 MHz is one more.
    expect(table('cpu-middle')).toEqual([45, 460.8]);
    expect(table('cpu-prime')).toEqual([49, 480]);
    expect(table('gpu')).toEqual([12, 231]);
  });

  const figure = (name: string, label: string) => {
    const soc = socs.find((entry) => entry.name === name)?.soc;
    const found = soc && summariseSoc(soc).find((entry) => entry.name === label);
    if (!found) throw new Error(`${name} has no ${label}`);
    return found;
  };

  // Ratings by vendors, brokers and the paper's hardware table; CPU and GPU sums worked out from core counts and clocks.
  it.each([
    ['dimensity-9300', 'memory peak', 76.8e9],
    ['dimensity-9300', 'npu peak, int8', 48e12],
    ['dimensity-9300', 'npu peak, fp16', 24e12],
    ['dimensity-9300', 'gpu peak, fp32', 3.99e12],
    ['dimensity-9300', 'gpu peak, fp16', 7.99e12],
    ['dimensity-9300', 'cpu peak, fp16', 1011.2e9],
    ['dimensity-9300', 'die area', 140e-6],
    ['snapdragon-8-gen-3', 'memory peak', 68.3e9],
    ['snapdragon-8-gen-3', 'npu peak, int8', 45e12],
    ['snapdragon-8-gen-3', 'gpu peak, fp32', 2.77e12],
    ['snapdragon-8-gen-3', 'gpu peak, fp16', 5.55e12],
    ['snapdragon-8-gen-3', 'cpu peak, fp16', 775.4e9],
    ['snapdragon-8-gen-3', 'npu at full rate', 4],
    ['snapdragon-8-gen-3', 'gpu at full rate', 12.6 * 0.87 - 2.1],
    ['dimensity-9300', 'gpu at full rate', 12.7 * 0.87 - 2.1],
    ['snapdragon-8-gen-3', 'die area', 137e-6],
    // Wild Life Extreme at the board, 10.6 W (12.7 over 1.198): A17 Pro; the rest is DRAM, CPU and fabric.
    ['apple-a17-pro', 'gpu at full rate', (12.7 / 1.198) * 0.87 - 1.7],
  ])('gives %s: %s of %d', (name, label, value) => {
    expect(figure(name, label).value / value).toBeCloseTo(1, 2);
  });

  it('trusts a figure no more than its weakest input', () => {
    expect(figure('dimensity-9300', 'memory peak').trust).toBe('datasheet');
    expect(figure('dimensity-9300', 'npu peak, int8').trust).toBe('estimated');
  });

  /** W at the board in Geekbench 6 on all cores, as Geekerwan measured it (notebookcheck.net 906617, tecfoco.com.br). */
  it.each([
    ['apple-a18-pro', 12],
    ['apple-a19-pro', 12.1],
    ['snapdragon-8-elite', 16.5],
    ['snapdragon-8-elite-gen-5', 19.5],
    ['dimensity-9400', 18],
  ])('lets all CPU cores of %s draw what makes about %d W at the board', (name, watts) => {
    const domains = Object.entries(socs.find((entry) => entry.name === name)?.soc.domains ?? {});
    const rails = domains
      .filter(([key]) => key.startsWith('cpu-'))
      .map(([, { power }]) => power.stalled.is + power.matrix.is + power.leakage.power.is)
      .reduce((a, b) => a + b, 0);
    // DRAM and fabric take about 1.2 W; regulators leave 0.87 of what the battery gives.
    expect((rails + 1.2) / 0.87 / watts).toBeCloseTo(1, 1);
  });
});
