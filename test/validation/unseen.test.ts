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

const precisionOf = (bits: string) => (/^\d/.test(bits) ? `of ${bits} bits` : bits || 'unstated');
const sizeOf = (billions: number | undefined) => {
  if (billions === undefined) return 'models with embeddings per layer';
  return billions < 0.7 ? 'below 0.7B' : billions < 2 ? '0.7B to 2B' : 'above 2B';
};
const GROUPS: readonly (readonly [string, (row: Prediction) => string])[] = [
  ['SoC', ({ mapped }) => mapped.row.soc],
  ['engine', ({ mapped }) => `${mapped.row.runtime} on the ${mapped.row.unit.toUpperCase()}`],
  ['weights', ({ mapped }) => `weights ${precisionOf(mapped.row.weightBits)}`],
  ['size', ({ mapped }) => sizeOf(mapped.row.billions)],
];

/** What is known of rows that are predicted badly: the first pattern that fits the row's name. */
const KNOWN: readonly (readonly [RegExp, string])[] = [
  [
    /^hf-(q05|q15|g31-[12]|r1)/,
    'card of 2025: kernels of XNNPACK then ran at half the rate of later ones, and float32 further below',
  ],
  [/^(box16|s1)-/, 'CPU cache of fp32, packed anew for every token; hot or small-core phones'],
  [/^qhx-/, 'int8 weights are widened to FP16 in the NPU, which costs as much as reading FP16'],
  [/^asb-lrt/, 'own int4 conversions, bound by unpacking'],
  [/^(lcpp15732|lcpp10693)/, 'OpenCL kernels of 2025 without, or with an earlier, matrix product'],
  [/^et2927/, 'an application around the engine, predicted as the engine alone'],
  [
    /^lcpp22755/,
    'first version of an FP16 product on Hexagon, which packs the weights for each call',
  ],
  [/^lcpp26094/, 'recurrent layers on Hexagon, one answer at a time; cause not known'],
  [/^lcpp21595$/, 'first kernels for Q5_K on Adreno'],
  [/^dmark-4$/, 'state-space layers, stood in for by a model without'],
  [/^cactus725$/, 'codebooks of rotated weights, which other versions of the engine did not have'],
  [
    /^hf-g4-5$/,
    'card of the publisher: 1.3 (E2B) and 1.7 times (E4B) what one SoC does in a smaller phone (edge-llm-bench)',
  ],
  [/^outp-2$/, 'UD-Q4_K_XL mixes in types without kernels for Adreno, as its log warns'],
];
const knownOf = (id: string) => KNOWN.find(([pattern]) => pattern.test(id))?.[1];

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

const remarkOf = ({ id, error }: Prediction) => {
  const known = Math.abs(error) > 0.5 ? knownOf(id) : undefined;
  return known === undefined ? [] : [`known: ${known}`];
};
const table = (rows: readonly Prediction[]) =>
  rows
    .map(
      (p) =>
        `| ${p.id} | ${p.mapped.row.soc} | ${p.mapped.row.unit} | ${p.mapped.row.runtime} | ${p.mapped.row.model} | ${p.mapped.row.weightBits} | ${p.mapped.row.quality} | ${words(p.quantity)} | ${p.predicted.toPrecision(3)} | ${p.reference} | ${percent(p.error)} | ${held(p) ? 'yes' : 'no'} | ${[...p.mapped.assumptions, ...remarkOf(p)].join('; ')} |`,
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
    expect(median(rows, 'decode')).toBeLessThan(0.25);
    expect(median(rows, 'prefill')).toBeLessThan(0.45);
    expect(share(rows, held)).toBeGreaterThan(0.75);
  });

  it('knows why every row that is off by half is off', () => {
    const off = counted(heldOut.predictions).filter(({ error }) => Math.abs(error) > 0.5);
    expect(off.filter(({ id }) => knownOf(id) === undefined).map(({ id }) => id)).toEqual([]);
    // A reason for rows that are off no longer is stale.
    const stale = KNOWN.filter(([pattern]) => !off.some(({ id }) => pattern.test(id)));
    expect(stale.map(([, reason]) => reason)).toEqual([]);
  });

  it('writes the table', () => {
    const rows = counted(heldOut.predictions);
    const lines = quantities.map((quantity) =>
      accuracyLine(words(quantity), errorsOf(rows, quantity), { unit: '%', sample: 'no fit' }),
    );
    const others = quantities.map((quantity) =>
      accuracyLine(words(quantity), errorsOf(counted(more.predictions), quantity), {
        unit: '%',
        sample: 'in-sample',
        note: 'rows of the same time that the fit uses',
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
        'Where it is wrong: the engines moved. First versions of model cards (XNNPACK) prefill at half the rate of later ones on the same phone,',
        'OpenCL kernels of llama.cpp of 2025 had no matrix product for some formats. FP16 activations over int8 weights on Hexagon (QHexRT);',
        'LiteRT-LM on hot or small-core phones (Tensor G1 and G3); int4 conversions of third parties on Metal; the Neural Engine under Core AI.',
        'Builds of llama.cpp for Hexagon of 2025, of April 2026 and later are classes of their own.',
        'Intervals come from fits that had not seen the model or the source of a row, on other files than this one.',
        `Unmapped rows: ${heldOut.unmapped.map(({ id, reason }) => `${id} (${reason})`).join(', ') || 'none'}.`,
      ].join('\n'),
      lines: [...lines, ...others, ...groupLines(rows)],
      details: `Every row held out:\n\n| row | SoC | unit | engine | model | bits | quality | quantity | predicted | measured | error | in interval | assumed, known |\n| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n${table(heldOut.predictions)}\n\nRows of the same time that the fit uses:\n\n| row | SoC | unit | engine | model | bits | quality | quantity | predicted | measured | error | in interval | assumed, known |\n| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n${table(more.predictions)}`,
    });
    expect(rows.length).toBeGreaterThan(80);
  });
});
