/**
 * A hand-made Run for tests of charts, traces and reports: a 7B INT4 chat on a phone with NPU, GPU and CPU.
 *
 * Not the simulator: a dozen closed formulas with round numbers, so that these tests neither wait for the
 * engine nor change with it. Shares of a phase, and energy by rail against `energy_joules`, add up as the contract
 * asks; the ledger books its own plausible joules.
 */
import type { PhaseResult, RequestResult, Run } from '../../src/engine/run.ts';
import { assemble, phaseResult } from './sample-results.ts';
import {
  addSpan,
  CONTROL_PERIOD,
  FREQUENCIES,
  hold,
  KV_BYTES_PER_TOKEN,
  PARAMETERS,
  PEAK_BANDWIDTH,
  PEAK_MACS,
  runLayers,
  type SampleOptions,
  type State,
  WEIGHT_BYTES,
} from './sample-state.ts';

/** Builds the run; same options, same bytes. */
export function sampleRun(given: SampleOptions = {}): Run {
  const options: Required<SampleOptions> = {
    requests: 1,
    promptTokens: 512,
    generatedTokens: 12,
    detail: 'operator',
    counters: true,
    gapSeconds: 0.4,
    ...given,
  };
  const s: State = {
    time: 0,
    skin: 27,
    junction: 29,
    point: FREQUENCIES.length - 1,
    nextControl: 0,
    spans: { track: [], start: [], end: [], name: [], request: [], cause: [] },
    strings: [],
    tracks: ['npu', 'gpu', 'cpu'].map((name) => ({ name, kind: 'unit' as const })),
    samples: new Map(),
    marks: [],
    ledger: new Map(),
    energy: {},
  };
  const phases: PhaseResult[] = [];
  const requests: RequestResult[] = [];
  for (let index = 0; index < options.requests; index += 1)
    runRequest(s, options, index, phases, requests);
  hold(s, s.time, 'idle', 0);
  return assemble(s, options, phases, requests);
}

function runRequest(
  s: State,
  options: Required<SampleOptions>,
  index: number,
  phases: PhaseResult[],
  requests: RequestResult[],
): void {
  const name = `request ${index + 1}`;
  const arrival = s.time;
  hold(s, arrival + options.gapSeconds * (index === 0 ? 0.1 : 1), 'idle', 0);
  s.time = Math.max(s.time, s.nextControl - CONTROL_PERIOD);
  if (s.time > arrival) addSpan(s, name, 'queue', arrival, s.time, index, 'queue');
  const start = s.time;
  const scale = FREQUENCIES[s.point]! / FREQUENCIES.at(-1)!;
  const prefill = (PARAMETERS * options.promptTokens) / (0.29 * PEAK_MACS * scale);
  runLayers(s, options, index, 'prefill', prefill, options.promptTokens);
  hold(s, s.time, 'prefill', 0);
  addSpan(s, name, 'prefill', start, s.time, index, 'compute');
  phases.push(phaseResult(s, name, 'prefill', start, 1));
  const first = s.time;
  for (let token = 1; token < options.generatedTokens; token += 1) {
    const f = FREQUENCIES[s.point]! / FREQUENCIES.at(-1)!;
    const bytes = WEIGHT_BYTES + KV_BYTES_PER_TOKEN * (options.promptTokens + token);
    const seconds = bytes / (PEAK_BANDWIDTH * 0.68 * (0.55 + 0.45 * f)) + 0.012;
    runLayers(s, options, index, 'decode', seconds, 1);
    hold(s, s.time, 'decode', 1 / seconds);
  }
  if (options.generatedTokens > 1) {
    addSpan(s, name, 'decode', first, s.time, index, 'bandwidth');
    phases.push(phaseResult(s, name, 'decode', first, options.generatedTokens - 1));
  }
  requests.push({
    name,
    arrivalSeconds: arrival,
    startSeconds: start,
    firstTokenSeconds: first,
    endSeconds: s.time,
    promptTokens: options.promptTokens,
    generatedTokens: options.generatedTokens,
  });
}

/** The shapes every chart has to survive. */
export const SAMPLES: Readonly<Record<string, () => Run>> = {
  'two seconds, one request': () => sampleRun(),
  'ten requests': () => sampleRun({ requests: 10, promptTokens: 128, generatedTokens: 6 }),
  'thirty minutes': () =>
    sampleRun({ requests: 10, generatedTokens: 1500, detail: 'step', gapSeconds: 12 }),
  'no counters': () => sampleRun({ counters: false }),
  'one token': () => sampleRun({ generatedTokens: 1, promptTokens: 1, gapSeconds: 0 }),
  empty: () => sampleRun({ requests: 0 }),
};
