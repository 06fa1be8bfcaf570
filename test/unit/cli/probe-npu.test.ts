import { afterEach, describe, expect, it, vi } from 'vitest';
import { probeNpu } from '../../../src/cli/probe-npu.ts';

const defaults = Object.fromEntries(
  Object.entries(probeNpu.options).flatMap(([name, option]) =>
    option.default === undefined ? [] : [[name, option.default]],
  ),
);

async function output(args: Record<string, unknown>): Promise<string> {
  const log = vi.spyOn(console, 'log').mockImplementation(() => {});
  await probeNpu.run({ ...defaults, ...args });
  const lines = log.mock.calls.map((call) => String(call[0]));
  log.mockRestore();
  return lines.join('\n');
}
const json = async (args: Record<string, unknown>) =>
  JSON.parse(await output({ ...args, json: true }));

afterEach(() => vi.restoreAllMocks());

describe('probe npu', () => {
  it('prints cycles, utilisation and bytes', async () => {
    const result = await json({ array: '64x64', gemm: '128,512,512' });
    // 64 folds of 128 rows, one load of 64 and one skew of 126; every operand once.
    expect(result).toMatchObject({
      rule: 'phone',
      macs: 33_554_432,
      total_cycles: 8382,
      compute_cycles: 8382,
      stall_cycles: 0,
      dram_bytes: 512 * 512 + 2 * 128 * 512,
    });
    expect(result.utilisation).toBeCloseTo(8192 / 8382, 12);
    expect(result.seconds).toBeCloseTo(8382e-9, 15);
    expect(result.sram_bytes).toBe(result.sram_read_bytes + result.sram_write_bytes);
  });

  it('follows its options', async () => {
    const base = { array: '64x64', gemm: '128,512,512' };
    const serial = await json({ ...base, 'overlap-folds': 'no', 'hide-preload': 'no' });
    expect(serial.total_cycles).toBe(64 * (64 + 128 + 126));
    const slow = await json({ ...base, bandwidth: '8 GB/s' });
    expect(slow.stall_cycles).toBe((512 * 512 + 2 * 128 * 512) / 8 - 8382);
    const half = await json({ ...base, dtype: 'fp16', bandwidth: '8 GB/s' });
    expect(half.dram_bytes).toBe(2 * (512 * 512 + 2 * 128 * 512));
    const outputs = await json({
      ...base,
      dataflow: 'os',
      rule: 'scale-sim',
      bandwidth: 'unlimited',
    });
    expect(outputs.total_cycles).toBe(2 * 8 * (512 + 126) - 1);
    const two = await json({ ...base, engines: 2, bandwidth: 'unlimited' });
    expect(two.total_cycles).toBe(32 * 128 + 64 + 126);
    const clocked = await json({ ...base, clock: '500 MHz' });
    expect(clocked.seconds).toBeCloseTo(2 * 8382e-9, 15);
  });

  it('shows how far the rules are apart', async () => {
    const all = await json({ array: '64x64', gemm: '128,512,512', rule: 'all' });
    expect(all.map((result: { rule: string }) => result.rule)).toEqual([
      'phone',
      'scale-sim',
      'onnxim',
      'zigzag',
      'scale-sim, unlimited bandwidth',
    ]);
    const text = await output({ array: '64x64', gemm: '128,512,512', rule: 'all' });
    expect(text).toMatch(/^rule +total cycles/);
    expect(text).toContain('spread');
  });

  it('takes a convolution', async () => {
    const result = await json({ array: '64x64', conv: '32,32,80,80,3,1,1' });
    expect(result.macs).toBe(32 * 32 * 80 * 80 * 9);
    // 12 × 2 folds of 1024 pixels: 720 deep, 80 wide.
    expect(result.total_cycles).toBe(24 * 1024 + 64 + 126);
    const depthwise = await json({ array: '64x64', conv: '32,32,64,64,3,1,1,64' });
    expect(depthwise.utilisation).toBeLessThan(0.02);
  });

  it('repeats a file of runs', async () => {
    const rows = 'test/validation/data/npu/other_runs.csv';
    const report = await json({ rows });
    expect(Object.keys(report)).toEqual(['rows', 'unmapped', 'summary']);
    expect(report.rows[0]).toMatchObject({
      id: 'ot0001',
      quantity: 'total_cycles',
      reference: 8450,
    });
    const text = await output({ rows });
    expect(text).toContain('ZigZag llm_decode');
    expect(text).toContain('ot0033: not compared: MAESTRO');
  });

  it('says what is wrong with its options', async () => {
    const wrong = (args: Record<string, unknown>) => expect(output(args)).rejects;
    await wrong({}).toThrow(/one of --gemm, --conv and --rows/);
    await wrong({ gemm: '1,1,1', conv: '8,8,1,1,3' }).toThrow(/--gemm and --conv exclude/);
    await wrong({ gemm: '1,1,1', array: '64' }).toThrow(/--array: not an array/);
    await wrong({ gemm: '1,1,1', sram: '8 W' }).toThrow(/--sram: "W" measures power/);
    await wrong({ gemm: '1,1,1', bandwidth: '0 GB/s' }).toThrow(/--bandwidth: must be above zero/);
    await wrong({ gemm: '1,1,1', engines: 0 }).toThrow(/--engines: must be above zero/);
    await wrong({ rows: 'nowhere.csv' }).toThrow(/nowhere\.csv: no such file/);
  });
});
