import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { formatCsv, parseCsv } from '../../src/base/csv.ts';
import { parseSpecFile } from '../../src/base/spec-file.ts';
import { calibrateDevices } from '../../src/calibration/device/calibrate.ts';
import { parseLlmRows } from '../../src/calibration/device/llm-rows.ts';
import { predictLlmRows } from '../../src/calibration/device/predict.ts';
import { predictFile } from '../../src/calibration/device/predict-file.ts';
import { asUnseen, unitOf } from '../../src/calibration/device/unseen.ts';
import { buildSimulation, prepare } from '../../src/engine/prepare.ts';
import { simulate } from '../../src/engine/simulation.ts';
import { fileSources } from '../../src/load.ts';
import { type AccuracyLine, accuracyLine, recordAccuracy } from '../support/accuracy.ts';
import { heldByOthers } from '../support/held-bands.ts';
import { errorsByPartners, type MeasuredRow } from '../support/measured-pairs.ts';

const read = (name: string) =>
  readFileSync(new URL(`data/phones/${name}`, import.meta.url), 'utf8');
const sources = fileSources();

const rows = ['llm.csv', 'llm-more.csv'].flatMap((file) => parseLlmRows(read(file), file));
const { rows: predictions, unmapped } = predictLlmRows(rows, sources);
/** Claims without a protocol and user reports are shown, never counted. */
const counted = predictions.filter(
  ({ mapped }) => mapped.row.kind === 'measured' && 'AB'.includes(mapped.row.quality),
);
const quantities = ['decode', 'prefill', 'time_to_first_token'] as const;
const percent = (value: number) => `${(value * 100).toFixed(0)} %`;
const words = (quantity: string) => quantity.replaceAll('_', ' ');

/** Fitted anew from the file, so that what is left out was really never seen. */
const fresh = calibrateDevices(rows, fileSources({ calibration: 'none' }));
type Sample =
  | 'inSample'
  | 'withoutModel'
  | 'withoutSource'
  | 'withoutSoc'
  | 'naive'
  | 'naiveWithoutSource'
  | 'naiveWithoutSoc';
const errorsOf = (sample: Sample, quantity: string, list = fresh.rows): number[] =>
  list.flatMap((row) => {
    const value = row[sample];
    const { observation } = row;
    if (value === undefined || observation.quantity !== quantity) return [];
    return [value / observation.reference - 1];
  });
const medianOf = (errors: readonly number[]) => {
  const sorted = errors.map(Math.abs).sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
};
const within = (errors: readonly number[], bound: number) =>
  errors.filter((error) => Math.abs(error) <= bound).length / errors.length;

const SAMPLES = [
  ['withoutModel', 'leave-one-model-out', 'cross-validated'],
  [
    'withoutSource',
    'leave-one-source-out, where another source measured that unit',
    'cross-validated',
  ],
  ['withoutSoc', 'leave-one-SoC-out', 'cross-validated'],
  [
    'naive',
    'naive baseline: median rate of other models, same SoC, unit and engine',
    'cross-validated',
  ],
  [
    'naiveWithoutSource',
    'naive baseline: median rate of other sources, same SoC, unit and engine',
    'cross-validated',
  ],
  [
    'naiveWithoutSoc',
    'naive baseline: median rate of other SoCs, same kind of unit and engine',
    'cross-validated',
  ],
  ['inSample', 'in-sample', 'in-sample'],
] as const;

function groupLines(): AccuracyLine[] {
  const groups = new Map<string, typeof fresh.rows>();
  for (const row of fresh.rows) {
    const { quantity, row: fitted } = row.observation;
    const key = `${words(quantity)}, ${fitted.use.units.join('+')}, ${fitted.use.runtime}`;
    groups.set(key, [...(groups.get(key) ?? []), row]);
  }
  return [...groups]
    .sort(([a], [b]) => a.localeCompare(b))
    .flatMap(([quantity, list]) =>
      (['withoutModel', 'withoutSoc'] as const).flatMap((sample) => {
        const errors = quantities.flatMap((one) => errorsOf(sample, one, list));
        if (errors.length === 0) return [];
        const note = sample === 'withoutModel' ? 'leave-one-model-out' : 'leave-one-SoC-out';
        return [
          accuracyLine(quantity, errors, {
            unit: '%',
            sample: 'cross-validated',
            note,
            detail: true,
          }),
        ];
      }),
    );
}

