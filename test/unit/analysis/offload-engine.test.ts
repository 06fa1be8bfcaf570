import { describe, expect, it } from 'vitest';
import { evaluateOffload, type LocalAnswer } from '../../../src/analysis/offload/evaluate.ts';
import { parseSpecFile } from '../../../src/base/spec-file.ts';
import { parseLinks } from '../../../src/engine/offload/links.ts';
import { type OffloadPolicy, offloadPolicies } from '../../../src/engine/offload/policies.ts';
import { buildSimulation, prepare } from '../../../src/engine/prepare.ts';
import type { Run } from '../../../src/engine/run.ts';
import { simulate } from '../../../src/engine/simulation.ts';
import { readBundled } from '../../../src/load.ts';
import { sources } from '../../support/sources.ts';

const { file, text } = readBundled('workloads/cloud/links.yaml');
const links = parseLinks(parseSpecFile(text, file));
const policies: Readonly<Record<string, OffloadPolicy>> = offloadPolicies;

/** Twenty requests, each alone, after the tail of the one before. */
const REQUESTS = 20;
const scenario = (link: string, answeredBy: string, queue = '0 s') =>
  parseSpecFile(
    `version: 1
soc: snapdragon-8-gen-3
duration: 60 min
cloud: { link: ${link}, queue: ${queue} }
workloads:
  - name: ask
    workload: llama-3.2-1b-chat
    set: ["promptTokens=800", "generatedTokens=100"]
    arrival: { every: 60 s, repeat: ${REQUESTS} }
    answeredBy: ${answeredBy}
`,
    'test.yaml',
  );
const run = (link: string, answeredBy: string, queue?: string): Run =>
  simulate(buildSimulation(prepare(scenario(link, answeredBy, queue), [], sources), [], sources));

const local: LocalAnswer = {
  promptTokens: 800,
  generatedTokens: 100,
  firstTokenSeconds: 0,
  latencySeconds: 0,
  joules: 0,
  redactSeconds: 0,
  redactJoules: 0,
};

/** The closed form with the same link and endpoint; mean over many draws. */
function closedForm(link: string, policy: string, redactSeconds: number, queueSeconds = 0) {
  const answers = evaluateOffload(
    Array.from({ length: 4000 }, () => ({ ...local, redactSeconds })),
    {
      policy: policies[policy]!,
      link: links[link],
      endpoint: { firstTokenSeconds: 0.4, tokensPerSecond: 60, queueSeconds },
      options: { longest: 1024, leastCharge: 0.3, slowest: 0.2 },
      standingWatts: 0,
      charge: 1,
      seed: 5,
    },
  );
  const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;
  return {
    first: mean(answers.map(({ firstTokenSeconds }) => firstTokenSeconds)),
    latency: mean(answers.map(({ latencySeconds }) => latencySeconds)),
    joules: mean(answers.map(({ joules }) => joules)),
    bytes: answers[0]!.bytesLeft,
  };
}

describe.each([
  ['5g', 'cloud'],
  ['wifi', 'cloud'],
  ['5g', 'hybrid'],
])('a request over %s under %s, by events and in closed form', (link, policy) => {
  const result = run(link, policy);
  const [ask] = result.workloads!;
  const redact = result.phases.find(({ phase }) => phase === 'redact');
  const expected = closedForm(link, policy, (redact?.activeSeconds ?? 0) / REQUESTS);

  it('takes the same time, within 3 %', () => {
    expect(ask!.firstOutputSeconds.mean / expected.first).toBeGreaterThan(0.97);
    expect(ask!.firstOutputSeconds.mean / expected.first).toBeLessThan(1.03);
    expect(ask!.latencySeconds.mean / expected.latency).toBeGreaterThan(0.97);
    expect(ask!.latencySeconds.mean / expected.latency).toBeLessThan(1.03);
  });

  it('draws the same from the radio, within 3 %', () => {
    // The run ends with the last answer, before its tail.
    const { tailPower, tail } = links[link]!;
    const joules = (result.energy['radio']! + tailPower.is * tail.is) / REQUESTS;
    expect(joules / expected.joules).toBeGreaterThan(0.97);
    expect(joules / expected.joules).toBeLessThan(1.03);
  });

  it('lets the same bytes leave', () => {
    for (const [label, bytes] of Object.entries(expected.bytes))
      expect(result.cloud!.bytesLeft[label as 'public']).toBe(REQUESTS * bytes);
  });
});

describe('a scenario with a cloud', () => {
  it('is the same twice, and another with another seed', () => {
    const again = run('weak', 'cloud');
    expect(run('weak', 'cloud').requests).toEqual(again.requests);
    const simulated = prepare(scenario('weak', 'cloud'), ['scenario.seed=2'], sources);
    const other = simulate(buildSimulation(simulated, [], sources));
    expect(other.requests).not.toEqual(again.requests);
  });

  it('needs no memory for a model that never runs here', () => {
    const owners = Object.keys(run('5g', 'cloud').memory.owners);
    expect(owners.filter((name) => name.includes('llama'))).toEqual([]);
  });

  it.each([
    [
      'answeredBy: cloud',
      'cloud needs a link to the cloud',
      (t: string) => t.replace(/cloud: .*\n/, ''),
    ],
    ['an unknown link', 'no link "6g"', (t: string) => t.replace('link: 5g', 'link: 6g')],
    ['no signal ever', 'never a signal', (t: string) => t.replace('link: 5g', 'link: none')],
    [
      'a picture',
      'no prompt and answer',
      (t: string) =>
        t.replace('llama-3.2-1b-chat', 'stable-diffusion-1.5').replace(/ {4}set.*\n/, ''),
    ],
  ])('refuses %s', (_, message, change) => {
    const plain = `version: 1
soc: snapdragon-8-gen-3
cloud: { link: 5g }
workloads:
  - name: ask
    workload: llama-3.2-1b-chat
    set: ["promptTokens=800"]
    answeredBy: cloud
`;
    const spec = () => {
      const prepared = prepare(parseSpecFile(change(plain), 'test.yaml'), [], sources);
      return buildSimulation(prepared, [], sources);
    };
    expect(spec).toThrow(message);
  });
});
