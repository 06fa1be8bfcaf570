/** What leaves for the cloud passes the same gate, and the same audit, as every access of a run. */
import { describe, expect, it } from 'vitest';
import { evaluateOffload, type LocalAnswer } from '../../../src/analysis/offload/evaluate.ts';
import { InfeasibleError, SecurityFault } from '../../../src/base/errors.ts';
import type { Label } from '../../../src/base/labels.ts';
import { parseSpecFile } from '../../../src/base/spec-file.ts';
import { parseLinks } from '../../../src/engine/offload/links.ts';
import { answeredPast } from '../../../src/engine/offload/plans.ts';
import { offloadPolicies } from '../../../src/engine/offload/policies.ts';
import { buildSimulation, prepare } from '../../../src/engine/prepare.ts';
import { routeThrough, UploadGate } from '../../../src/engine/secure-upload.ts';
import { simulate } from '../../../src/engine/simulation.ts';
import { readBundled } from '../../../src/load.ts';
import { sources } from '../../support/sources.ts';

const { file, text } = readBundled('workloads/cloud/links.yaml');
const link = parseLinks(parseSpecFile(text, file))['5g']!;

function gateOf(security: string): UploadGate {
  const text = `version: 1\nsoc: dimensity-9300\nworkload: llama-3.2-1b-chat\nsecurity: ${security}`;
  const { protection } = prepare(parseSpecFile(text, 'test'), [], sources);
  return new UploadGate(protection?.plans[0]);
}

/** Hands a prompt over, if the gate lets it. */
function send(gate: UploadGate, label: Label, bytes: number, start = 0, end = start + 1) {
  const answer = gate.offer(label, start);
  if (answer !== 'sent') return answer;
  gate.begin(label, start);
  gate.end(label, bytes, start, end);
  return answer;
}

describe('the gate in front of the modem', () => {
  it('lets everything out where nothing is protected, and says whose secret it was', () => {
    const gate = new UploadGate(undefined);
    expect(send(gate, 'user-secret', 400)).toBe('sent');
    expect(gate.report()).toMatchObject({
      gate: 'raw',
      leakedBytes: 0,
      flows: [{ initiator: 'modem', region: 'cloud', label: 'user-secret', verdict: 'unpromised' }],
    });
  });

  it('stops the run at a promised secret that leaves raw, when its first byte does, or counts its bytes', () => {
    const stop = gateOf('{ preset: all, cloud: raw }');
    expect(stop.offer('user-secret', 2)).toBe('sent');
    expect(() => stop.begin('user-secret', 3)).toThrow(SecurityFault);
    const record = gateOf('{ preset: all, cloud: raw, onFault: record }');
    for (let i = 0; i < 3; i++) expect(send(record, 'user-secret', 400, i)).toBe('sent');
    const { leakedBytes, faults, flows } = record.report();
    expect(leakedBytes).toBe(1200);
    expect(faults).toHaveLength(1);
    expect(faults[0]).toMatchObject({
      seconds: 0,
      initiator: 'modem',
      region: 'cloud',
      label: 'user-secret',
    });
    expect(flows[0]).toMatchObject({
      verdict: 'leak',
      accesses: 3,
      firstSeconds: 0,
      lastSeconds: 3,
    });
  });

  it('refuses all of it where the strategy blocks the cloud: nothing moves', () => {
    const gate = gateOf('{ preset: all }');
    expect(send(gate, 'user-secret', 400)).toBe('refused');
    expect(send(gate, 'public', 400)).toBe('refused');
    expect(gate.report().flows.every(({ bytes }) => bytes === 0)).toBe(true);
    expect(gate.report().leakedBytes).toBe(0);
  });

  it('wants secrets redacted where the strategy says so, and lets the rest pass', () => {
    const gate = gateOf('{ preset: weights-kv }');
    expect(send(gate, 'user-secret', 400)).toBe('redact');
    expect(send(gate, 'public', 300, 1)).toBe('sent');
    expect(gate.report().flows.map(({ label, bytes }) => [label, bytes])).toEqual([
      ['public', 300],
    ]);
    expect(send(gate, 'model-secret', 8, 2)).toBe('refused');
  });

  it('books nothing for what may leave and never does', () => {
    const gate = new UploadGate(undefined);
    expect(gate.offer('user-secret', 0)).toBe('sent');
    expect(gate.report().flows).toEqual([]);
  });
});