const measured = fresh.rows.map(({ observation, inSample }): MeasuredRow => {
  const { quantity, reference, row } = observation;
  const { use, mapped, model, source } = row;
  const place = [use.soc, unitOf(observation), use.runtime, mapped.workload['weightFormat']];
  const about = { quantity, place: JSON.stringify(place), model, source };
  return { ...about, reference, predicted: inSample };
});

/** What measurements say of each other. */
function floorLines(quantity: string): AccuracyLine[] {
  const rows = measured.filter((row) => row.quantity === quantity);
  const line = (errors: readonly number[], note: string, detail: boolean) =>
    accuracyLine(words(quantity), errors, { unit: '%', sample: 'in-sample', note, detail });
  const place = 'same SoC, unit, class and format';
  return [
    line(
      errorsByPartners(rows, 'other sources'),
      `noise floor: other sources’ measurements, ${place}, models scaled by the fit`,
      false,
    ),
    line(
      errorsByPartners(rows, 'other sources, same model'),
      `noise floor: other sources’ measurements, ${place}, same model`,
      true,
    ),
    line(
      errorsByPartners(rows, 'same source, same model'),
      `noise floor: the source’s other measurements, ${place}, same model`,
      true,
    ),
  ];
}

const unseen = fresh.rows.map(asUnseen);
/** Share of the rows left out that bands made without them hold. */
const held = (out: 'model' | 'source' | 'soc') => {
  const found = heldByOthers(unseen, out);
  return found.filter((row) => row.held).length / found.length;
};

/** Rows that a fit without their model misses most, for reading. */
const outliers = [...fresh.rows]
  .map((row) => ({
    row,
    away: Math.abs(Math.log((row.withoutModel ?? row.withoutSoc) / row.observation.reference)),
  }))
  .sort((a, b) => b.away - a.away)
  .slice(0, 30)
  .map(
    ({ row: { observation: o, withoutModel, withoutSoc, inSample } }) =>
      `| ${o.id} | ${o.row.mapped.row.soc} | ${o.row.use.runtime} | ${o.row.model} | ${words(o.quantity)} | ${o.reference} | ${inSample.toPrecision(3)} | ${withoutModel?.toPrecision(3) ?? '–'} | ${withoutSoc.toPrecision(3)} |`,
  );

