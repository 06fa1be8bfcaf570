import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { checkArgs } from '../../../src/cli/parse.ts';
import { probeDram } from '../../../src/cli/probe-dram.ts';
import { presetText } from '../../support/dram.ts';

async function run(args: Record<string, unknown>): Promise<string> {
  const log = vi.spyOn(console, 'log').mockImplementation(() => {});
  try {
    // Short, but for files, which bring their own length.
    const own = 'rows' in args || 'trace' in args ? {} : { requests: 3000 };
    await probeDram.run(checkArgs(probeDram, { ...own, ...args }));
    return log.mock.calls.map(([text]) => String(text)).join('\n');
  } finally {
    log.mockRestore();
  }
}

describe('probe dram', () => {
  it('prints what a run achieved, for people and for machines', async () => {
    expect(await run({ pattern: 'random' })).toMatch(
      /bandwidth .*GB\/s[\s\S]*read latency[\s\S]*energy/,
    );
    const json = JSON.parse(await run({ pattern: 'stream', json: true }));
    expect(json.peak_bytes_per_second).toBeCloseTo(68.264e9, -3);
    expect(json.bandwidth_bytes_per_second).toBeLessThanOrEqual(json.peak_bytes_per_second);
    expect(json.row_hits + json.row_misses + json.row_conflicts).toBe(6000);
    expect(json.dram_bytes).toBe(64 * 3000);
  });

  it('follows rate, read share, page and refresh', async () => {
    const at = async (args: Record<string, unknown>) =>
      JSON.parse(await run({ ...args, json: true }));
    expect((await at({ rate: 0.3 })).peak_share).toBeCloseTo(0.3, 2);
    const mixed = await at({ pattern: 'random', 'read-share': 0.67 });
    const reads = await at({ pattern: 'random' });
    expect(mixed.bandwidth_bytes_per_second).toBeLessThan(reads.bandwidth_bytes_per_second);
    expect((await at({ refresh: 'none' })).refresh_share).toBe(0);
    expect((await at({ pattern: 'random', page: 'closed' })).row_conflicts).toBe(0);
  });

  it('strides by 4096 bytes unless told otherwise', async () => {
    const at = async (args: Record<string, unknown>) =>
      JSON.parse(await run({ pattern: 'strided', ...args, json: true })).bandwidth_bytes_per_second;
    expect(await at({})).toBe(await at({ stride: 4096 }));
    expect(await at({})).not.toBe(await at({ stride: 8192 }));
  });

  it('draws a load–latency curve that rises', async () => {
    const curve = JSON.parse(await run({ 'load-latency': true, pattern: 'random', json: true }));
    const means = curve.map((point: Record<string, number>) => point['read_latency_mean_seconds']);
    expect(means.at(-1)).toBeGreaterThan(2 * means[0]);
    expect(curve[0].achieved_peak_share).toBeCloseTo(0.05, 2);
  });

  it('tells every bad option at once, and an unknown preset by its neighbour', async () => {
    await expect(run({ rate: 0, channels: 0, 'read-share': 2 })).rejects.toThrow(
      /--channels[\s\S]*--read-share[\s\S]*--rate/,
    );
    await expect(run({ preset: 'LPDDR5X-8534' })).rejects.toThrow('lpddr5x-8533');
    await expect(run({ channels: 3 })).rejects.toThrow('power of two of channels');
  });

  it('takes a speed bin of the user, and says where it contradicts itself', async () => {
    const file = join(tmpdir(), `socsim-bin-${process.pid}.yaml`);
    const text = presetText('lpddr5x-8533').replace('"60 ns"', '"59 ns"');
    writeFileSync(file, presetText('lpddr5x-8533').replace('name: LPDDR5X-8533', 'name: Mine'));
    const bandwidth = async (args: Record<string, unknown>) =>
      JSON.parse(await run({ ...args, json: true })).bandwidth_bytes_per_second;
    expect(await bandwidth({ preset: file })).toBe(await bandwidth({}));
    writeFileSync(file, text);
    await expect(run({ preset: file })).rejects.toThrow(
      /\.yaml:55:\d+: times\.tRC: tRC is below tRAS \+ tRPpb \(expected at least 60 ns/,
    );
    await expect(run({ preset: 'none-such.yaml' })).rejects.toThrow('none-such.yaml');
  });

  it.each([
    [{ rows: 'a.csv', trace: 'b.txt' }, '--rows and --trace exclude each other'],
    [{ 'load-latency': true, rate: 0.5 }, '--load-latency and --rate exclude'],
    [{ trace: 'b.txt', rate: 0.5 }, '--trace and --rate exclude'],
    [{ window: 8, rate: 0.5 }, '--window and --rate exclude'],
    [{ chart: 'a.svg' }, '--chart has no effect without --load-latency'],
    [{ stride: 8192 }, '--stride: has no effect with --pattern stream; --pattern strided reads it'],
    [{ stride: 4096 }, '--stride: has no effect with --pattern stream; --pattern strided reads it'],
    [{ pattern: 'random', stride: 64 }, '--stride: has no effect with --pattern random'],
    [{ refresh: 'none', temperature: 105 }, '--temperature has no effect with --refresh none'],
    [{ 'load-latency': true, window: 8 }, '--window has no effect with --load-latency'],
    [{ requesters: 'seq;rate=2', window: 8 }, '--window: has no effect with a rate for every'],
    [{ requesters: 'seq;w=4', rate: 0.5 }, '--requesters: w and rate of a requester have no eff'],
    [{ requesters: 'seq;rate=2', 'load-latency': true }, 'have no effect with --load-latency'],
    [{ requesters: 'seq;rate=2;w=4' }, 'w has no effect beside rate'],
    [{ verbose: true }, '--verbose has no effect without --rows'],
  ])('refuses %o, of which one part would do nothing', async (args, message) => {
    await expect(run(args)).rejects.toThrow(message);
  });

  it.each([
    [
      { rows: 'a.csv', pattern: 'random', page: 'closed' },
      /--page has no effect with --rows[\s\S]*--pattern/,
    ],
    [{ rows: 'a.csv', pattern: 'stream' }, /^--pattern has no effect with --rows$/],
    [
      { rows: 'a.csv', map: 'A', channels: 4, seed: 1, 'load-latency': false },
      /^--channels[^\n]*\n--map[^\n]*\n--seed has no effect with --rows$/,
    ],
    [{ requesters: 'seq', 'read-share': 1 }, /^--read-share has no effect with --requesters$/],
    [{ trace: 'b.txt', streams: 1, requests: 200_000 }, /--streams[\s\S]*--requests/],
    [{ requesters: 'seq', stride: 128 }, /--stride has no effect with --requesters/],
    [{ requesters: 'seq', stride: 4096 }, /--stride has no effect with --requesters/],
    [{ trace: 'b.txt', requests: 3000 }, /--requests has no effect with --trace/],
    [{ pattern: 'strided', stride: 2 ** 40 }, /--stride: longer than .*at most 8589934592 bytes/],
    [{ 'power-down': 100, 'self-refresh': 50 }, /--self-refresh.*no sooner than --power-down 100/],
    [{ channels: 128 }, /--channels.*from 1 to 64/],
    [{ channels: 64 }, /64 channels hold more.*at most 64 GiB.*got 128 GiB/],
  ])('refuses %o, which would be passed over in silence or wrap', async (args, message) => {
    await expect(run(args)).rejects.toThrow(message);
  });

  it('tells no rate above peak of short runs, nor of writes that never reach the bus', async () => {
    const share = async (args: Record<string, unknown>) =>
      JSON.parse(await run({ ...args, json: true })).peak_share;
    const writes = { refresh: 'none', 'read-share': 0, requests: 100 };
    expect(await share(writes)).toBeLessThanOrEqual(1);
    expect(await share(writes)).toBeGreaterThan(0.9);
    expect(await share({ refresh: 'none', page: 'closed' })).toBeLessThanOrEqual(1);
    // All to one line: they replace each other in the queues, and some two of the hundreds go out.
    expect(await share({ requesters: 'seq;region=64;wpct=100' })).toBeLessThan(0.2);
  });

  it('refuses temperatures that no DRAM works at', async () => {
    for (const temperature of [9999, -300]) {
      await expect(run({ temperature })).rejects.toThrow('--temperature');
    }
  });

  it('refuses a trace too short to measure, and measures the shortest that is not', async () => {
    const trace = join(tmpdir(), `socsim-trace-${process.pid}.txt`);
    const lines = (count: number) =>
      Array.from({ length: count }, (_, i) => `${64 * i} W\n`).join('');
    writeFileSync(trace, lines(19));
    await expect(run({ trace })).rejects.toThrow(
      'the trace is too short to measure (expected at least 20 accesses, got 19)',
    );
    writeFileSync(trace, lines(20));
    const text = await run({ trace });
    expect(text).not.toMatch(/NaN|Infinity/);
    expect(text).toContain('no reads');
  });

  it('prints power at the bandwidth that goes with it', async () => {
    const text = await run({ pattern: 'random' });
    const [, pj, watts, rate] =
      /([\d.]+) pJ\/B, ([\d.]+) W at the ([\d.]+) GB\/s of the whole run/.exec(text) ?? [];
    // pJ/B times GB/s is mW.
    expect((Number(pj) * Number(rate)) / (1000 * Number(watts))).toBeCloseTo(1, 2);
  });

  it('checks rows and names those it cannot run', async () => {
    const file = join(tmpdir(), `socsim-rows-${process.pid}.csv`);
    const head =
      'run_id,simulator,family,preset,channels,refresh,map,mode,window,open_rate,n_accesses,requesters,achieved_GBs,row_hit_rate';
    // One reference run of Ramulator 2.1 (queue depths are its own by default), and one of a bin that is not there.
    const good =
      'a,ramulator2.1,random_read,LPDDR5_6400,1,all-bank,A,closed,64,,24000,rand;base=0;region=1G;wpct=0;seed=1,8.9886,0.4962';
    const bad = good.replace('a,', 'b,').replace('LPDDR5_6400', 'LPDDR4_4266');
    writeFileSync(file, `${head}\n${good}\n${bad}\n`);
    const json = JSON.parse(await run({ rows: file, json: true }));
    expect(json.rows).toHaveLength(2);
    expect(json.rows[0]).toMatchObject({ id: 'a', quantity: 'bandwidth', family: 'random_read' });
    expect(Math.abs(json.rows[0].error)).toBeLessThan(0.005);
    expect(json.unmapped).toMatchObject([{ id: 'b' }]);
    writeFileSync(file, `${head}\n${bad}\n${bad.replace('b,', 'c,')}\n`);
    await expect(run({ rows: file, json: true })).rejects.toThrow(
      /none of its 2 rows can be compared; b: .*2:28: preset: unknown memory preset/,
    );
    expect(json.summary[0]).toMatchObject({
      group: 'ramulator2.1',
      quantity: 'bandwidth',
      count: 1,
    });
  });
});
