/** What an engine's kernels of attention do that the unit's common rates do not say. */
import { describe, expect, it } from 'vitest';
import { parseSoc } from '../../../../src/hardware/soc-spec.ts';
import { buildUnit } from '../../../../src/hardware/units/index.ts';
import type { KernelClass } from '../../../../src/hardware/units/unit-options.ts';
import { workAt } from '../../../../src/workload/graph.ts';
import { buildWorkload, parseWorkload } from '../../../../src/workload/workload-spec.ts';
import { sources } from '../../../support/sources.ts';

const soc = parseSoc(sources.soc('snapdragon-8-gen-3'));
const plan = buildWorkload(
  parseWorkload(sources.workload('llama-3.2-1b-chat'), sources.tables),
  sources.tables,
  'chat',
);
const { graph } = plan.phases.find(({ name }) => name.startsWith('decode'))!;
const works = graph.works.map((_, i) => workAt(graph, i, 1024));
const attention = works.find(({ form }) => form.kind === 'attention')!;
const port = { bandwidth: 60e9, outstandingBytes: 5000 };

describe.each(['cpu', 'gpu', 'npu'] as const)('attention on the %s', (name) => {
  const spec = soc.units[name]!;
  const domains = 'domain' in spec ? [spec.domain] : [];
  const estimate = (kernels: KernelClass, work = attention) =>
    buildUnit(spec, { name, domains, port }, { kernels }).estimate(work);
  const plain = estimate({});

  it('takes as many cycles less as its kernels are better', () => {
    expect(estimate({ attentionScale: 2 }).cycles).toBeCloseTo(plain.cycles / 2, 9);
    expect(estimate({ attentionScale: 2 }).readBytes).toBe(plain.readBytes);
  });

  it('moves the cache again for every pass beyond the first, half of it as writes', () => {
    const packed = estimate({ cachePasses: 3 });
    expect(packed.readBytes - plain.readBytes).toBeCloseTo(attention.kvReadBytes, 6);
    expect(packed.writeBytes - plain.writeBytes).toBeCloseTo(attention.kvReadBytes, 6);
    expect(packed.cycles).toBe(plain.cycles);
  });

  it('alone changes', () => {
    for (const work of works.filter(({ form }) => form.kind !== 'attention'))
      expect(estimate({ attentionScale: 3, cachePasses: 3 }, work)).toEqual(estimate({}, work));
  });
});