describe('language models on phones', () => {
  it('predicts every row that can be mapped, and says why others cannot', () => {
    const ids = new Set(predictions.map(({ id }) => id));
    expect(ids.size + unmapped.length).toBe(rows.length);
    expect(ids.size / rows.length).toBeGreaterThan(0.95);
  });

  it('beats the naive prediction on models that no fit has seen', () => {
    for (const quantity of quantities)
      expect(medianOf(errorsOf('withoutModel', quantity))).toBeLessThan(
        medianOf(errorsOf('naive', quantity)),
      );
    expect(medianOf(errorsOf('withoutModel', 'decode'))).toBeLessThan(0.16);
    expect(medianOf(errorsOf('withoutModel', 'prefill'))).toBeLessThan(0.22);
    expect(within(errorsOf('withoutModel', 'decode'), 0.25)).toBeGreaterThan(0.7);
  });

  it('is not far above what sources differ by, on sources that no fit has seen', () => {
    for (const quantity of ['decode', 'prefill'] as const) {
      const rows = measured.filter((row) => row.quantity === quantity);
      const floor = medianOf(errorsByPartners(rows, 'other sources'));
      expect(floor).toBeGreaterThan(0.05);
      expect(medianOf(errorsOf('withoutSource', quantity))).toBeLessThan(2 * floor);
    }
  });

  it('is within a third in the median on SoCs that no fit has seen', () => {
    expect(medianOf(errorsOf('withoutSoc', 'decode'))).toBeLessThan(0.34);
  });

  it('holds about four fifths of the rows in the shipped intervals', () => {
    const inside = counted.filter(
      ({ reference, band }) => band && reference >= band.low && reference <= band.high,
    );
    expect(inside.length / counted.length).toBeGreaterThan(0.75);
  });

  it('holds four fifths of the rows that neither a fit nor its intervals have seen', () => {
    for (const out of ['model', 'source', 'soc'] as const) {
      expect(held(out)).toBeGreaterThan(0.78);
      expect(held(out)).toBeLessThan(0.97);
    }
  });

  it('writes the table', () => {
    const headline = quantities.flatMap((quantity) => [
      ...SAMPLES.map(([sample, note, kind]) =>
        accuracyLine(words(quantity), errorsOf(sample, quantity), {
          unit: '%',
          sample: kind,
          note,
        }),
      ),
      ...floorLines(quantity),
    ]);
    const table = predictions.map(
      (p) =>
        `| ${p.id} | ${p.mapped.row.soc} | ${p.mapped.row.unit} | ${p.mapped.row.runtime} | ${p.mapped.row.model} | ${p.mapped.row.weightBits} | ${p.mapped.row.quality} | ${words(p.quantity)} | ${p.predicted.toPrecision(3)} | ${p.reference} | ${percent(p.error)} | ${p.mapped.assumptions.join('; ')} |`,
    );
    recordAccuracy({
      topic: 'phones-llm',
      order: 10,
      title: `Language models on phones (${new Set(counted.map(({ mapped }) => mapped.scenario.soc)).size} SoCs)`,
      text: [
        'Published results of whole models, predicted from the SoC description, the runtime class and the model shape, with',
        'classes, units and pairs fitted to measured rows of quality A and B. Leave-one-model-out: the model was on no SoC of',
        'the fit, and the unit still has another one; rows without such another count with the SoC left out. The naive',
        'baseline takes the median bytes (decode) or parameters (prefill) per second of the other models. The noise floor predicts a row',
        'by what others measured of the same SoC, unit, class and format, scaled by the fit where model, prompt or threads differ. Two',
        'sources lie as far apart as that: what is common to them is off by some 0.7 of it (errors of two alike) for a third.',
        `Decode within 25 %: ${percent(within(errorsOf('withoutModel', 'decode'), 0.25))} of the rows with the model left out, ${percent(within(errorsOf('withoutSoc', 'decode'), 0.25))} with the SoC left out.`,
        `Inside intervals that are meant to hold four fifths, made without the rows that they are asked of: ${percent(held('source'))} with the source left out, ${percent(held('model'))} with the model, ${percent(held('soc'))} with the SoC.`,
        'Known to be wrong: Qwen3.5 0.8B under llama.cpp on the GPU of the 8 Gen 2, where hundreds of small kernels are launched by a core',
        'that its governor leaves at a low clock; llm.npu, whose published times do not grow with its chunks; applications around ExecuTorch, slower on the A19 Pro',
        'than on the A15; Pixel 6a, measured hot and known by one model only; prompts of twenty tokens, which are start-up and not',
        'prefill; builds of llama.cpp between those told apart (Hexagon of 2025, of April 2026 and later; OpenCL grows faster by the',
        'month); the same phone read twice by different releases (X Elite under Genie: a third apart; prompts on the GPU of the 8 Gen 2',
        'under llama.cpp: one build 2.3 times as fast as another).',
        `Unmapped rows: ${unmapped.map(({ id, reason }) => `${id} (${reason})`).join(', ') || 'none'}.`,
      ].join('\n'),
      lines: [...headline, ...groupLines()],
      details: `Rows missed most by fits that had not seen their model:\n\n| row | SoC | class | model | quantity | measured | in-sample | model left out | SoC left out |\n| --- | --- | --- | --- | --- | --- | --- | --- | --- |\n${outliers.join('\n')}\n\nEvery row, predicted with what is shipped:\n\n| row | SoC | unit | runtime | model | bits | quality | quantity | predicted | measured | error | assumed |\n| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n${table.join('\n')}`,
    });
    expect(table.length).toBeGreaterThan(600);
  });
});