describe('requests for the cloud', () => {
  const request: LocalAnswer = {
    promptTokens: 100,
    generatedTokens: 10,
    firstTokenSeconds: 1,
    latencySeconds: 3,
    joules: 10,
    redactSeconds: 0.3,
    redactJoules: 2,
  };
  const ask = (gate: UploadGate, policy: keyof typeof offloadPolicies = 'cloud') =>
    evaluateOffload([request], {
      policy: offloadPolicies[policy],
      link,
      endpoint: { firstTokenSeconds: 0.4, tokensPerSecond: 50, queueSeconds: 0 },
      options: { longest: 1024, leastCharge: 0.3, slowest: 0.2 },
      standingWatts: 1,
      charge: 1,
      seed: 1,
      gate,
    })[0]!;

  it('are answered on the phone where the gate refuses them', () => {
    expect(ask(gateOf('{ preset: all }'))).toMatchObject({ where: 'local', latencySeconds: 3 });
  });

  it('pay for the redaction that the gate asks for', () => {
    const answer = ask(gateOf('{ preset: weights-kv }'));
    expect(answer.where).toBe('hybrid');
    expect(answer.bytesLeft['user-secret']).toBe(0);
    const raw = ask(new UploadGate(undefined));
    expect(answer.firstTokenSeconds - raw.firstTokenSeconds).toBeCloseTo(0.3, 9);
    expect(raw.bytesLeft['user-secret']).toBe(400);
  });

  it('leave after the redaction, for as long as their bytes take to go up', () => {
    const up = (400 + 1500) / link.uplink.is;
    for (const [preset, start] of [
      ['weights-kv', request.redactSeconds],
      ['weights', 0],
    ] as const) {
      const gate = gateOf(`{ preset: ${preset} }`);
      ask(gate);
      const [flow] = gate.report().flows;
      expect(flow!.firstSeconds).toBe(start);
      expect(flow!.lastSeconds - start).toBeCloseTo(up, 12);
    }
  });

  it('leave the same bytes in the answers and in the audit', () => {
    for (const policy of ['cloud', 'hybrid'] as const) {
      const gate = new UploadGate(undefined);
      const { bytesLeft } = ask(gate, policy);
      const [flow] = gate.report().flows;
      const label = policy === 'cloud' ? 'user-secret' : 'public';
      expect(flow!.label).toBe(label);
      // A frame of headers goes with each request, and is nobody's secret.
      expect(bytesLeft[label] - (label === 'public' ? 1500 : 0)).toBe(flow!.bytes);
    }
  });
});

