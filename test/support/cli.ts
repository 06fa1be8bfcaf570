/** Runs the built command line as a user does. */
import { type ChildProcess, fork, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const builtCli = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

export interface CliResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const root = fileURLToPath(new URL('../..', import.meta.url));
const env = { ...process.env, NO_COLOR: '1' };

/**
 * In a process of its own: what counts here is how that starts and ends.
 * @param cwd folder that relative file names refer to; the repository by default.
 */
export function socsimProcess(args: readonly string[], cwd = root): CliResult {
  requireBuild();
  const { status, stdout, stderr } = spawnSync(process.execPath, [builtCli, ...args], {
    cwd,
    encoding: 'utf8',
    env,
  });
  return { code: status, stdout, stderr };
}

/**
 * The same entry file in a process that stays (`cli-host.mjs`): starting one for each command line takes longer than
 * most commands do. Two calls at once wait for each other.
 */
export function socsim(args: readonly string[], cwd = root): Promise<CliResult> {
  const result = queue.then(() => ask(args, cwd));
  queue = result.catch(() => {});
  return result;
}

let queue: Promise<unknown> = Promise.resolve();
let host: ChildProcess | undefined;

async function ask(args: readonly string[], cwd: string): Promise<CliResult> {
  requireBuild();
  host ??= startHost();
  const child = host;
  const ended = new AbortController();
  const crash = once(child, 'exit', { signal: ended.signal }).then(() => {
    host = undefined;
    throw new Error(`the process ended during: socsim ${args.join(' ')}`);
  });
  const answer = once(child, 'message', { signal: ended.signal });
  child.send({ args, cwd });
  try {
    return (await Promise.race([answer, crash]))[0] as CliResult;
  } finally {
    crash.catch(() => {});
    answer.catch(() => {});
    ended.abort();
  }
}

function startHost(): ChildProcess {
  const child = fork(fileURLToPath(new URL('cli-host.mjs', import.meta.url)), [builtCli], {
    env,
    execArgv: [],
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  });
  // The tests' own process may end without it.
  child.unref();
  child.channel?.unref();
  (child.stdout as unknown as { unref?: () => void } | null)?.unref?.();
  return child;
}

function requireBuild(): void {
  if (!existsSync(builtCli)) throw new Error('dist is missing: run `npm run build` first');
}
