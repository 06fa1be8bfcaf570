import { beforeAll, describe, expect, it } from 'vitest';
import {
  anchored,
  keyOf,
  parametersOf,
} from '../../../../src/calibration/device/fit-parameters.ts';
import {
  compileRow,
  type Observation,
  observationsOf,
  predictor,
} from '../../../../src/calibration/device/fit-rows.ts';
import { DeviceFit, type Holding } from '../../../../src/calibration/device/fit-solve.ts';
import { mapLlmRow } from '../../../../src/calibration/device/llm-mapping.ts';
import { parseLlmRows } from '../../../../src/calibration/device/llm-rows.ts';
import { mappingTables } from '../../../../src/calibration/device/predict.ts';
import { crossValidate } from '../../../../src/calibration/device/unseen.ts';
import { compileRequest, phaseTimes } from '../../../../src/engine/closed-form.ts';
import { policyFor } from '../../../../src/engine/prepare.ts';
import { fileSources } from '../../../../src/load.ts';

const sources = fileSources({ calibration: 'none' });
const tables = mappingTables(sources);
const HEADER =
  'id,soc,unit,runtime,model,params_b,weight_bits,act_bits,prompt_tokens,context_tokens,prefill_tok_s,ttft_s,decode_tok_s,quality';
const MODELS = ['Llama-3.2-1B,1.24', 'Qwen2.5-1.5B,1.54', 'Llama-3.2-3B,3.21', 'Llama-2-7B,6.74'];
/** As rows name the last of them. */
const MODEL = 'llama-2-7b';
const SOCS = ['Snapdragon 8 Gen 3', 'Dimensity 9300'];

function observe(): Observation[] {
  const lines = SOCS.flatMap((soc, s) =>
    MODELS.map((model, m) => `r${s}${m},${soc},cpu,MNN,${model},4,,256,512,100,,20,A`),
  );
  return parseLlmRows(`${HEADER}\n${lines.join('\n')}\n`, 'rows.csv').flatMap((row) => {
    const mapping = mapLlmRow(row, tables);
    if ('reason' in mapping) throw new Error(mapping.reason);
    return observationsOf(compileRow(mapping, sources));
  });
}

/** What the SoCs really do, in this world: one has a wider port than its description says, both compute slower. */
const TRUE = { bandwidth: { 'snapdragon-8-gen-3': 0.7, 'dimensity-9300': 0.9 }, compute: 0.6 };

