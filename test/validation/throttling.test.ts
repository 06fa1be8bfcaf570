/** Sustained runs of whole phones: rate at the start, rate at the end, when it drops, and how warm it gets. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseCsv } from '../../src/base/csv.ts';
import { parseSpecFile } from '../../src/base/spec-file.ts';
import { buildSimulation, prepare } from '../../src/engine/prepare.ts';
import type { Run } from '../../src/engine/run.ts';
import { simulate } from '../../src/engine/simulation.ts';
import { fileSources } from '../../src/load.ts';
import { type AccuracyLine, accuracyLine, recordAccuracy } from '../support/accuracy.ts';
import { type Point, writeOverlay } from '../support/overlay-chart.ts';
import { chain, toyPhase, toyPlan, toyUnit, toyWork } from '../support/toy-machine.ts';

const read = (name: string) =>
  parseCsv(readFileSync(new URL(`./data/thermal/${name}`, import.meta.url), 'utf8'), name).rows.map(
    ({ values }) => values,
  );
const rows = read('sustained.csv');
const points = read('throttling.csv');
const series = (id: string) => rows.filter((row) => row['series_id'] === id);

function prepared(scenario: readonly string[], overrides: readonly string[] = []) {
  const sources = fileSources();
  const file = parseSpecFile(['version: 1', ...scenario].join('\n'), 'scenario.yaml');
  return { sources, overrides, parts: prepare(file, overrides, sources) };
}

function run(scenario: readonly string[], overrides: readonly string[] = []): Run {
  const { parts, sources } = prepared(scenario, overrides);
  return simulate(buildSimulation(parts, overrides, sources));
}

/** Decode rate of every request with the time at which it starts. */
const rates = ({ phases }: Run): Point[] =>
  phases
    .filter(({ phase }) => phase === 'decode')
    .map(({ startSeconds, endSeconds, outputs }) => ({
      time: startSeconds,
      value: outputs / (endSeconds - startSeconds),
    }));

function curve({ timeline }: Run, quantity: string, subject: string): Point[] {
  const counter = timeline.counters.find(
    (one) => one.quantity === quantity && one.subject === subject,
  );
  if (counter === undefined) throw new Error(`no ${quantity} of ${subject}`);
  return Array.from(counter.time, (time, i) => ({ time, value: counter.value[i] as number }));
}

/** What held at `time`. */
const at = (points: readonly Point[], time: number) =>
  points.findLast((point) => point.time <= time)?.value as number;
const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;

const table: string[] = [];
const charts: string[] = [];
const kelvins: number[] = [];
const shares: number[] = [];
const fitted: number[] = [];

/** One line of the table; @returns its error, relative or in kelvin. */
function compare(id: string, what: string, predicted: number, measured: number, unit: string) {
  const kelvin = unit === '°C';
  const error = kelvin ? predicted - measured : predicted / measured - 1;
  const show = (value: number) => `${Number(value.toPrecision(3))} ${unit}`.trim();
  const shown = kelvin ? `${error.toFixed(1)} K` : `${(error * 100).toFixed(0)} %`;
  table.push(`| ${id} | ${what} | ${show(predicted)} | ${show(measured)} | ${shown} |`);
  return error;
}

