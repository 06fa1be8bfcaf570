/** A key of a scenario file that is spelled wrong: the file's own fault, not an option that is missing. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { SpecError } from '../../../src/base/errors.ts';
import { scenarioOf } from '../../../src/cli/scenario-options.ts';
import { prepare } from '../../../src/engine/prepare.ts';
import { sources } from '../../support/sources.ts';

it('names the line and the nearest key', () => {
  const folder = mkdtempSync(join(tmpdir(), 'scenario-'));
  const file = join(folder, 's.yaml');
  writeFileSync(file, 'version: 1\nsoc: dimensity-9300\nworklod: llama-2-7b-chat\n');
  try {
    const run = () => prepare(scenarioOf({ scenario: file }), [], sources);
    expect(run).toThrow(SpecError);
    expect(run).toThrow(/s\.yaml:3:10: worklod: .*did you mean "workload"/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
