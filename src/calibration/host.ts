/** What kind of machine this is: recorded with every calibration, because its numbers hold nowhere else. */
import { readFileSync } from 'node:fs';
import { arch, availableParallelism, cpus, platform, totalmem } from 'node:os';
import type { Bytes, Hertz } from '../base/units.ts';
import { KIBI, MEBI, MEGA } from '../base/units.ts';

export interface HostDescription {
  readonly processor: string;
  readonly architecture: string;
  readonly system: string;
  /** Threads that may run at once. */
  readonly threads: number;
  readonly memoryBytes: Bytes;
  /** As the system reports it; 0 where it does not. */
  readonly clockHertz: Hertz;
  /** Per core and of the last level; 0 where the system does not tell. */
  readonly l2Bytes: Bytes;
  readonly lastLevelBytes: Bytes;
  readonly nodeVersion: string;
}

export function describeHost(): HostDescription {
  const [first] = cpus();
  return {
    processor: first?.model.trim() ?? 'unknown',
    architecture: arch(),
    system: platform(),
    threads: availableParallelism(),
    memoryBytes: totalmem(),
    clockHertz: (first?.speed ?? 0) * MEGA,
    l2Bytes: cacheBytes(2),
    lastLevelBytes: Math.max(cacheBytes(3), cacheBytes(2)),
    nodeVersion: process.version,
  };
}

/** Linux describes the caches of the first core under /sys; other systems are measured instead. */
function cacheBytes(level: number): Bytes {
  for (let index = 0; index < 8; index++) {
    const folder = `/sys/devices/system/cpu/cpu0/cache/index${index}`;
    const type = readLine(`${folder}/type`);
    if (type === undefined) return 0;
    if (type !== 'Instruction' && readLine(`${folder}/level`) === String(level)) {
      return parseSize(readLine(`${folder}/size`) ?? '');
    }
  }
  return 0;
}

function readLine(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return undefined;
  }
}

/** `1024K` or `32M`, as the kernel writes them. */
export function parseSize(text: string): Bytes {
  const match = /^(\d+)([KM]?)$/.exec(text);
  if (!match) return 0;
  const scale = match[2] === 'M' ? MEBI : match[2] === 'K' ? KIBI : 1;
  return Number(match[1]) * scale;
}
