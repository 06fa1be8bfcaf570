/** `socsim fit dram`: derives the fluid memory model of speed bins from the transaction model and writes it down. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SpecError } from '../base/errors.ts';
import { fitFluid, runsOf } from '../calibration/dram-efficiency.ts';
import { withFluidSection } from '../calibration/fluid-section.ts';
import {
  listLpddrPresets,
  loadLpddrPreset,
  readLpddrPreset,
} from '../calibration/lpddr-presets.ts';
import type { Args, Command } from './command.ts';
import { LEAST_ACCESSES } from './dram-options.ts';
import { wholeOption } from './parse.ts';
import { renderTable, startProgress } from './terminal.ts';

export const fitDram: Command = {
  name: 'fit dram',
  summary: 'fit the fluid memory model of speed bins to the transaction model, with residuals',
  examples: [
    'socsim fit dram --preset LPDDR5X-8533 --out fitted',
    'socsim fit dram --out socs/lpddr --json',
  ],
  options: {
    preset: {
      type: 'string',
      summary: 'one speed bin, or a YAML file of one; all by default',
      value: 'NAME',
    },
    accesses: { type: 'number', summary: 'of each run', default: 24_000 },
    checks: { type: 'number', summary: 'points between the grid to check', default: 40 },
    seed: { type: 'number', summary: 'of addresses and of the points checked', default: 1 },
    out: {
      type: 'string',
      summary: 'folder for the preset files; none is written without',
      value: 'DIR',
    },
    json: { type: 'boolean', summary: 'print JSON' },
  },
  run: async (args) => {
    const only = args['preset'] as string | undefined;
    const names = only === undefined ? listLpddrPresets() : [only];
    const presets = names.map(loadLpddrPreset);
    const options = {
      accesses: accessesOption(args),
      checks: wholeOption(args, 'checks') as number,
      seed: wholeOption(args, 'seed') as number,
    };
    const perPreset = runsOf(options);
    const progress = startProgress('runs', perPreset * presets.length);
    const fits = presets.map((preset, index) => {
      const onRun = (done: number) => progress.update(index * perPreset + done);
      return { preset, table: fitFluid(preset, { ...options, onRun }) };
    });
    progress.stop();
    const out = args['out'] as string | undefined;
    if (out !== undefined) {
      mkdirSync(out, { recursive: true });
      for (const [index, { preset, table }] of fits.entries()) {
        const { text } = readLpddrPreset(names[index] as string);
        const file = join(out, `${preset.name.toLowerCase()}.yaml`);
        writeFileSync(file, withFluidSection(text, table));
      }
    }
    if (args['json'] === true) {
      const all = fits.map(({ preset, table }) => ({ preset: preset.name, ...table }));
      console.log(JSON.stringify(all, null, 2));
    } else console.log(renderFits(fits));
    return undefined;
  },
};

/** Told before the first run: long visits take more accesses by themselves, so that a late one would be the first to fail. */
function accessesOption(args: Args): number {
  const accesses = wholeOption(args, 'accesses') as number;
  if (accesses >= LEAST_ACCESSES) return accesses;
  const [expected, got] = [`at least ${LEAST_ACCESSES}`, `${accesses}`];
  throw new SpecError([{ path: '--accesses', message: 'too few to measure', expected, got }]);
}

function renderFits(
  fits: readonly { preset: { name: string }; table: ReturnType<typeof fitFluid> }[],
): string {
  const percent = (value: number) => `${(100 * value).toFixed(1)} %`;
  const columns = [
    'preset',
    'reads, rows',
    'reads, 64 B',
    '3/4 reads',
    'median',
    'p90',
    'worst',
    'latency',
    'streams',
  ];
  const rows = fits.map(({ preset, table }) => {
    const reads = table.efficiency.is[0]?.at(-1) ?? [];
    const { efficiency, latency, fullWindows } = table.residuals;
    return [
      preset.name,
      percent(reads.at(-1) ?? 0),
      percent(reads[0] ?? 0),
      percent(table.efficiency.is[0]?.[table.readShares.indexOf(0.75)]?.at(-1) ?? 0),
      ...[efficiency.median, efficiency.p90, efficiency.worst].map(percent),
      ...[latency.worst, fullWindows.worst].map(percent),
    ];
  });
  return renderTable(
    columns.map((header, index) => ({ header, align: index === 0 ? 'left' : 'right' })),
    rows,
  );
}