const scenario = (soc: string, extra = '') =>
  parseSpecFile(
    `version: 1\nsoc: ${soc}\nworkload: llama-2-7b-chat\ncalibration: none\n${extra}`,
    'scenario',
  );
const runOf = (soc: string, extra = '') =>
  simulate(buildSimulation(prepare(scenario(soc, extra), [], sources), [], sources));

describe('single measurements', () => {
  it('is bandwidth-bound in plain decode of a 7B INT4 model, on both SoCs and every unit', () => {
    for (const soc of ['dimensity-9300', 'snapdragon-8-gen-3']) {
      for (const unit of ['npu', 'gpu', 'cpu']) {
        const decode = runOf(soc, `unit: ${unit}`).phases.find(({ phase }) => phase === 'decode')!;
        expect(`${soc} ${unit} ${decode.limit}`).toBe(`${soc} ${unit} bandwidth`);
        expect(decode.shares.bandwidth).toBeGreaterThan(0.8);
      }
    }
  });

  it('compares what else was measured', () => {
    const npu = runOf('snapdragon-8-gen-3', 'unit: npu');
    const perToken = npu.metrics['time_per_output_token_seconds']!;
    const machine = prepare(scenario('snapdragon-8-gen-3'), [], sources).machine;
    const prime = machine.domains.find(({ clock }) => clock.name === 'cpu-prime')!;
    const top = prime.clock.points.at(-1)!;
    const primeWatts =
      top.frequency * top.voltage ** 2 * (prime.power.stalled + prime.power.vector) +
      prime.power.leakage(top.voltage, 60);
    const lines = [
      accuracyLine(
        'Llama-2-7B token time on the 8 Gen 3 NPU (104.953 ms, release of May 2024)',
        [perToken / 0.104953 - 1],
        { unit: '%', sample: 'no fit' },
      ),
      accuracyLine('Cortex-X4 at 3.3 GHz, SPECint average (6.27 W)', [primeWatts / 6.27 - 1], {
        unit: '%',
        sample: 'in-sample',
        note: 'set the core’s power',
      }),
    ];
    recordAccuracy({
      topic: 'phones-single',
      order: 20,
      title: 'Single phone measurements',
      text: 'Rows of `measured_results.csv` that a run can be compared with. The GPU powers of 3DMark (12.6 and 12.7 W) set the GPU’s power and are no test; PowerInfer-2 with UFS offload is not modelled yet.',
      lines,
    });
    expect(Math.abs(perToken / 0.104953 - 1)).toBeLessThan(0.25);
  });
});

/** Rows that their collector computed from a row of `llm.csv` carry its id behind these letters. */
const COMPUTED_FROM = /^bw-d-(.+)$/;

/** Such rows with what the row they came from says: format, threads, release, and the bytes of the file measured. */
function withOrigin(text: string): string {
  const origins = new Map(rows.map(({ id, columns }) => [id, columns]));
  const { rows: lines } = parseCsv(text, 'bandwidth.csv');
  const carried = [
    'act_bits',
    'context_tokens',
    'params_b',
    'prompt_tokens',
    'weight_bits',
    'weight_gb',
  ];
  const columns = [...Object.keys(lines[0]!.values), ...carried];
  const cells = lines.map(({ values }) => {
    const [, id = ''] = COMPUTED_FROM.exec(values['id']!) ?? [];
    const origin = origins.get(id);
    const notes = [values['notes'], origin?.['notes']].filter(Boolean).join('; ');
    const whole = { ...values, ...pickFrom(origin, carried), notes };
    return columns.map((name) => (whole as Record<string, string>)[name] ?? '');
  });
  return formatCsv(columns, cells);
}
const pickFrom = (row: Readonly<Record<string, string>> | undefined, names: readonly string[]) =>
  Object.fromEntries(names.map((name) => [name, row?.[name] ?? '']));