describe('sustained runs', () => {
  it('Xiaomi 14, Llama 2 7B on CPU: device temperature over 1000 s', () => {
    const result = run([
      'soc: snapdragon-8-gen-3',
      'phone: xiaomi-14',
      'workload: llama-2-7b-chat',
      'unit: cpu',
      'runtime: llama-cpp',
      'environment: { start: 34 °C }',
      'repeat: 22',
    ]);
    // Android's device temperature is the battery's; the figure it was read from is good to about 1 K.
    const battery = curve(result, 'temperature', 'battery');
    const measured = series('xiao-mi14-temp').map((row) => ({
      time: Number(row['time_s']),
      value: Number(row['temp_c']),
    }));
    for (const { time, value } of measured.slice(1)) {
      const error = compare(
        'xiao-mi14-temp',
        `battery at ${time} s`,
        at(battery, time),
        value,
        '°C',
      );
      kelvins.push(error);
      expect(Math.abs(error)).toBeLessThan(3);
    }
    charts.push(
      writeOverlay({
        name: 'xiao-mi14-temp',
        title: 'Xiaomi 14: device temperature, Llama 2 7B on the CPU',
        subtitle: 'Starts at 34 °C as measured; nothing fitted.',
        quantity: 'Temperature of the battery',
        unit: '°C',
        from: 30,
        predicted: battery,
        measured,
      }),
    );
  });

  describe('Galaxy S24 Ultra, Qwen2.5 1.5B on GPU', () => {
    const scenario = [
      'soc: snapdragon-8-gen-3',
      'phone: galaxy-s24-ultra',
      'workload: qwen2.5-1.5b-chat',
      'unit: gpu',
      'runtime: mlc-llm',
      'environment: { ambient: 22 °C }',
    ];
    // The device held 629–680 MHz, for which no governor of ours has a reason: it is an input here.
    const given = ['gpu.clock=680MHz', 'workload.promptTokens=800', 'workload.generatedTokens=509'];
    const decode = series('s24u-mlc-v1').map((row) => Number(row['tok_s']));
    const last = decode.at(-1) as number;
    const flat = mean(decode.slice(0, -1));
    const [cool] = points.filter(
      (row) => row['device'] === 'Galaxy S24 Ultra' && row['t_s'] === '0-385',
    );
    /** Measured: each request took 77 s, and the clamp came in the sixth. */
    const DROP = 385;
    let skinAtDrop = Number.NaN;

    it('starts at the measured rate within 30 %', () => {
      const free = run([...scenario, 'repeat: 5'], given);
      const initial = compare(
        's24u-mlc-v1',
        'initial decode',
        rates(free)[0]?.value as number,
        decode[0] as number,
        'tok/s',
      );
      shares.push(initial);
      expect(Math.abs(initial)).toBeLessThan(0.3);
      const sensor = Number.parseFloat(cool?.['temperature_C'] ?? '');
      const gpu = curve(free, 'temperature', 'gpu').filter(({ time }) => time < DROP);
      const hottest = Math.max(...gpu.map(({ value }) => value));
      // Too cool: kernels that reach a twentieth of the arithmetic are taken to switch a twentieth of the pipes.
      kelvins.push(compare('s24u-mlc-v1', 'GPU, hottest before the clamp', hottest, sensor, '°C'));
      const skin = ['skin-front', 'skin-back'].map((node) =>
        at(curve(free, 'temperature', node), DROP),
      );
      skinAtDrop = Math.max(...skin);
      expect(skinAtDrop).toBeGreaterThan(25);
    });

    it('loses less than the clock does when it is clamped', () => {
      // The vendor's set point is not known: it is put where skin was at the time of the clamp.
      const clamp = [
        `phone.limits.skinTarget=${(skinAtDrop - 2).toFixed(2)}°C`,
        `phone.limits.skinSevere=${(skinAtDrop - 0.01).toFixed(2)}°C`,
        `phone.limits.skinEmergency=${skinAtDrop.toFixed(2)}°C`,
      ];
      const clamped = run(
        [...scenario, 'repeat: 7', 'thermalGovernor: skin-ladder'],
        [...given, ...clamp],
      );
      const steps = curve(clamped, 'rate', 'requests');
      const before = rates(clamped)[0]?.value as number;
      const after = rates(clamped).at(-1)?.value as number;
      const drop = curve(clamped, 'frequency', 'gpu').find(({ value }) => value < 300e6);
      const id = 's24u-mlc-v1, set point fitted';
      fitted.push(
        compare(id, 'time of the clamp', drop?.time ?? Number.NaN, DROP, 's'),
        compare(id, 'sustained decode', after, last, 'tok/s'),
        compare(id, 'sustained over flat part', after / before, last / flat, ''),
      );
      charts.push(
        writeOverlay({
          name: 's24u-mlc-v1',
          title: 'Galaxy S24 Ultra: decode rate, Qwen2.5 1.5B on the GPU',
          subtitle: 'Set point of the clamp fitted to its time; clock before it as measured.',
          quantity: 'Decode rate',
          unit: 'tokens/s',
          predicted: steps,
          measured: decode.map((value, i) => ({ time: 26 + i * 77, value })),
        }),
      );
      // 231 of 680 MHz: a third where the clock decides alone; measured 0.88, perhaps clamped part-way through.
      expect(after / before).toBeGreaterThan(231 / 680);
      expect(after / before).toBeLessThan(1);
    });
  });

  it('Dimensity 9300, every core at work: performance after two minutes', () => {
    const [row] = points.filter((one) => one['device'] === 'vivo X100 Pro');
    const given = ['cpu.threads=8'];
    const { parts, sources } = prepared(
      ['soc: dimensity-9300', 'workload: llama-2-7b-chat', 'unit: cpu'],
      given,
    );
    const { machine } = parts;
    const cpu = machine.units.find(({ unit }) => unit.kind === 'cpu');
    if (cpu === undefined) throw new Error('no CPU');
    const { domains, speed } = cpu.unit;
    const full = speed(
      cpu.domains.map((d) => machine.domains[d]?.clock.points.at(-1)?.frequency ?? 0),
    );
    const unit = { ...cpu, unit: { ...toyUnit('cpu'), domains, speed }, sramPerByte: 0 };
    const plan = toyPlan([toyPhase('busy', chain([toyWork(full / 4)]), 500)]);
    const result = simulate(
      buildSimulation({ ...parts, machine: { ...machine, units: [unit] } }, given, sources, [
        { plan, arrival: 0, priority: 0 },
      ]),
    );
    const steps = curve(result, 'rate', 'requests').map(({ time, value }) => ({
      time,
      value: value / 4,
    }));
    const peak = Math.max(...steps.map(({ value }) => value));
    const late = mean(
      steps.filter(({ time }) => time > 110 && time < 130).map(({ value }) => value),
    );
    shares.push(
      compare(
        'vivo X100 Pro',
        'CPU performance of peak, 120 s',
        late / peak,
        Number(row?.['value']) / 100,
        '',
      ),
    );
    charts.push(
      writeOverlay({
        name: 'vivo-x100-cpu',
        title: 'vivo X100: every core at work',
        subtitle:
          'Measured on the X100 Pro, whose vendor disputes the test; predicted for the X100.',
        quantity: 'Share of full speed',
        unit: '',
        predicted: steps,
        measured: [{ time: 120, value: (Number(row?.['value']) / 100) * peak }],
      }),
    );
    expect(late / peak).toBeGreaterThan(0.3);
    expect(late / peak).toBeLessThan(0.95);
  });

  it('lists what it compared and what it could not', () => {
    const compared = ['s24u-mlc-v1', 'xiao-mi14-temp'];
    const unmapped = [...new Set(rows.map((row) => row['series_id'] as string))]
      .filter((id) => !compared.includes(id))
      .map((id) => `${id} (${reasonFor(id)})`);
    const devices = [...new Set(points.map((row) => row['device'] as string))]
      .filter((device) => device !== 'Galaxy S24 Ultra' && device !== 'vivo X100 Pro')
      .map((device) => `${device} (SoC not described)`)
      .map((text) =>
        text.startsWith('unnamed') ? 'unnamed phone (neither phone nor model named)' : text,
      );
    expect(table).toHaveLength(8);
    recordAccuracy({
      topic: 'throttling',
      order: 60,
      title: 'Sustained runs of whole phones',
      text: [
        'Phones as described: body resistances and capacities are estimates within published ranges, set points the defaults of `skin-pid`.',
        'Fitted: the skin temperature at which the S24 Ultra clamps its GPU, to the time at which it did; nothing else.',
        'Known to be wrong: a GPU that runs poor kernels is too cool in the model, and its decode follows the clock too closely (the clamp of the phone may also have come part-way through its last request); a GPU that idles between kernels runs below its top clock for reasons not modelled; the CPU stress test of the X100 Pro falls further than heat explains here, its vendor disputes it.',
        `Not compared: ${[...unmapped, ...devices].join(', ')}.`,
      ].join('\n'),
      lines: lines(),
      details: `| series | quantity | predicted | measured | error |\n| --- | --- | --- | --- | --- |\n${table.join('\n')}\n\n${charts.join('\n\n')}`,
    });
  });
});

function lines(): AccuracyLine[] {
  return [
    accuracyLine('temperature of phone and GPU', kelvins, { unit: 'K', sample: 'no fit' }),
    accuracyLine('initial rate, sustained CPU speed', shares, { unit: '%', sample: 'no fit' }),
    accuracyLine('time and depth of the clamp', fitted, {
      unit: '%',
      sample: 'in-sample',
      note: 'one set point',
    }),
  ];
}

function reasonFor(id: string): string {
  const [row] = series(id);
  if (id === 's24u-mlc-v2') return 'clock of the device not known over time';
  if (id === 'mvp-8g3') return 'neither phone nor model named';
  return `${row?.['soc']} in ${row?.['device']} not described`;
}
