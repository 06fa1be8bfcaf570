/** What every workload family and every bundled workload file must satisfy. */
import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseSpecFile } from '../../src/base/spec-file.ts';
import { totalBytes, type Work } from '../../src/base/work.ts';
import { readBundled } from '../../src/load.ts';
import type { Phase, RequestPlan } from '../../src/workload/graph.ts';
import { workAt } from '../../src/workload/graph.ts';
import { workloadFamilies } from '../../src/workload/index.ts';
import { buildWorkload, parseWorkload } from '../../src/workload/workload-spec.ts';
import { tables } from '../support/workload-tables.ts';

const folder = new URL('../../workloads/', import.meta.url);
const files = readdirSync(folder).filter((name) => name.endsWith('.yaml'));

function load(file: string): RequestPlan {
  const { text } = readBundled(`workloads/${file}`);
  const spec = parseWorkload(parseSpecFile(text, file), tables);
  return buildWorkload(spec, tables, file.replace('.yaml', ''));
}

function lastContext(phase: Phase): number {
  return phase.contextStart + (phase.steps - 1) * phase.contextStride;
}

function worksOf(phase: Phase): Work[] {
  const contexts = [phase.contextStart, lastContext(phase)];
  return contexts.flatMap((context) =>
    phase.graph.works.map((_, index) => workAt(phase.graph, index, context)),
  );
}

/** Multiply–accumulates that the form itself asks for. */
function macsOfForm({ form }: Work): number {
  switch (form.kind) {
    case 'matmul':
      return form.batch * form.m * form.n * form.k;
    case 'conv':
      return (
        form.batch *
        form.outHeight *
        form.outWidth *
        form.outChannels *
        (form.inChannels / form.groups) *
        form.kernelHeight *
        form.kernelWidth
      );
    case 'attention': {
      const all = form.queries * form.context;
      const hidden = form.causal ? (form.queries * (form.queries - 1)) / 2 : 0;
      return form.batch * form.heads * (all - hidden) * (form.headDim + form.valueDim);
    }
    default:
      return 0;
  }
}

describe.each(Object.entries(workloadFamilies))('family %s', (name, family) => {
  it('says what it is in one line', () => {
    expect(family.summary).toMatch(/^\S.{10,}[^.]$/);
  });

  // A workload of family onnx names a model file of the user's.
  it.skipIf(name === 'onnx')('has at least one bundled file', () => {
    const used = files.filter((file) =>
      readBundled(`workloads/${file}`).text.includes(`\nfamily: ${name}\n`),
    );
    expect(used.length).toBeGreaterThan(0);
  });

  it('survives checking anything at all', () => {
    for (const data of [undefined, null, 3, 'text', [], {}, { model: 7, promptTokens: 'x' }])
      expect(Array.isArray(family.check(data, tables))).toBe(true);
  });
});

describe.each(files)('workload file %s', (file) => {
  const plan = load(file);

  it('explains itself in a comment', () => {
    expect(readBundled(`workloads/${file}`).text).toMatch(/^# \S.{40,}/);
  });

  it('names operators once and reads earlier ones only', () => {
    for (const { graph } of plan.phases) {
      expect(new Set(graph.operators.map(({ name }) => name)).size).toBe(graph.operators.length);
      graph.operators.forEach(({ inputs, work }, index) => {
        expect(inputs.every((input) => input >= 0 && input < index)).toBe(true);
        expect(graph.works[work]).toBeDefined();
      });
    }
  });

  it('has finite works that are not negative, and leaves none unused', () => {
    for (const phase of plan.phases) {
      for (const work of worksOf(phase)) {
        const numbers = [work.macs, work.vectorOps, totalBytes(work)];
        const forms = Object.values(work.form).filter((value) => typeof value === 'number');
        expect([...numbers, ...forms].every((value) => Number.isFinite(value) && value >= 0)).toBe(
          true,
        );
        expect(totalBytes(work)).toBeGreaterThan(0);
      }
      const used = new Set(phase.graph.operators.map(({ work }) => work));
      expect(used.size).toBe(phase.graph.works.length);
    }
  });

  it('counts the multiply–accumulates that its forms show', () => {
    for (const phase of plan.phases)
      for (const work of worksOf(phase)) {
        const shown = macsOfForm(work);
        // Uneven experts and windows round rows up to whole ones, so a form may show slightly more.
        expect(work.macs).toBeLessThanOrEqual(shown + 1);
        expect(work.macs).toBeGreaterThanOrEqual(shown * 0.9);
      }
  });

  it('shares works between equal operators', () => {
    for (const { graph } of plan.phases)
      if (graph.operators.length > 200)
        expect(graph.works.length).toBeLessThan(graph.operators.length / 2);
  });

  it('holds more in memory than any step reads of its weights', () => {
    for (const phase of plan.phases) {
      // Looked-up rows may be rows of a table that another operator reads as a whole.
      // A draft reads the same weights again for each token that it looks ahead, the model's own head among them.
      const read = phase.graph.operators
        .filter(({ name }) => !name.startsWith('draft.'))
        .map(({ work }) => workAt(phase.graph, work, phase.contextStart))
        .filter(({ operator }) => operator !== 'Gather');
      const weights = read.reduce((sum, { weightBytes }) => sum + weightBytes, 0);
      const paged = read.reduce((sum, { storageBytes = 0 }) => sum + storageBytes, 0);
      expect(weights).toBeLessThanOrEqual((plan.memory.weights + paged) * (1 + 1e-9));
    }
    expect(plan.memory.activations).toBeGreaterThan(0);
  });

  it('hands out what it promises', () => {
    const outputs = plan.phases.reduce((sum, phase) => sum + phase.steps * phase.outputsPerStep, 0);
    if (plan.generatedTokens > 0) expect(outputs).toBe(plan.generatedTokens);
    else expect(outputs).toBeGreaterThan(0);
    for (const phase of plan.phases) expect(phase.steps).toBeGreaterThan(0);
  });

  it('builds the same thing twice', () => {
    const plain = (value: RequestPlan) =>
      JSON.stringify(value, (_, v) => (v === undefined ? 0 : v));
    expect(plain(load(file))).toBe(plain(plan));
  });
});
