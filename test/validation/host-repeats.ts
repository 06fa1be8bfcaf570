/**
 * `npm run validate:host`: the whole calibration of this machine three times, each checked on networks that no fit has
 * seen. Too long for `npm run validate`, and worth running only where nothing else runs. Writes HOST.md.
 */
import { writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import {
  type CheckedModel,
  calibrateHost,
  type HostCalibration,
} from '../../src/calibration/calibrate.ts';
import { checkModels } from '../../src/calibration/check-models.ts';
import { realCandidates } from '../support/real-models.ts';

const REPEATS = 3;
const MINUTES = 60_000;
const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
const signed = (share: number) => `${share < 0 ? '−' : '+'}${percent(Math.abs(share))}`;
const median = (values: readonly number[]) =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
const errorsOf = (checks: readonly CheckedModel[], threads: number) =>
  checks.flatMap(({ residual }) =>
    residual.threads === threads ? [Math.abs(residual.error)] : [],
  );

it(
  'predicts networks that no fit has seen, three times',
  async () => {
    const models = [...checkModels(false), ...realCandidates()];
    const runs: HostCalibration[] = [];
    for (let run = 0; run < REPEATS; run++)
      runs.push(
        await calibrateHost({ quick: false, date: '1970-01-01T00:00:00.000Z', checks: models }),
      );
    const { host, threads } = runs[0]!.record;
    const heads = runs.map((_, i) => ` run ${i + 1} |`).join('');
    const rule = runs.map(() => ' --- |').join('');
    const summary = threads.flatMap((count) => {
      const of = (what: (errors: number[]) => number) =>
        runs.map(({ checks }) => ` ${percent(what(errorsOf(checks, count)))} |`).join('');
      return [
        `| networks, ${count} threads, median |${of(median)}`,
        `| networks, ${count} threads, worst |${of((errors) => Math.max(...errors))}`,
      ];
    });
    const operators = runs.map(({ checks }) =>
      median(
        checks.flatMap((one) =>
          (one.operators?.operators ?? []).map(({ error }) => Math.abs(error)),
        ),
      ),
    );
    const lines = models.flatMap(({ id }) =>
      threads.map((count) => {
        const found = runs.map(({ checks }) =>
          checks.find(({ residual }) => residual.id === id && residual.threads === count),
        );
        const cells = found.map((one) =>
          one
            ? ` ${(1000 * one.residual.measured).toPrecision(3)} ms, ${signed(one.residual.error)} |`
            : ' |',
        );
        return `| ${id} | ${count} |${cells.join('')}`;
      }),
    );
    const busy = runs.map(
      ({ record }) =>
        ` ${percent(record.noise.medianSpread)}${record.noise.noisy ? ' (busy)' : ''} |`,
    );
    writeFileSync(
      new URL('HOST.md', import.meta.url),
      `# Networks on this host

Written by \`npm run validate:host\`; do not edit. ${host.processor}, ${threads.join(' and ')} threads: the whole suite of
single operators measured and fitted ${REPEATS} times, each time with ${models.length} networks measured among them that the fit
does not see. Decoder layers, encoders, a backbone and a U-net block are generated; \`ch_*\` find, turn and read text, \`silero_vad\`
hears voices. Errors are predicted ÷ measured − 1; single operators as the runtime's profiler has them, at all threads.

| |${heads}
| --- |${rule}
${summary.join('\n')}
| single operators, median |${operators.map((value) => ` ${percent(value)} |`).join('')}
| spread between bursts, median |${busy.join('')}

| network | threads |${heads}
| --- | --- |${rule}
${lines.join('\n')}
`,
    );
    for (const { checks } of runs) expect(median(errorsOf(checks, 1))).toBeLessThan(0.15);
  },
  30 * MINUTES,
);
