import { describe, expect, it } from 'vitest';
import { simulate } from '../../../src/index.ts';

const chat = { soc: 'dimensity-9300', workload: 'llama-2-7b-chat' };
const short = ['workload.generatedTokens=4', 'workload.promptTokens=256'];
const run = (...set: string[]) => simulate(chat, [...short, ...set]);
const phase = (result: ReturnType<typeof run>, stage: string) =>
  result.phases.find((p) => p.stage === stage)!;
const npuJoules = (result: ReturnType<typeof run>) => result.energy['npu']!;

describe('what-ifs move the way physics does', () => {
  const base = run();

  it('a higher voltage costs its square, a lower one saves it', () => {
    const ratio = 1.1 ** 2;
    expect(npuJoules(run('npu.voltage.max=0.935 V')) / npuJoules(base)).toBeCloseTo(ratio, 1);
    expect(npuJoules(run('npu.voltage.max=0.7 V'))).toBeLessThan(npuJoules(base));
  });

  it('twice the arrays compute faster and draw more, for about the same energy per operation', () => {
    const twice = run('npu.matrix.engines=8');
    const [a, b] = [phase(base, 'prefill'), phase(twice, 'prefill')];
    const seconds = (p: typeof a) => p.endSeconds - p.startSeconds;
    expect(seconds(b)).toBeLessThan(0.75 * seconds(a));
    expect(b.joules / seconds(b)).toBeGreaterThan(a.joules / seconds(a));
    expect(b.joules / a.joules).toBeGreaterThan(0.6);
    expect(b.joules / a.joules).toBeLessThan(1.3);
  });

  it('half an array is no array: counts are whole', () => {
    expect(() => run('npu.matrix.engines=2.5')).toThrow(/whole number/);
  });

  it('another speed bin brings its own rate, which helps where the port is not the bound', () => {
    const wide = 'npu.port.outstanding=256 KiB';
    const rate = (result: ReturnType<typeof run>) => result.metrics['decode_tokens_per_second']!;
    const slower = run(wide, 'memory.preset=lpddr5x-7500');
    expect(rate(slower)).toBeLessThan(0.9 * rate(run(wide)));
    // 7500 MT/s on 64 bits.
    expect(slower.metrics['dram_bandwidth_bytes_per_second']!).toBeLessThan(60e9);
  });

  it('a bin of narrower channels is told, until as wide a bus is asked for', () => {
    const told = (...set: string[]) => run('memory.preset=lpddr6-10667', ...set).notes.join(' ');
    expect(told()).toMatch(/channels of 12 bits: 4 .* 48 bits instead of 64; .*memory.channels=6/);
    expect(told('memory.channels=6')).not.toMatch(/12 bits/);
    expect(base.notes.join(' ')).not.toMatch(/bits/);
  });

  it('no memory is faster than the fastest standard', () => {
    expect(() => run('memory.rate=100000 MT/s')).toThrow(/at most 14400 MT\/s/);
  });

  it('a clock far beyond its voltage curve is told', () => {
    const wild = run('npu.clock=2.2GHz');
    expect(wild.notes.join(' ')).toMatch(/npu runs at 1.50 times the clock/);
  });

  it('files are chosen by options, not by --set', () => {
    expect(() => run('scenario.workload=gemma-2b-chat')).toThrow(/use --workload/);
  });

  it('a runtime without kernels for any unit of a vendor is not advised a unit', () => {
    expect(() => simulate({ ...chat, runtime: 'mlx' }, short)).toThrow(
      /runs on no unit of this vendor; choose --runtime/,
    );
  });

  it('memory has whole channels and bits, one or two ranks, and no clock is beyond silicon', () => {
    expect(() => run('memory.channels=2.5')).toThrow(/--set memory.channels=2.5.*whole number/);
    expect(() => run('memory.channelWidth=15.5bit')).toThrow(/whole number/);
    expect(() => run('memory.ranks=3')).toThrow(/--set memory.ranks=3/);
    expect(() => run('npu.clock=1e15GHz')).toThrow(/no silicon clocks higher/);
    expect(() => run('memory.ranks=1')).not.toThrow();
  });

  it('a runtime runs where it has kernels', () => {
    expect(() => simulate({ ...chat, runtime: 'llama-cpp' }, short)).toThrow(
      /no kernels for the npu.*cpu, gpu/s,
    );
    expect(
      simulate({ ...chat, runtime: 'llama-cpp', unit: 'cpu' }, short).phases[0]!.units,
    ).toEqual(['cpu']);
  });

  it('says whether a port or DRAM holds decode back', () => {
    expect(phase(base, 'decode')).toMatchObject({ limit: 'bandwidth', bandwidthBound: 'port' });
    expect(phase(run('npu.port.outstanding=256 KiB'), 'decode').bandwidthBound).toBe('dram');
  });
});
