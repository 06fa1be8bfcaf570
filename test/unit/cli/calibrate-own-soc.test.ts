/** A user's own SoC in a file: fitted by its name, checked with what was fitted. */
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { parseSpecFile } from '../../../src/base/spec-file.ts';
import { calibrateDevice } from '../../../src/cli/calibrate-device.ts';
import { fitDevices } from '../../../src/cli/calibrate-device-fit.ts';
import { parseBundle } from '../../../src/runtime/calibration-spec.ts';

const folder = mkdtempSync(join(tmpdir(), 'socsim-own-'));
const soc = join(folder, 'next.yaml');
writeFileSync(
  soc,
  `version: 1
name: next-chip
summary: "a Snapdragon 8 Gen 3 as it might be next"
like: snapdragon-8-gen-3
aliases: { "next-engineering-sample": "the same chip, an earlier stepping" }
`,
);
const HEADER =
  'id,soc,unit,runtime,model,weight_bits,act_bits,prompt_tokens,context_tokens,prefill_tok_s,ttft_s,decode_tok_s,quality';
const row = (id: string, name: string, model: string, decode: number) =>
  `${id},${name},cpu,MNN,${model},4,,32,64,,,${decode},A`;
const rows = [
  row('a', 'Next Chip', 'Llama-3.2-1B', 45),
  row('b', 'Next engineering sample', 'Qwen2.5-1.5B', 35),
];
const csv = join(folder, 'rows.csv');
writeFileSync(csv, `${[HEADER, ...rows].join('\n')}\n`);
const out = join(folder, 'mine.json');

const printed = () => {
  const log = vi.spyOn(console, 'log').mockImplementation(() => {});
  return () => log.mock.calls.map(([line]) => String(line)).join('\n');
};
const check = async (extra: object = {}) => {
  const read = printed();
  await calibrateDevice.run({ data: csv, check: true, json: true, soc, ...extra });
  const text = read();
  vi.restoreAllMocks();
  return JSON.parse(text);
};
let said = '';
beforeAll(() => {
  const read = printed();
  fitDevices({ file: csv, text: readFileSync(csv, 'utf8') }, { soc, out });
  said = read();
  vi.restoreAllMocks();
}, 60_000);
afterEach(() => vi.restoreAllMocks());

describe("a user's own SoC", () => {
  it('is fitted to the rows that name it, by its name and by its aliases', () => {
    const bundle = parseBundle(parseSpecFile(readFileSync(out, 'utf8'), out));
    expect(bundle.soc).toBe('next-chip');
    expect(bundle.residuals.map(({ id }) => id)).toEqual(['a', 'b']);
    expect(said).toContain('unit/next-chip/cpu/bandwidth');
  });

  it('is predicted by its file, and nearer with its own bundle', async () => {
    const plain = await check({ calibration: 'none' });
    const mine = await check({ calibration: out });
    expect(plain.unmapped).toEqual([]);
    expect(plain.rows).toHaveLength(2);
    const worst = ({ summary }: { summary: { group: string; worst: number }[] }) =>
      summary.find(({ group }) => group === 'all')!.worst;
    expect(worst(mine)).toBeLessThan(worst(plain));
  });

  it('is told apart from shipped ones: a shipped name beside --check says nothing', async () => {
    await expect(
      calibrateDevice.run({ data: csv, check: true, soc: 'snapdragon-8-gen-3' }),
    ).rejects.toThrow(/--soc.*has no effect with --check/);
  });

  it('gets rows that name no known SoC a reason that shows the name', async () => {
    const other = join(folder, 'other.csv');
    writeFileSync(other, `${HEADER}\n${row('x', 'Nxt Chip', 'Llama-3.2-1B', 45)}\n`);
    await expect(check({ data: other })).rejects.toThrow(
      /x: line 2: no description of SoC "Nxt Chip"/,
    );
  });
});
