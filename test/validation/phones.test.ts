import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseCsv } from '../../src/base/csv.ts';
import { parseSpecFile } from '../../src/base/spec-file.ts';
import { parseLlmRows } from '../../src/calibration/device/llm-rows.ts';
import { type Prediction, predictLlmRows } from '../../src/calibration/device/predict.ts';
import { availableBandwidth, portLimits } from '../../src/engine/bandwidth.ts';
import { buildSimulation, prepare } from '../../src/engine/prepare.ts';
import { simulate } from '../../src/engine/simulation.ts';
import { fileSources } from '../../src/load.ts';
import { type AccuracyLine, accuracyLine, recordAccuracy } from '../support/accuracy.ts';

const read = (name: string) =>
  readFileSync(new URL(`data/phones/${name}`, import.meta.url), 'utf8');
const sources = fileSources();

const rows = parseLlmRows(read('llm.csv'), 'llm.csv');
const { rows: predictions, unmapped } = predictLlmRows(rows, sources);
/** Claims without a protocol and user reports are shown, never counted. */
const counted = predictions.filter(
  ({ mapped }) => mapped.row.kind === 'measured' && 'AB'.includes(mapped.row.quality),
);
const quantities = ['decode', 'prefill', 'time_to_first_token'] as const;
const errorsOf = (list: readonly Prediction[], quantity: string) =>
  list.filter((p) => p.quantity === quantity).map((p) => p.error);
const percent = (value: number) => `${(value * 100).toFixed(0)} %`;

/** The same rows predicted without physics: the median bytes per second of the SoC and unit, over nominal weight bytes. */
function naiveDecodeErrors(): number[] {
  const bytes = (p: Prediction) => {
    const bits = Number(p.mapped.row.weightBits.replace(/\D/g, '')) || 4;
    return ((p.mapped.row.billions ?? 1) * 1e9 * bits) / 8;
  };
  const decode = counted.filter((p) => p.quantity === 'decode');
  return decode
    .map((p) => {
      const peers = decode
        .filter(
          (q) =>
            q.mapped.row.soc === p.mapped.row.soc &&
            q.mapped.row.unit === p.mapped.row.unit &&
            q !== p,
        )
        .map((q) => q.reference * bytes(q))
        .sort((a, b) => a - b);
      const rate = peers[Math.floor(peers.length / 2)] ?? Number.NaN;
      return rate / bytes(p) / p.reference - 1;
    })
    .filter(Number.isFinite);
}

function groupLines(): AccuracyLine[] {
  const groups = new Map<string, Prediction[]>();
  for (const p of counted) {
    const { row, scenario } = p.mapped;
    const key = `${p.quantity}, ${row.unit}, ${scenario['runtime']}`;
    groups.set(key, [...(groups.get(key) ?? []), p]);
  }
  return [...groups]
    .sort(([a], [b]) => a.localeCompare(b))
    .map(([quantity, list]) =>
      accuracyLine(
        quantity,
        list.map((p) => p.error),
        { unit: '%', sample: sampleOf(list), detail: true },
      ),
    );
}

/** The vendor class has no fitted share; every other runtime class was fitted on these very rows. */
const sampleOf = (list: readonly Prediction[]) =>
  list.every((p) => ['vendor'].includes(p.mapped.scenario['runtime'] ?? ''))
    ? 'no fit'
    : 'in-sample';