describe('bandwidth of units', () => {
  it('compares single units, two units, bulk copies, and what decoding draws', () => {
    const bare = read('bandwidth.csv');
    const { rows: found, unmapped: without } = predictFile(
      withOrigin(bare),
      'bandwidth.csv',
      sources,
      () => undefined,
    );
    const alone = predictFile(bare, 'bandwidth.csv', sources, () => undefined).rows;
    const isDecode = ({ columns }: (typeof found)[number]) => columns['runtime'] !== '';
    const streams = found.filter((row) => !isDecode(row));
    const decoding = found.filter(isDecode);
    /** The same rates by a fit that has not seen the model: a rate of decoding is off as much as its bandwidth. */
    const unseen = fresh.rows.flatMap(
      ({ observation: { id, quantity, reference }, withoutModel }) =>
        quantity === 'decode' && withoutModel && found.some((row) => row.id === `bw-d-${id}`)
          ? [withoutModel / reference - 1]
          : [],
    );
    const line = ({ id, columns, predicted, reference, error }: (typeof found)[number]) => {
      const { soc, unit, runtime, workload } = columns;
      const itself = alone.find((row) => row.id === id)!;
      return `| ${id} | ${soc} | ${unit} | ${runtime} | ${workload} | ${predicted.toFixed(1)} | ${Number(reference.toFixed(1))} | ${percent(error)} | ${isDecode(itself) ? percent(itself.error) : ''} |`;
    };
    const errors = (rows: typeof found) => rows.map(({ error }) => error);
    const decode = 'bandwidth of decoding, rate × stored bytes';
    recordAccuracy({
      topic: 'phones-bandwidth',
      order: 30,
      title: 'DRAM bandwidth reached by units',
      text: [
        'Against measured rates (nearest end of a range). Ports were set from the single-unit rows, so those are in-sample; two units',
        'together and bulk copies test the sharing. Rates of decoding are decode rate times the bytes of the file: their collector computed',
        'most of them from rows of language models, and left out precision, threads, release and size of the file. Predicted here with what',
        'those rows say (all of them are rows of the fit); the last column and the last line take the row of bandwidth alone, where four bits,',
        'every core and the newest release have to be assumed: rates of one phone, model and engine then span up to 1.8 times by release',
        '(Llama 3 8B on the X Elite: 33, 48 and 61 GB/s), and T-MAC is measured on two and on four cores of twelve.',
      ].join('\n'),
      lines: [
        accuracyLine('bandwidth', errors(streams), { unit: '%', sample: 'in-sample' }),
        accuracyLine(decode, errors(decoding), { unit: '%', sample: 'in-sample' }),
        accuracyLine(`${decode} (leave-one-model-out)`, unseen, {
          unit: '%',
          sample: 'cross-validated',
        }),
        accuracyLine(`${decode}, conditions not known`, errors(alone.filter(isDecode)), {
          unit: '%',
          sample: 'in-sample',
        }),
      ],
      details: `| row | SoC | unit | engine | what | predicted GB/s | measured GB/s | error | conditions not known |\n| --- | --- | --- | --- | --- | --- | --- | --- | --- |\n${found.map(line).join('\n')}`,
    });
    expect(without).toEqual([]);
    expect(decoding.filter(({ columns }) => columns['weight_gb'] !== '').length).toBeGreaterThan(
      30,
    );
    expect(Math.max(...errors(streams).map(Math.abs))).toBeLessThan(0.25);
    expect(medianOf(errors(decoding))).toBeLessThan(0.08);
    expect(medianOf(unseen)).toBeLessThan(0.16);
    expect(medianOf(errors(alone.filter(isDecode)))).toBeLessThan(0.16);
  });
});