describe('a scenario whose requests a cloud may answer', () => {
  function run(security: string, cloud = '{ link: 5g }', arrival = '{ repeat: 1 }') {
    const text = `version: 1
soc: dimensity-9300
cloud: ${cloud}
workloads:
  - name: assistant
    workload: llama-3.2-1b-chat
    answeredBy: cloud
    set: [promptTokens=64, generatedTokens=4]
    arrival: ${arrival}
    security: ${security}
  - { name: other, workload: gemma-2b-chat, set: [promptTokens=16, generatedTokens=2] }`;
    return simulate(
      buildSimulation(prepare(parseSpecFile(text, 'test'), [], sources), [], sources),
    );
  }
  const upload = ({ audit }: ReturnType<typeof run>) =>
    audit!.flows.filter(({ region }) => region === 'cloud');

  it('is refused by a gate that blocks, and answers on the phone', () => {
    const result = run('{ preset: fine }');
    expect(result.cloud!.answers).toMatchObject({ cloud: 0, local: 1 });
    expect(upload(result)).toMatchObject([{ verdict: 'refused', bytes: 0, workload: 'assistant' }]);
    expect(result.audit!.checks).toBe(result.audit!.accesses);
  });

  it('sends redacted what the gate wants redacted', () => {
    const result = run('{ preset: weights-kv, clean: on-switch }');
    expect(result.cloud!.answers).toMatchObject({ hybrid: 1 });
    expect(result.cloud!.bytesLeft['user-secret']).toBe(0);
    expect(upload(result)).toMatchObject([{ label: 'public', verdict: 'public', bytes: 256 }]);
  });

  it('stops at a promised secret that would leave raw', () => {
    expect(() => run('{ preset: fine, cloud: raw }')).toThrow(SecurityFault);
  });

  it('labels what a cloud answers by the prompt: no weights of the phone went into it', () => {
    const made = ({ audit }: ReturnType<typeof run>) =>
      audit!.flows
        .filter(({ tensor, workload }) => tensor === 'output' && workload === 'assistant')
        .map(({ phase, label }) => [phase, label]);
    expect(made(run('{ preset: weights }'))).toEqual([
      ['cloud', 'user-secret'],
      ['answer', 'user-secret'],
    ]);
    expect(made(run('{ preset: fine }')).map(([, label]) => label)).toContain(
      'model-secret + user-secret',
    );
  });

  const UP = (64 * 4 + 1500) / link.uplink.is;

  it('sends a prompt while the link takes its bytes: after the redaction, not when it was decided', () => {
    const raw = run('{ preset: weights }');
    const [sent] = upload(raw);
    expect(sent!.firstSeconds).toBe(0);
    expect(sent!.lastSeconds).toBeCloseTo(UP, 9);
    const redacted = run('{ preset: weights-kv, clean: on-switch }');
    const redacting = redacted.audit!.flows.filter(({ phase }) => phase === 'redact');
    const end = Math.max(...redacting.map(({ lastSeconds }) => lastSeconds));
    const [after] = upload(redacted);
    expect(end).toBeGreaterThan(0.01);
    expect(after!.firstSeconds).toBeCloseTo(end, 9);
    expect(after!.lastSeconds - after!.firstSeconds).toBeCloseTo(UP, 9);
  });

  it('waits with it for a signal, and for its faults too', () => {
    const later = '{ link: none, signal: [{ from: 2 s, link: 5g }] }';
    const [sent] = upload(run('{ preset: weights }', later));
    expect(sent!.firstSeconds).toBeCloseTo(2, 9);
    expect(sent!.lastSeconds).toBeCloseTo(2 + UP, 9);
    let fault: SecurityFault | undefined;
    try {
      run('{ preset: fine, cloud: raw }', later);
    } catch (error) {
      fault = error as SecurityFault;
    }
    expect(fault).toBeInstanceOf(SecurityFault);
    expect(fault!.detail.seconds).toBeCloseTo(2, 9);
  });

  it('books each of several uploads once', () => {
    const result = run('{ preset: weights }', undefined, '{ every: 1 s, repeat: 3 }');
    expect(upload(result)).toMatchObject([{ accesses: 3, bytes: 3 * 256 }]);
    expect(upload(result)[0]!.bytes).toBe(result.cloud!.bytesLeft['user-secret']);
    expect(result.audit!.checks).toBe(result.audit!.accesses);
  });

  it('says of a strategy that does not keep user data that they left', () => {
    const result = run('{ preset: weights }');
    expect(upload(result)).toMatchObject([{ label: 'user-secret', verdict: 'unpromised' }]);
    expect(result.cloud!.bytesLeft['user-secret']).toBe(upload(result)[0]!.bytes);
  });
});

