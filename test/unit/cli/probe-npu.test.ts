import { afterEach, describe, expect, it, vi } from 'vitest';
import { InfeasibleError } from '../../../src/base/errors.ts';
import { checkArgs } from '../../../src/cli/parse.ts';
import { probeNpu } from '../../../src/cli/probe-npu.ts';

async function output(args: Record<string, unknown>): Promise<string> {
  const log = vi.spyOn(console, 'log').mockImplementation(() => {});
  await probeNpu.run(checkArgs(probeNpu, args));
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

  it('multiplies formats at their rates and reads each at its width', async () => {
    const base = { array: '64x64', gemm: '128,512,512', bandwidth: 'unlimited' };
    const [m, n, k] = [128, 512, 512];
    // 8 × 8 folds of 128 rows, one load and one skew, which no rate shortens.
    const cycles = async (dtype: string) => (await json({ ...base, dtype })).total_cycles;
    expect(await cycles('w8a8')).toBe(64 * 128 + 190);
    expect(await cycles('fp16')).toBe(64 * 256 + 190);
    expect(await cycles('int16')).toBe(64 * 512 + 190);
    expect(await cycles('int4')).toBe(32 * 128 + 190);
    const mixed = await json({ ...base, dtype: 'w4a16' });
    expect(mixed).toMatchObject({ rate: 0.5, total_cycles: 64 * 256 + 190, limited_by: 'array' });
    expect(mixed.dram_read_bytes).toBe(2 * m * k + 0.5 * n * k);
    const rated = await json({ ...base, dtype: 'fp32', rate: 0.0625 });
    expect(rated.total_cycles).toBe(64 * 128 * 16 + 190);
  });

  it('expands, unpacks and skips weights as told', async () => {
    const base = { array: '64x64', gemm: '128,512,512', bandwidth: 'unlimited' };
    const expanded = await json({ ...base, dtype: 'w4a16', dequantisation: 8 });
    expect(expanded).toMatchObject({
      total_cycles: (512 * 512) / 8,
      array_cycles: 64 * 256 + 190,
      limited_by: 'dequantisation',
    });
    const unpacked = await json({ ...base, compression: 0.75, decompressor: 16 });
    expect(unpacked).toMatchObject({
      decompressor_cycles: (512 * 512) / 16,
      dram_read_bytes: 128 * 512 + 0.75 * 512 * 512,
      limited_by: 'decompressor',
    });
    const pruned = await json({ ...base, sparsity: '2:4' });
    // Half of the bytes and two bits for each that is left.
    expect(pruned.dram_read_bytes).toBe(128 * 512 + 0.625 * 512 * 512);
    expect(pruned.total_cycles).toBe(32 * 128 + 190);
    const stored = await json({ ...base, sparsity: '2:4', 'sparsity-gain': 1 });
    expect(stored.total_cycles).toBe(64 * 128 + 190);
  });

  it('takes the NPU of a SoC, and options over it', async () => {
    const base = { soc: 'dimensity-9300', gemm: '512,4096,4096' };
    const own = await json({ ...base, bandwidth: 'unlimited' });
    // Four 64 × 64 arrays share 64 × 64 folds of 512 rows.
    expect(own.array_cycles).toBe((64 * 64 * 512) / 4 + 190);
    expect(own.seconds).toBeCloseTo(own.total_cycles / 1.465e9, 12);
    // No shipped part of it skips zeros: bytes are saved, multiplies are not.
    const text = await output({ ...base, engines: 1, dtype: 'w4a16', sparsity: '2:4' });
    expect(text).toMatch(/dimensity-9300: 1 × 64×64, weight-stationary, .* for tiles, .*by itself/);
    expect(text).toContain('w4a16: 0.5 multiply');
    expect(text).toContain('has no path for them');
    // Bits that the engine does not take are expanded at its own rate.
    const odd = await json({ ...base, gemm: '1,4096,4096', dtype: 'w2a16' });
    expect(odd.dequantisation_cycles).toBe((4096 * 4096) / 256);
  });

  it('leaves out rules that know no such formats, and says so', async () => {
    const base = { array: '64x64', gemm: '128,512,512', rule: 'all' };
    const text = await output({ ...base, dtype: 'fp16' });
    expect(text).toContain('scale-sim: left out: it knows one multiply–accumulate');
    expect(text).not.toContain('unlimited bandwidth');
    const same = await output({ ...base, dtype: 'fp16', rate: 1 });
    expect(same).not.toContain('left out');
    const packed = await output({ ...base, compression: 0.5, decompressor: 8 });
    expect(packed).toContain('zigzag: left out: it knows no compressed weights');
    const narrow = await output({ ...base, dtype: 'w4a8' });
    expect(narrow).toContain('onnxim: left out: it knows one width');
  });

  it('says how much local memory one tile needs', async () => {
    const wrong = (args: Record<string, unknown>) =>
      output({ array: '64x64', gemm: '128,512,512', ...args }).catch((error) => error);
    const error = await wrong({ sram: '16 KiB' });
    expect(error).toBeInstanceOf(InfeasibleError);
    // Two tiles of 4 KiB for either operand, and 64 × 64 sums of four bytes.
    expect(error.detail).toMatchObject({ demand: 4 * 4096 + 4 * 4096, bound: 16384, unit: 'B' });
    expect(await wrong({ sram: '32 KiB' })).toContain('phone');
    const beside = await wrong({ sram: '32 KiB', accumulator: '1 KiB' });
    expect(beside.message).toContain('accumulators');
    // Vectors are all that the rule of streams holds.
    expect((await wrong({ sram: '1 KiB', rule: 'scale-sim' })).toString()).toContain('scale-sim');
    expect((await wrong({ sram: '100 B', rule: 'scale-sim' })).detail.demand).toBe(6 * 64);
  });

  it('shows what weights go through beside the array, and names it where it is longest', async () => {
    const base = { array: '64x64', gemm: '128,512,512', bandwidth: 'unlimited' };
    const cells = async (args: Record<string, unknown>) => {
      const lines = (await output({ ...base, ...args })).split('\n');
      const [head = [], , row = []] = lines.slice(0, 3).map((line) => line.split(/ {2,}/));
      return {
        ...Object.fromEntries(head.map((name, i) => [name, row[i]])),
        notes: lines.slice(3),
      };
    };
    expect(await cells({})).not.toHaveProperty('decompressor');
    expect(await cells({ compression: 0.5, decompressor: 1 })).toMatchObject({
      'total cycles': String(512 * 512),
      array: '8382',
      decompressor: String(512 * 512),
      'memory stall': '0',
      'limited by': 'decompressor',
      notes: expect.arrayContaining([expect.stringMatching(/take 0.5 of .* 1 plain B per clock/)]),
    });
    // 64 folds of 128 rows at half rate.
    expect(await cells({ dtype: 'w4a16', dequantisation: 8 })).toMatchObject({
      array: String(64 * 256 + 190),
      dequantisation: String((512 * 512) / 8),
      'limited by': 'dequantisation',
      notes: expect.arrayContaining(['dequantisation: 8 weights expanded per clock']),
    });
  });

  it.each([
    [
      { dtype: 'w4a16', dequantisation: 0.001 },
      /--dequantisation: .*1 to 65536 weights.*got 0.001/,
    ],
    [{ compression: 0.5, decompressor: 1e9 }, /--decompressor: .*1 to 65536 plain bytes/],
    [{ clock: '1Hz' }, /--clock: out of range \(expected 1 MHz to 10 GHz, got 1Hz/],
    [{ clock: '20 GHz' }, /--clock: out of range/],
    [{ bandwidth: '1e30GB/s' }, /--bandwidth: .*100 TB\/s, or unlimited, got 1e30GB\/s/],
    [{ engines: 1.5 }, /--engines: .*whole number from 1 to 1024, got 1.5/],
    [{ dtype: 'w16a4' }, /--dtype: .*wider than activations \(got w16a4\); w4a16 has narrower/],
  ])('refuses %o, which no machine has', async (args, message) => {
    await expect(output({ array: '64x64', gemm: '1,64,64', ...args })).rejects.toThrow(message);
  });

  it('says what is wrong with its options', async () => {
    const wrong = (args: Record<string, unknown>) => expect(output(args)).rejects;
    await wrong({}).toThrow(/one of --gemm, --conv and --rows/);
    await wrong({ gemm: '1,1,1', conv: '8,8,1,1,3' }).toThrow(/--gemm and --conv exclude/);
    await wrong({ gemm: '1,1,1', array: '64' }).toThrow(/--array: not an array/);
    await wrong({ gemm: '1,1,1', sram: '8 W' }).toThrow(/--sram: "W" measures power/);
    await wrong({ gemm: '1,1,1', bandwidth: '0 GB/s' }).toThrow(/--bandwidth: must be above zero/);
    await wrong({ gemm: '1,1,1', engines: 0 }).toThrow(/--engines: out of range/);
    await wrong({ gemm: '1,1,1', rate: 1000 }).toThrow(
      /--rate: no multiplier does that .*1\/64 to 16/,
    );
    await wrong({ gemm: '1,1,1', dtype: 'fp64' }).toThrow(
      /--dtype: no rate is known.*--rate COUNT/,
    );
    await wrong({ gemm: '1,1,1', dtype: 'w5a7' }).toThrow(/--dtype: not a number format/);
    await wrong({ gemm: '1,1,1', dtype: 'w3a16' }).toThrow(/--dequantisation COUNT/);
    await wrong({ gemm: '1,1,1', dequantisation: 8 }).toThrow(/need no expansion/);
    await wrong({ gemm: '1,1,1', compression: 0.5 }).toThrow(/nothing unpacks/);
    await wrong({ gemm: '1,1,1', compression: 2, decompressor: 1 }).toThrow(
      /--compression: not a sh/,
    );
    await wrong({ gemm: '1,1,1', decompressor: 8 }).toThrow(/no effect without --compression/);
    await wrong({ gemm: '1,1,1', 'sparsity-gain': 2 }).toThrow(/no effect without --sparsity/);
    await wrong({ gemm: '1,1,1', sparsity: '2:4', 'sparsity-gain': 3 }).toThrow(/expected 1 to 2/);
    await wrong({ gemm: '1,1,1', soc: 'dimensity' }).toThrow(
      /unknown soc "dimensity"; did you mean/,
    );
    await wrong({ gemm: '9,9,9', dtype: 'fp16', rule: 'zigzag' }).toThrow(
      /--rule zigzag: it knows one/,
    );
    await wrong({ rows: 'a.csv', gemm: '1,1,1' }).toThrow(/--rows and --gemm exclude each other/);
    await wrong({ rows: 'a.csv', array: '8x8', dtype: 'int8' }).toThrow(
      /^--array has no effect with --rows\n--dtype has no effect with --rows$/,
    );
    await wrong({ rows: 'nowhere.csv' }).toThrow(/nowhere\.csv: no such file/);
  });
});