describe('language models on phones', () => {
  it('predicts every row that can be mapped, and says why others cannot', () => {
    const ids = new Set(predictions.map(({ id }) => id));
    const handled = ids.size + unmapped.length;
    expect(handled).toBe(rows.length);
    expect(ids.size / rows.length).toBeGreaterThan(0.9);
  });

  it('keeps decode within 30 % in the median, better than the naive baseline', () => {
    const errors = errorsOf(counted, 'decode')
      .map(Math.abs)
      .sort((a, b) => a - b);
    const naive = naiveDecodeErrors()
      .map(Math.abs)
      .sort((a, b) => a - b);
    const median = errors[Math.floor(errors.length / 2)] as number;
    expect(median).toBeLessThan(0.3);
    expect(median).toBeLessThan(naive[Math.floor(naive.length / 2)] as number);
  });

  it('writes the table', () => {
    const headline = quantities.map((quantity) =>
      accuracyLine(quantity.replaceAll('_', ' '), errorsOf(counted, quantity), {
        unit: '%',
        sample: 'in-sample',
        note: 'all runtimes',
      }),
    );
    const table = predictions.map(
      (p) =>
        `| ${p.id} | ${p.mapped.row.soc} | ${p.mapped.row.unit} | ${p.mapped.row.runtime} | ${p.mapped.row.model} | ${p.mapped.row.weightBits} | ${p.mapped.row.quality} | ${p.quantity.replaceAll('_', ' ')} | ${p.predicted.toPrecision(3)} | ${p.reference} | ${percent(p.error)} | ${p.mapped.assumptions.join('; ')} |`,
    );
    recordAccuracy({
      topic: 'phones-llm',
      order: 10,
      title: 'Language models on phones (Snapdragon 8 Gen 3, Dimensity 9300)',
      text: [
        'Published results of whole models, predicted from the SoC description, the runtime class and the model shape.',
        'Only measured rows of quality A and B count; claims and user reports are listed. Runtime classes other than',
        '`vendor` have one or two shares fitted on these very rows, so they are in-sample; leave-one-out figures come with',
        '`calibrate device`. Known to be wrong: models below 1 B parameters inside an application (the application costs',
        'more than the kernels), GPU kernels of one engine at several dates, prefill on the NPU before compilers matured.',
        `Unmapped rows: ${unmapped.map(({ id, reason }) => `${id} (${reason})`).join(', ') || 'none'}.`,
      ].join('\n'),
      lines: [
        ...headline,
        accuracyLine('decode', naiveDecodeErrors(), {
          unit: '%',
          sample: 'cross-validated',
          note: 'naive baseline: median bytes per second of SoC and unit',
        }),
        ...groupLines(),
      ],
      details: `| row | SoC | unit | runtime | model | bits | quality | quantity | predicted | measured | error | assumed |\n| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n${table.join('\n')}`,
    });
    expect(table.length).toBeGreaterThan(100);
  });
});

const scenario = (soc: string, extra = '') =>
  parseSpecFile(`version: 1\nsoc: ${soc}\nworkload: llama-2-7b-chat\n${extra}`, 'scenario');
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

describe('bandwidth of units', () => {
  it('compares single units, two units, and bulk copies', () => {
    const { rows: measured } = parseCsv(read('bandwidth.csv'), 'bandwidth.csv');
    const lines: string[] = [];
    const errors: number[] = [];
    for (const { values } of measured) {
      const soc = values['soc']!.toLowerCase().replaceAll(' ', '-');
      const { machine } = prepare(scenario(soc), [], sources);
      const predicted = ratesOf(values['unit']!, machine) / 1e9;
      const low = Number(values['achieved_min_gb_s'] || values['achieved_gb_s']);
      const high = Number(values['achieved_max_gb_s'] || values['achieved_gb_s']);
      const nearest = Math.min(Math.max(predicted, low), high);
      errors.push(predicted / nearest - 1);
      lines.push(
        `| ${values['id']} | ${values['soc']} | ${values['unit']} | ${predicted.toFixed(1)} | ${low === high ? low : `${low}–${high}`} | ${percent(predicted / nearest - 1)} |`,
      );
    }
    recordAccuracy({
      topic: 'phones-bandwidth',
      order: 30,
      title: 'DRAM bandwidth reached by units',
      text: 'Against measured rates (nearest end of a range). Ports were set from the single-unit rows, so those are in-sample; two units together and bulk copies test the sharing.',
      lines: [accuracyLine('bandwidth', errors, { unit: '%', sample: 'in-sample' })],
      details: `| row | SoC | unit | predicted GB/s | measured GB/s | error |\n| --- | --- | --- | --- | --- | --- |\n${lines.join('\n')}`,
    });
    expect(Math.max(...errors.map(Math.abs))).toBeLessThan(0.25);
  });
});

/** Read streams of the named units side by side; `any` is whatever memory gives at most, `single` the NPU. */
function ratesOf(unit: string, machine: ReturnType<typeof prepare>['machine']): number {
  const names = unit === 'single' ? ['npu'] : unit.split('+');
  if (unit === 'any') return availableBandwidth(machine, 1, 2);
  const available = availableBandwidth(machine, 1, names.length);
  const ports = names.map((name) => machine.units.find((m) => m.unit.name === name)!.unit.port);
  return Math.min(
    available,
    portLimits(machine, ports, available).reduce((a, b) => a + b, 0),
  );
}