describe('fitting rows of known origin', () => {
  let observations: Observation[] = [];
  let whole: DeviceFit;
  let fitted: ReturnType<DeviceFit['run']>;
  beforeAll(() => {
    const blank = observe();
    const truth = predictor((use) => ({
      compute: TRUE.compute,
      bandwidth: TRUE.bandwidth[use.soc as keyof typeof TRUE.bandwidth],
    }))(blank);
    observations = blank.map((one, i) => ({ ...one, reference: truth[i]!, sigma: 0.02 }));
    whole = new DeviceFit(observations, tables.runtimes);
    fitted = whole.run();
  });

  it('times a row as the closed form does', () => {
    const plain = predictor(() => ({}))(observations);
    for (const [i, { row, quantity }] of observations.entries()) {
      if (quantity !== 'decode') continue;
      const { plan, machine } = row.prepared;
      const times = phaseTimes(compileRequest(plan, machine, policyFor(row.prepared)), machine);
      const decode = times.filter(({ phase }) => phase === 'decode');
      const seconds = decode.reduce((sum, one) => sum + one.seconds, 0);
      const tokens = decode.reduce((sum, one) => sum + one.outputs, 0);
      expect(plain[i]! / (tokens / seconds)).toBeCloseTo(1, 2);
    }
  });

  it('finds what was put in, shared between layers as their priors say', () => {
    for (const [i, { reference }] of observations.entries()) {
      expect(fitted.predicted[i]! / reference).toBeGreaterThan(0.93);
      expect(fitted.predicted[i]! / reference).toBeLessThan(1.07);
    }
    const product = (soc: string, maker: string, field: string) =>
      fitted.parameters
        .filter(
          ({ parameter }) =>
            parameter.field === field &&
            (parameter.soc ?? soc) === soc &&
            (parameter.maker ?? maker) === maker,
        )
        .reduce((total, { factor }) => total * factor, 1);
    expect(product('snapdragon-8-gen-3', 'Qualcomm', 'bandwidth')).toBeCloseTo(0.7, 1);
    expect(product('dimensity-9300', 'MediaTek', 'bandwidth')).toBeCloseTo(0.9, 1);
  });

  it('holds classes as firmly as other measurements knew them', () => {
    const known = { factor: 0.5, sigma: 0.01, rows: 99, undetermined: false };
    const shared = { classes: { mnn: { cpu: { matrix: { int8: known } } } }, makers: {} };
    const parameters = parametersOf(
      observations.map(({ row }) => row.use),
      tables.runtimes,
    ).map((one) => anchored(one, shared));
    const fit = new DeviceFit(observations, tables.runtimes, parameters).run();
    const found = fit.parameters.find(
      ({ parameter }) => keyOf(parameter) === 'class/mnn/cpu/matrix/int8',
    )!;
    expect(found.factor).toBeGreaterThan(0.48);
    expect(found.factor).toBeLessThan(0.52);
  });

  it('says what the rows cannot determine', () => {
    const of = (key: string) =>
      fitted.parameters.find(({ parameter }) => keyOf(parameter) === key)!;
    // Four models bound by memory tell little of launch times.
    expect(of('unit/snapdragon-8-gen-3/cpu/launch').undetermined).toBe(true);
    const prefill = of('class/mnn/cpu/matrix/int8');
    expect(prefill.sigma).toBeLessThan(0.95 * prefill.parameter.prior);
    // Weights of four bits are multiplied as int8: prompts tell more of that than of attention in FP16.
    expect(of('class/mnn/cpu/matrix/fp16').sigma).toBeGreaterThan(1.1 * prefill.sigma);
    for (const { sigma, parameter } of fitted.parameters)
      expect(sigma).toBeLessThanOrEqual(parameter.prior * 1.0001);
  });

  it('leaves rows out as if they had never been there', () => {
    const out = observations.flatMap(({ row }, i) => (row.model === 'llama-2-7b' ? [i] : []));
    const left = out.map((i) => observations[i]!);
    const quick = whole.without(new Set(out), left);
    const rest = observations.filter(({ row }) => row.model !== 'llama-2-7b');
    const again = new DeviceFit(rest, tables.runtimes);
    again.run();
    const slow = again.without(new Set(), left);
    for (const [i, value] of quick.entries()) expect(value / slow[i]!).toBeCloseTo(1, 1);
  });

  it('holds parameters as the rows that are left would have them held', () => {
    const holding: Holding = (rows) => {
      const few = rows.length < observations.length;
      return (one) => (few && one.layer === 'pair' ? { ...one, prior: one.prior / 4 } : one);
    };
    const start = parametersOf(
      observations.map(({ row }) => row.use),
      tables.runtimes,
    );
    const out = new Set(observations.flatMap(({ row }, i) => (row.model === MODEL ? [i] : [])));
    const rest = observations.filter((_, i) => !out.has(i));
    const fitWith = (list: Observation[], held?: Holding, from = start) => {
      const device = new DeviceFit(list, tables.runtimes, from, held);
      device.run();
      return device;
    };
    const quick = fitWith(observations, holding).without(out, observations);
    const narrow = start.map(holding(rest));
    const again = fitWith(rest, undefined, narrow).without(new Set(), observations);
    const loose = whole.without(out, observations);
    const away = (found: readonly number[]) =>
      Math.max(...found.map((value, i) => Math.abs(Math.log(value / again[i]!))));
    expect(away(quick)).toBeLessThan(0.02);
    expect(away(loose)).toBeGreaterThan(2 * away(quick));
  });

  it('falls back to the class where a SoC is left out, and has a naive rival', () => {
    const rows = crossValidate(whole, observations, fitted.predicted);
    expect(rows).toHaveLength(observations.length);
    for (const { withoutModel, naive, observation } of rows) {
      expect(withoutModel! / observation.reference).toBeGreaterThan(0.8);
      expect(withoutModel! / observation.reference).toBeLessThan(1.25);
      expect(naive).toBeGreaterThan(0);
    }
  });

  it('has a naive rival for a SoC that was not measured: the rates of the other', () => {
    const rows = crossValidate(whole, observations, fitted.predicted);
    const sizes = MODELS.map((model) => Number(model.split(',')[1]));
    for (const quantity of ['prefill', 'decode']) {
      const one = rows.find(
        ({ observation }) => observation.id === 'r00' && observation.quantity === quantity,
      )!;
      // Bytes or products per second are proportional to parameters per second where all weights have four bits.
      const rates = sizes
        .map((size, m) => {
          const found = observations.find((o) => o.id === `r1${m}` && o.quantity === quantity)!;
          return size * found.reference;
        })
        .sort((a, b) => a - b);
      const median = (rates[1]! + rates[2]!) / 2;
      expect(one.naiveWithoutSoc! / (median / sizes[0]!)).toBeCloseTo(1, 9);
    }
  });

  it('leaves whole sources out, and says nothing where another never measured that unit', () => {
    const of = (source: (one: Observation) => string) =>
      observations.map((one) => ({ ...one, row: { ...one.row, source: source(one) } }));
    const cross = (list: Observation[]) => {
      const device = new DeviceFit(list, tables.runtimes);
      return crossValidate(device, list, device.run().predicted);
    };
    const bySoc = cross(of(({ row }) => row.use.soc));
    expect(bySoc.every(({ withoutSource }) => withoutSource === undefined)).toBe(true);
    // Sources that tested one model each, on every phone: what is left out is what leaving the model out leaves out.
    const byModel = cross(of(({ row }) => row.model));
    for (const { withoutSource, withoutModel, naiveWithoutSource, naive } of byModel) {
      expect(withoutSource).toBeCloseTo(withoutModel!, 6);
      expect(naiveWithoutSource).toBe(naive);
    }
    const unnamed = cross(of(() => ''));
    expect(unnamed.every(({ withoutSource }) => withoutSource === undefined)).toBe(true);
  });
});
