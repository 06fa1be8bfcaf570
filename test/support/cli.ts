/** Runs the built command line as a user does, in a process of its own. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const builtCli = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

export interface CliResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** @param cwd folder that relative file names refer to; the repository by default. */
export function socsim(
  args: readonly string[],
  cwd = fileURLToPath(new URL('../..', import.meta.url)),
): CliResult {
  if (!existsSync(builtCli)) throw new Error('dist is missing: run `npm run build` first');
  const { status, stdout, stderr } = spawnSync(process.execPath, [builtCli, ...args], {
    cwd,
    encoding: 'utf8',
    env: { ...process.env, NO_COLOR: '1' },
  });
  return { code: status, stdout, stderr };
}
