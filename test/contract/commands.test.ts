import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { commands } from '../../src/cli/commands.ts';

const folder = new URL('../../src/cli/', import.meta.url);

describe.each(Object.entries(commands))('socsim %s', (name, entry) => {
  it('loads the command of that name, with a line for the overview', async () => {
    const command = await entry.load();
    expect(command.name).toBe(name);
    expect(command.summary).not.toBe('');
    expect(entry.summary).not.toBe('');
    expect(entry.summary.length).toBeLessThan(100);
  });

  it('has examples that call it', async () => {
    const { examples } = await entry.load();
    expect(examples.length).toBeGreaterThan(0);
    for (const example of examples) expect(example).toMatch(new RegExp(`^socsim ${name}( |$)`));
  });

  it('says what each option and argument is', async () => {
    const { options, positionals = {} } = await entry.load();
    for (const option of Object.values(options)) expect(option.summary).not.toBe('');
    for (const [key, { usage, summary }] of Object.entries(positionals)) {
      expect(key).toMatch(/^[a-z]+$/);
      expect(usage).toMatch(/^\[?[A-Z|]+(\.\.)?\]?$/);
      expect(summary).not.toBe('');
    }
  });
});

it('knows every command there is a file for', () => {
  const written = readdirSync(folder)
    .filter((file) => file.endsWith('.ts'))
    .filter((file) =>
      /export const \w+: Command =/.test(readFileSync(new URL(file, folder), 'utf8')),
    );
  const table = readFileSync(new URL('commands.ts', folder), 'utf8');
  expect(written.filter((file) => !table.includes(`'./${file}'`))).toEqual([]);
});
