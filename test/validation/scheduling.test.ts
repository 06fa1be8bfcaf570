import { describe, expect, it } from 'vitest';
import { totalBytes } from '../../src/base/work.ts';
import { placementView } from '../../src/engine/compile.ts';
import { prepare } from '../../src/engine/prepare.ts';
import { fileSources } from '../../src/load.ts';
import { homesOf } from '../../src/runtime/policies/homes.ts';
import { partsOf } from '../../src/runtime/policies/tensor-split.ts';
import { workAt } from '../../src/workload/graph.ts';

/**
 * Bandwidth of two units that decode together, on the Snapdragon 8 Gen 3.
 * Nothing here was fitted to these rows: single units were, to rows of their own.
 */
const MEASURED = [
  { pair: ['gpu', 'npu'], gigabytes: 59.5, source: 'HeteroInfer, arXiv 2501.14794' },
  { pair: ['cpu', 'npu'], gigabytes: 59.6, source: 'PowerInfer-2, arXiv 2406.06282' },
] as const;

const sources = fileSources();
const scenario = { version: 1, soc: 'snapdragon-8-gen-3', workload: 'llama-3-8b-chat' };
const { machine, plan } = prepare(
  { file: 'x', data: scenario, faults: [], locate: () => ({}) },
  [],
  sources,
);
const decode = plan.phases.at(-1)!;
const view = placementView(decode, machine);
const bytes = decode.graph.operators.reduce(
  (sum, { work }) => sum + totalBytes(workAt(decode.graph, work, decode.contextStart)),
  0,
);

describe('two units that share products', () => {
  it.each(MEASURED)('$pair stream $gigabytes GB/s within 10 %', ({ pair, gigabytes }) => {
    const [first, second] = pair.map((name) => view.units.indexOf(name)) as [number, number];
    const rates = [
      [first, second],
      [second, first],
    ].map(([home, other]) => {
      const { unit } = homesOf(view).find((entry) => entry.home === home)!;
      return bytes / view.trial({ unit, parts: partsOf(view, unit, home!, other!) }).seconds;
    });
    const best = Math.max(...rates);
    expect(Math.abs(best / 1e9 / gigabytes - 1)).toBeLessThan(0.1);
  });
});
