import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import { probeGovernor } from '../../../src/cli/probe-governor.ts';
import { probeThermal } from '../../../src/cli/probe-thermal.ts';

const data = (name: string) =>
  new URL(`../../validation/data/thermal/${name}`, import.meta.url).pathname;
const scratch = mkdtempSync(join(tmpdir(), 'socsim-probe-'));
afterAll(() => rmSync(scratch, { recursive: true }));
afterEach(() => vi.restoreAllMocks());

function write(name: string, text: string): string {
  const path = join(scratch, name);
  writeFileSync(path, text);
  return path;
}

/** What a command prints, and its exit code. */
async function output(command: typeof probeThermal, args: Record<string, unknown>) {
  let text = '';
  vi.spyOn(console, 'log').mockImplementation((line) => {
    text += `${line}\n`;
  });
  vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
    text += String(chunk);
    return true;
  });
  const code = await command.run(args);
  vi.restoreAllMocks();
  return { text, code };
}

const stack = { network: data('ice_stack.yaml'), power: data('ice_power.csv') };
const single = { network: data('network_single.json'), power: data('hotspot_power.csv') };

describe('probe thermal', () => {
  it('prints one JSON row per run of the network, and lists the others', async () => {
    const check = data('hotspot_exact.csv');
    const { text, code } = await output(probeThermal, { ...single, check, json: true });
    const report = JSON.parse(text);
    expect(code).toBeUndefined();
    expect(report.rows.map((row: { id: string }) => row.id)).toEqual(['T01', 'T02', 'T03']);
    expect(report.rows[0]).toMatchObject({ quantity: 'temperature', network: 'single' });
    expect(report.rows[0].largest_K).toBeLessThan(1e-6);
    expect(report.rows[0].rms_K).toBeLessThanOrEqual(report.rows[0].largest_K);
    expect(report.unmapped).toHaveLength(10);
    expect(report.unmapped[0]).toEqual({ id: 'T04', reason: 'belongs to network "phoneA"' });
    expect(report.summary[0]).toMatchObject({ group: 'single', count: 3 });
  });

  it('prints a table for people and CSV for tools', async () => {
    const check = data('hotspot_runs.csv');
    const table = await output(probeThermal, { ...single, check });
    expect(table.text).toMatch(/^id +network +samples +largest_K/);
    expect(table.text).toContain('unmapped T13: belongs to network "phoneB"');
    const csv = await output(probeThermal, { ...single, check, csv: true });
    expect(csv.text.split('\n')[1]).toMatch(/^T01,single,\d+,/);
  });

  it('starts a cooling run from the steady state its first row implies', async () => {
    const args = { network: data('network_phoneA.json'), power: data('hotspot_power.csv') };
    const check = data('hotspot_exact.csv');
    const { text } = await output(probeThermal, { ...args, check, json: true });
    const cooling = JSON.parse(text).rows.find((row: { id: string }) => row.id === 'T10');
    expect(cooling.largest_K).toBeLessThan(1e-6);
  });

  it('refuses to guess an initial state that is no steady state', async () => {
    const header = 'run,t_s,DIE\n';
    const check = write('warm.csv', `${header}T01,0,290.0\nT01,10,291.0\n`);
    await expect(output(probeThermal, { ...single, check, json: true })).rejects.toThrow(
      'its only row cannot be compared; T01: the first row is neither ambient nor a steady state',
    );
  });

  it('checks steady states without power over time, and with leakage', async () => {
    const network = data('network_phoneB.json');
    for (const [file, rows, bound] of [
      ['hotspot_steady.csv', 6, 1e-5],
      ['hotspot_leakage_steady.csv', 5, 1e-5],
    ] as const) {
      const { text } = await output(probeThermal, { network, check: data(file), json: true });
      const report = JSON.parse(text);
      expect(report.rows).toHaveLength(rows);
      for (const row of report.rows) expect(Math.abs(row.error)).toBeLessThan(bound);
    }
  });

  it('reports runaway where no fixed point is left', async () => {
    const header =
      'case,network,P_dynamic_W(;),block,T_tool_K,T_exact_K,P_leak_exact_W,loop_gain_exact';
    const check = write('away.csv', `${header}\nLK,phoneB,2;2;2;2;2;2,NPU,300,300,0,0\n`);
    const args = { network: data('network_phoneB.json'), check, json: true };
    await expect(output(probeThermal, args)).rejects.toThrow(/LK: thermal runaway, loop gain/);
  });

  it('prints temperatures over time without a check file', async () => {
    const { text } = await output(probeThermal, { ...single, interval: '300 s', csv: true });
    const lines = text.trim().split('\n');
    expect(lines[0]).toMatch(/^run,t_s,die:DIE,/);
    expect(lines.filter((line) => line.startsWith('T01,'))).toHaveLength(5);
    expect(lines[1]).toContain('T01,0,298.150000');
    const json = await output(probeThermal, { ...single, json: true });
    const { runs, unmapped } = JSON.parse(json.text);
    expect(runs[1].t_s).toHaveLength(31);
    expect(unmapped).toHaveLength(10);
  });

  it('drives a layer stack as well', async () => {
    const args = { network: data('ice_stack.yaml'), check: data('ice_steady.csv'), json: true };
    const { text } = await output(probeThermal, args);
    const rows = JSON.parse(text).rows.filter((row: { id: string }) => row.id.includes(' 200 '));
    expect(rows).toHaveLength(8);
    for (const row of rows) expect(Math.abs(row.error)).toBeLessThan(0.05);
  });

  it.each([
    [{ network: 'nowhere.json' }, /no such file/],
    [{ network: single.network }, /--power or --check/],
    [{ ...single, interval: '3 W' }, /--interval/],
    [{ ...single, step: '1 s' }, /layer stacks/],
    [{ ...stack, step: '0.00001 ms' }, /2100000000 steps \(expected at most 1000000/],
    [{ ...single, interval: '1 ns' }, /--interval: .* intervals \(expected at most/],
    [{ ...single, json: true, csv: true }, /--json and --csv exclude/],
    [{ network: single.network, check: data('hotspot_runs.csv') }, /need --power/],
    [{ ...single, check: data('trips.csv') }, /neither a run file/],
  ])('%o is the user’s mistake', async (args, message) => {
    await expect(output(probeThermal, args)).rejects.toThrow(message);
  });
});

describe('probe governor', () => {
  it.each([
    ['power-allocator', 'ipa_vectors.csv', '160 ticks'],
    ['step-wise', 'stepwise_vectors.csv', '101 ticks'],
    ['skin-pid', 'skin_pid_vectors.csv', '150 ticks'],
  ])('%s has no mismatch', async (kind, file, ticks) => {
    const { text, code } = await output(probeGovernor, { kind, vectors: data(file) });
    expect(text).toContain(ticks);
    expect(text).toContain(' 0 mismatches');
    expect(code).toBeUndefined();
  });

  it.each([
    ['skin-pid', 'ipa_vectors.csv', 'column "T_skin_C" is missing'],
    ['power-allocator', 'skin_pid_vectors.csv', 'column "T_mC" is missing'],
    ['step-wise', 'ipa_vectors.csv', 'column "trip_mC" is missing'],
    ['skin-pid', 'ice_power.csv', 'this is another table, or none'],
  ])('%s refuses vectors of another kind: %s', async (kind, file, message) => {
    await expect(output(probeGovernor, { kind, vectors: data(file) })).rejects.toThrow(message);
  });

  it.each([
    ['V1,0,30\n', 'vector "V1" has no row "config" before its first tick'],
    ['V1,config,target 40 K_pu=2 active from 35 s_power=3000\nV1,0,warm\n', 'not a number'],
  ])('refuses rows that cannot be replayed', async (rows, message) => {
    const vectors = write('skin.csv', `vector,tick,T_skin_C\n${rows}`);
    await expect(output(probeGovernor, { kind: 'skin-pid', vectors })).rejects.toThrow(message);
  });

  it('prints every mismatch and fails', async () => {
    const header = 'vector,tick,trip_mC,max_state,T_mC,trend,above_trip,target,cooling_state\n';
    const rows = 'SW,0,85000,8,84000,1,0,none,0\nSW,1,85000,8,86000,1,1,2,2\n';
    const vectors = write('wrong.csv', header + rows);
    const { text, code } = await output(probeGovernor, { kind: 'step-wise', vectors });
    expect(text).toContain('SW:1  target: got 1, expected 2');
    expect(text).toContain('2 ticks, 8 values, 2 mismatches');
    expect(code).toBe(1);
    const json = await output(probeGovernor, { kind: 'step-wise', vectors, json: true });
    expect(JSON.parse(json.text)).toMatchObject({ mismatches: 2 });
    expect(json.code).toBe(1);
    const csv = await output(probeGovernor, { kind: 'step-wise', vectors, csv: true });
    expect(csv.text).toContain('SW:1,target,1,2,-1');
    expect(csv.code).toBe(1);
  });

  it('says what a configuration lacks, and which kinds there are', async () => {
    const vectors = write(
      'bare.csv',
      'vector,tick(7 s),T_skin_C,state,budget_mW\nPX,config,none,,\n',
    );
    await expect(output(probeGovernor, { kind: 'skin-pid', vectors })).rejects.toThrow(/K_pu/);
    await expect(output(probeGovernor, { kind: 'skin-pit', vectors })).rejects.toThrow(/skin-pid/);
  });
});
