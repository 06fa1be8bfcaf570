/** Published results that were collected after the calibrations were made, predicted with what is shipped. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseLlmRows } from '../../src/calibration/device/llm-rows.ts';
import { type Prediction, predictLlmRows } from '../../src/calibration/device/predict.ts';
import { fileSources } from '../../src/load.ts';
import { accuracyLine, recordAccuracy } from '../support/accuracy.ts';

const sources = fileSources();
const predict = (name: string) => {
  const file = `${name}.csv`;
  const text = readFileSync(new URL(`data/phones/${file}`, import.meta.url), 'utf8');
  const rows = parseLlmRows(text, file);
  const { rows: predictions, unmapped } = predictLlmRows(rows, sources);
  return { rows, predictions, unmapped };
};
const heldOut = predict('llm-held-out');
const more = predict('llm-more');

const quantities = ['decode', 'prefill', 'time_to_first_token'] as const;
const words = (quantity: string) => quantity.replaceAll('_', ' ');
const percent = (value: number) => `${(value * 100).toFixed(0)} %`;
/** User reports and rounded figures are shown, never counted. */
const counted = (rows: readonly Prediction[]) =>
  rows.filter(({ mapped }) => 'AB'.includes(mapped.row.quality));
const errorsOf = (rows: readonly Prediction[], quantity?: string) =>
  rows.filter((row) => quantity === undefined || row.quantity === quantity).map((row) => row.error);
const share = (rows: readonly Prediction[], holds: (row: Prediction) => boolean) =>
  rows.filter(holds).length / rows.length;
const median = (rows: readonly Prediction[], quantity: string) =>
  accuracyLine(quantity, errorsOf(rows, quantity), { unit: '%', sample: 'no fit' }).median;
const held = ({ reference, band }: Prediction) =>
  band !== undefined && reference >= band.low && reference <= band.high;

const GROUPS: readonly (readonly [string, (row: Prediction) => string])[] = [
  ['SoC', ({ mapped }) => mapped.row.soc],
  ['engine', ({ mapped }) => `${mapped.row.runtime} on the ${mapped.row.unit.toUpperCase()}`],
  ['weights', ({ mapped }) => `${mapped.row.weightBits || 'unstated'}-bit weights`],
];

function groupLines(rows: readonly Prediction[]) {
  return GROUPS.flatMap(([, keyOf]) => {
    const groups = new Map<string, Prediction[]>();
    for (const row of rows) {
      const key = `${words(row.quantity)}, ${keyOf(row)}`;
      groups.set(key, [...(groups.get(key) ?? []), row]);
    }
    return [...groups]
      .sort(([a], [b]) => a.localeCompare(b))
      .map(([key, list]) =>
        accuracyLine(key, errorsOf(list), { unit: '%', sample: 'no fit', detail: true }),
      );
  });
}

const table = (rows: readonly Prediction[]) =>
  rows
    .map(
      (p) =>
        `| ${p.id} | ${p.mapped.row.soc} | ${p.mapped.row.unit} | ${p.mapped.row.runtime} | ${p.mapped.row.model} | ${p.mapped.row.weightBits} | ${p.mapped.row.quality} | ${words(p.quantity)} | ${p.predicted.toPrecision(3)} | ${p.reference} | ${percent(p.error)} | ${held(p) ? 'yes' : 'no'} | ${p.mapped.assumptions.join('; ')} |`,
    )
    .join('\n');

describe('language models on phones that no fit has seen', () => {
  it('maps nine rows of ten, and says why the others cannot be', () => {
    for (const { rows, unmapped } of [heldOut, more]) {
      expect(unmapped.length / rows.length).toBeLessThanOrEqual(0.1);
      expect(unmapped.every(({ reason }) => reason.length > 10)).toBe(true);
      expect(rows.length).toBeGreaterThanOrEqual(50);
    }
  });

  it('is not far worse than the cross-validated errors say', () => {
    const rows = counted(heldOut.predictions);
    expect(median(rows, 'decode')).toBeLessThan(0.3);
    expect(median(rows, 'prefill')).toBeLessThan(0.65);
  });

  it('writes the table', () => {
    const rows = counted(heldOut.predictions);
    const lines = quantities.map((quantity) =>
      accuracyLine(words(quantity), errorsOf(rows, quantity), { unit: '%', sample: 'no fit' }),
    );
    const others = quantities.map((quantity) =>
      accuracyLine(words(quantity), errorsOf(counted(more.predictions), quantity), {
        unit: '%',
        sample: 'no fit',
        note: 'rows that later fits may use',
      }),
    );
    const decode = rows.filter(({ quantity }) => quantity === 'decode');
    recordAccuracy({
      topic: 'phones-unseen',
      order: 12,
      title: 'Language models on phones, from sources that no fit has seen',
      text: [
        `Results published elsewhere (${new Set(heldOut.rows.map(({ columns }) => columns['source_url'])).size} sources, ${new Set(heldOut.rows.map(({ soc }) => soc)).size} SoCs), predicted with what is shipped; nothing is ever fitted to them.`,
        `Decode within 25 %: ${percent(share(decode, ({ error }) => Math.abs(error) <= 0.25))}. Inside the interval meant to hold four fifths: ${percent(share(rows, held))}.`,
        'Where it is wrong: the engines moved. Hexagon kernels of llama.cpp of 2026 prefill nine times faster than those that the class was fitted to,',
        'first versions of model cards (XNNPACK) at half the rate of later ones on the same phone. LiteRT-LM on the 8 Elite Gen 5 is known to the fit',
        'by one application and prompts of twenty tokens, and predicted far too slow for the publisher’s own bundles. Float32 on the CPU; K-quants,',
        'which unpacking bounds and not bandwidth; the Neural Engine under Core AI, faster than its estimated port.',
        `Unmapped rows: ${heldOut.unmapped.map(({ id, reason }) => `${id} (${reason})`).join(', ') || 'none'}.`,
      ].join('\n'),
      lines: [...lines, ...others, ...groupLines(rows)],
      details: `Every row held out:\n\n| row | SoC | unit | engine | model | bits | quality | quantity | predicted | measured | error | in interval | assumed |\n| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n${table(heldOut.predictions)}\n\nRows that later fits may use:\n\n| row | SoC | unit | engine | model | bits | quality | quantity | predicted | measured | error | in interval | assumed |\n| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n${table(more.predictions)}`,
    });
    expect(rows.length).toBeGreaterThan(80);
  });
});
