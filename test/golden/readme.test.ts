/** README shows what the program prints: its output block and its chart are compared with a run, or rewritten by `npm run golden`. */
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseSpecFile } from '../../src/base/spec-file.ts';
import { commands } from '../../src/cli/commands.ts';
import { prepare } from '../../src/engine/prepare.ts';
import { fileSources } from '../../src/load.ts';
import { socsimProcess } from '../support/cli.ts';

const root = new URL('../../', import.meta.url);
const readme = new URL('README.md', root);
const chart = new URL('readme/ledger.svg', import.meta.url);
const update = process.env['UPDATE_GOLDEN'] === '1';
const BLOCK = /<!-- output run -->\n```text\n([\s\S]*?)\n```\n<!-- \/output run -->/;

function start(): { stdout: string; svg: string } {
  const folder = mkdtempSync(join(tmpdir(), 'socsim-'));
  const script = (
    JSON.parse(readFileSync(new URL('package.json', root), 'utf8')) as {
      scripts: Record<string, string>;
    }
  ).scripts['start'];
  const words = String(script).split('main.js ').pop()?.split(' ') ?? [];
  const { code, stdout } = socsimProcess(
    words.map((word) => (word === 'out' ? join(folder, 'out') : word)),
  );
  expect(code).toBe(0);
  const shown = stdout.slice(0, stdout.indexOf('\n\nWrote')).trimEnd();
  return { stdout: shown, svg: readFileSync(join(folder, 'out', 'charts', 'ledger.svg'), 'utf8') };
}

describe('README', () => {
  const { stdout, svg } = start();
  const text = readFileSync(readme, 'utf8');

  it('shows what npm start prints', () => {
    if (update) {
      const block = `<!-- output run -->\n\`\`\`text\n${stdout}\n\`\`\`\n<!-- /output run -->`;
      writeFileSync(
        readme,
        text.replace(/<!-- output run -->[\s\S]*<!-- \/output run -->/, () => block),
      );
      return;
    }
    expect(BLOCK.exec(text)?.[1]).toBe(stdout);
  });

  it('shows the chart of that run', () => {
    if (update) writeFileSync(chart, svg);
    expect(svg).toBe(readFileSync(chart, 'utf8'));
  });

  it('shows a scenario file that can be run, before and after its what-if', () => {
    const [block = ''] = text.match(/version: 1\nsoc: snapdragon[\s\S]*?(?=```)/) ?? [];
    const sources = fileSources();
    const machineOf = (lines: string) =>
      prepare(parseSpecFile(lines, 'README'), [], sources).machine;
    const after = machineOf(block);
    const before = machineOf(block.split('\n').slice(0, 4).join('\n'));
    expect(after.memory.peak).toBeGreaterThan(before.memory.peak);
    expect(after.background.map(({ name }) => name)).toContain('camera');
    expect(before.background.map(({ name }) => name)).not.toContain('camera');
  });

  it('names commands that exist', () => {
    const named = [
      ...text.matchAll(
        /`(?:npx )?socsim ([a-z]+(?: (?:dram|npu|thermal|governor|graph|host|device))?)/g,
      ),
    ].map((match) => String(match[1]));
    expect(named.length).toBeGreaterThan(8);
    // Groups such as `probe` stand for their commands; test/contract/commands.test.ts loads each.
    const known = Object.keys(commands);
    for (const command of new Set(named)) {
      const found = known.some((name) => name === command || name.startsWith(`${command} `));
      expect(`${command}: ${found}`).toBe(`${command}: true`);
    }
  });
});
