import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { claimFolder, summariseRun, writeRun } from '../../../src/analysis/write-run.ts';
import { SpecError } from '../../../src/base/errors.ts';
import { sampleRun } from '../../support/sample-run.ts';

const run = sampleRun({ detail: 'step' });
let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'socsim-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function fault(action: () => void): string {
  try {
    action();
  } catch (error) {
    expect(error).toBeInstanceOf(SpecError);
    return (error as SpecError).message;
  }
  throw new Error('nothing was thrown');
}

describe('writeRun', () => {
  it('writes run, trace, charts and report, and says so', async () => {
    const out = join(folder, 'new', 'out');
    const files = await writeRun(run, out);
    expect(files.every((file) => existsSync(file))).toBe(true);
    expect(readdirSync(out).sort()).toEqual(['charts', 'report.html', 'run.json', 'trace.json']);
    expect(readdirSync(join(out, 'charts'))).toHaveLength(11);
    expect(files.at(-1)).toBe(join(out, 'report.html'));
  });

  it('keeps everything but the timeline in run.json', async () => {
    const out = join(folder, 'json');
    await writeRun(run, out);
    const { trace, ...rest } = JSON.parse(readFileSync(join(out, 'run.json'), 'utf8'));
    expect(rest).toEqual(JSON.parse(JSON.stringify(summariseRun(run))));
    expect(rest).not.toHaveProperty('timeline');
    expect(trace).toMatchObject({ file: 'trace.json', spans_written: run.timeline.spans.length });
  });

  it('writes the same bytes for the same run', async () => {
    const [a, b] = [join(folder, 'a'), join(folder, 'b')];
    const first = await writeRun(run, a);
    const second = await writeRun(run, b);
    const texts = (files: readonly string[]) => files.map((file) => readFileSync(file, 'latin1'));
    expect(texts(second).map((text, i) => text === texts(first)[i])).toEqual(first.map(() => true));
  });

  it('leaves nothing of an earlier run under its own names, and nothing else touched', async () => {
    const out = join(folder, 'again');
    await writeRun(run, out, { jsonBytes: 100 });
    writeFileSync(join(out, 'notes.txt'), 'mine');
    expect(readdirSync(out)).toContain('trace.pftrace');
    await writeRun(sampleRun({ detail: 'step', counters: false }), out);
    expect(readdirSync(out).sort()).toEqual([
      'charts',
      'notes.txt',
      'report.html',
      'run.json',
      'trace.json',
    ]);
    expect(readdirSync(join(out, 'charts'))).not.toContain('power.svg');
  });
});

describe('an unusable folder', () => {
  it('is named when a file is in the way', () => {
    const file = join(folder, 'file');
    writeFileSync(file, '');
    expect(fault(() => claimFolder(file))).toContain(`cannot write to output folder "${file}"`);
    expect(fault(() => claimFolder(join(file, 'below')))).toContain('part of the path is a file');
  });

  it('is named when the system refuses', () => {
    // /proc takes no folders from anyone, root included.
    expect(fault(() => claimFolder('/proc/socsim-out'))).toContain('"/proc/socsim-out"');
  });

  it('stops writeRun before it draws', async () => {
    const file = join(folder, 'blocked');
    writeFileSync(file, '');
    await expect(writeRun(run, file)).rejects.toThrow(/blocked.*--out DIR/s);
  });
});