describe('what the phone keeps for requests that a cloud is to answer', () => {
  it.each(['all', 'fine', 'weights-kv', 'weights'])(
    'is what the gate of %s makes of them, as preparation foresees',
    (preset) => {
      for (const where of ['cloud', 'hybrid'] as const) {
        const gate = gateOf(`{ preset: ${preset}, onFault: record }`);
        const choice = gate.report().gate as Parameters<typeof answeredPast>[0];
        expect(answeredPast(choice, where)).toBe(routeThrough(gate, where, 0));
      }
    },
  );

  function prepared(security: string, answeredBy: string, more: readonly string[] = []) {
    const text = `version: 1
soc: dimensity-9300
cloud: { link: 5g }
workloads:
  - name: ask
    workload: llama-3.2-3b-chat
    answeredBy: ${answeredBy}
    set: [promptTokens=64, generatedTokens=4]
    arrival: { repeat: 1 }
security: ${security}`;
    return buildSimulation(prepare(parseSpecFile(text, 'test'), more, sources), more, sources);
  }
  const run = (...from: Parameters<typeof prepared>) => simulate(prepared(...from));
  const weights = ({ memory }: ReturnType<typeof run>) =>
    Object.entries(memory.owners).filter(([owner]) => owner.startsWith('weights'));

  it.each(['all', 'naive', 'pipelined'])(
    'is the model, where %s refuses the cloud: the run is that of a phone which answers itself',
    (preset) => {
      const refused = run(`{ preset: ${preset} }`, 'cloud');
      const local = run(`{ preset: ${preset} }`, 'local');
      expect(refused.cloud!.answers).toEqual({ local: 1, cloud: 0, hybrid: 0 });
      expect(refused.memory.owners).toEqual(local.memory.owners);
      expect(refused.audit!.regions).toEqual(local.audit!.regions);
      expect(refused.audit!.protection).toEqual(local.audit!.protection);
      expect(refused.metrics['run_seconds']).toBe(local.metrics['run_seconds']);
      expect(refused.metrics['energy_joules']).toBeGreaterThan(0);
    },
  );

  it('is a model that has to fit', () => {
    const small = ['phone.memory.capacity=6 GiB'];
    expect(() => run('{ preset: all }', 'cloud', small)).toThrow(InfeasibleError);
    expect(weights(run('{ preset: weights, cloud: raw }', 'cloud', small))).toEqual([
      ['weights of cloud', 0],
    ]);
  });

  it.each(['by-length', 'by-battery', 'fallback'])(
    'is the model and the redactor before the cloud, where %s may ask either past a gate that redacts',
    (policy) => {
      const strategy = 'preset: weights-kv, restore: sequential';
      const long = ['scenario.cloud.longest=32', 'scenario.cloud.leastCharge=0'];
      const result = run(`{ ${strategy} }`, policy, long);
      const kept = Object.fromEntries(weights(result));
      const sizes = Object.values(kept) as number[];
      expect(Object.keys(kept).join()).toMatch(/llama-3.2-3b.*llama-3.2-1b/);
      expect(result.memory.owners['runtime in protected memory']).toBe(2 * 64 * 2 ** 20);
      // What answers comes from storage, and nothing else does: the redactor for the cloud, or the model itself.
      const { hybrid } = result.cloud!.answers;
      expect(hybrid).toBe(policy === 'by-battery' ? 0 : 1);
      const file = result.audit!.flows.find(({ tensor }) => tensor === 'model file')!;
      expect(file.bytes / sizes[hybrid]!).toBeCloseTo(1, 6);
      const stages = result.phases.map(({ stage }) => stage);
      expect(stages).toEqual(
        hybrid ? ['restore', 'redact', 'cloud', 'answer'] : ['restore', 'prefill', 'decode'],
      );
      const redacting = result.ledger.filter(({ phase }) => phase === 'redact');
      expect(redacting.some(({ joules }) => joules > 0)).toBe(hybrid === 1);
      const read = result.audit!.flows.filter(({ phase }) => phase === 'redact');
      expect(read.some(({ tensor }) => tensor === 'prompt')).toBe(hybrid === 1);
      expect(result.audit!.checks).toBe(result.audit!.accesses);
      // A gate that refuses, or lets everything pass, needs no redactor.
      for (const cloud of ['block', 'raw'])
        expect(weights(run(`{ ${strategy}, promises: [], cloud: ${cloud} }`, policy))).toHaveLength(
          1,
        );
    },
  );

  it('is the redactor, protected and restored, where the gate has prompts redacted', () => {
    const result = run('{ preset: weights-kv, restore: sequential }', 'cloud');
    expect(result.cloud!.answers).toMatchObject({ hybrid: 1 });
    const [[owner, bytes]] = weights(result) as [[string, number]];
    expect(owner).toContain('llama-3.2-1b');
    const file = result.audit!.flows.find(({ tensor }) => tensor === 'model file')!;
    expect(file.bytes / bytes).toBeCloseTo(1, 6);
    expect(result.memory.owners).not.toHaveProperty('weights in normal memory as well');
  });
});
