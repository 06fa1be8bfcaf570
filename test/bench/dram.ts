/** 64-byte accesses per second of the LPDDR transaction model on one core, by kind of traffic. */
import { readFileSync } from 'node:fs';
import type { CsvRow } from '../../src/base/csv.ts';
import { RowReader, rowOptions } from '../../src/calibration/dram-row-options.ts';
import { parseRows } from '../../src/calibration/dram-rows.ts';
import { loadLpddrPreset } from '../../src/calibration/lpddr-presets.ts';
import { quantileOf } from '../../src/calibration/statistics.ts';
import { CONTROLLERS } from '../../src/hardware/dram/controllers.ts';
import { buildFluidMemory } from '../../src/hardware/dram/fluid-memory.ts';
import { simulateMix } from '../../src/hardware/dram/mix-traffic.ts';
import { parseRequesters } from '../../src/hardware/dram/requester.ts';
import { simulateTraffic } from '../../src/hardware/dram/simulate.ts';
import { loadPreset } from '../support/dram.ts';
import { type BenchLine, medianSeconds } from './line.ts';

const ACCESSES = 200_000;
const TRAFFIC = {
  'read stream': 'seq;region=256M',
  'stream with a third of writes': 'seq;region=256M;wpct=33',
  'random reads': 'rand;region=1G',
  'random with a third of writes': 'rand;region=1G;wpct=33',
};

export function benchDram(): BenchLine[] {
  const preset = loadPreset('lpddr5-6400');
  const lines = Object.entries(TRAFFIC).map(([what, text]) => {
    const seconds = medianSeconds(() => {
      simulateTraffic({
        preset,
        channels: 1,
        map: 'A',
        controller: CONTROLLERS['ramulator2.1'].config,
        plan: { requesters: parseRequesters(text), window: 64, accesses: ACCESSES },
      });
    }, 3);
    const rate = ACCESSES / seconds / 1e6;
    return { what, value: `${rate.toFixed(2)} M/s`, note: '64-byte accesses, one channel' };
  });
  return [...lines, peersLine(), fluidLine()];
}

const REFERENCE = 'test/validation/data/lpddr_reference_runs.csv';

/** Runs of the peers, one of each tool for each kind of traffic, against the same under that tool's rules. */
function peersLine(): BenchLine {
  const { rows } = parseRows(readFileSync(REFERENCE, 'utf8'), REFERENCE);
  const first = new Map<string, CsvRow>();
  for (const row of rows) {
    const key = `${row.values['family']} ${row.values['simulator']}`;
    if (Number(row.values['accesses_per_cpu_s']) > 0 && !first.has(key)) first.set(key, row);
  }
  const ratios = [...first.values()].map(({ values }) => {
    const options = rowOptions(new RowReader(values), loadLpddrPreset);
    const seconds = cpuSeconds(() => void simulateTraffic(options));
    return options.plan.accesses / seconds / Number(values['accesses_per_cpu_s']);
  });
  const [least, median, most] = [0, 0.5, 1].map((share) => quantileOf(ratios, share).toFixed(1));
  return {
    what: 'against Ramulator, DRAMsim3, gem5',
    value: `${median} ×`,
    note: `accesses per CPU second of ${ratios.length} of their runs, from ${least} to ${most} ×; theirs as recorded with the rows`,
  };
}

/** CPU time of `work`, as the reference rows tell it, after one that is not counted. */
function cpuSeconds(work: () => void): number {
  work();
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

/** The same phase both ways: 20,000 accesses command by command against one look into the table. */
function fluidLine(): BenchLine {
  const preset = loadPreset('lpddr5x-8533');
  const memory = buildFluidMemory({ preset, channels: 4, interconnectLatency: 0 });
  const mix = { streams: 4, granularityBytes: 512, temperature: 45 };
  const transaction = medianSeconds(() => {
    const options = { channels: 4, accesses: 20_000, seed: 1 };
    simulateMix(preset, { ...mix, readShare: 0.75 }, options);
  }, 3);
  const evaluations = 200_000;
  const seconds = medianSeconds(() => {
    for (let i = 0; i < evaluations; i++) memory.efficiency({ ...mix, readShare: (i % 100) / 100 });
  }, 3);
  const rate = evaluations / seconds / 1e6;
  const ratio = transaction / (seconds / evaluations);
  return {
    what: 'fluid evaluations',
    value: `${rate.toFixed(1)} M/s`,
    note: `${Math.round(ratio / 1000)} thousand times as fast as the same phase by transactions`,
  };
}
