/** No calibration says that a unit computes faster than its description: of no SoC, no class of runtimes, no format. */
import { describe, expect, it } from 'vitest';
import { parseSoc } from '../../src/hardware/soc-spec.ts';
import { buildUnit } from '../../src/hardware/units/index.ts';
import { fileSources, listBundled } from '../../src/load.ts';
import { tuneKernels } from '../../src/runtime/kernel-tuning.ts';
import { kernelsOf, parseRuntime, runsOn } from '../../src/runtime/runtime-spec.ts';
import { matmulWork } from '../../src/workload/operator-cost.ts';

const sources = fileSources();
const { formats } = sources.tables;
const runtimes = listBundled('socs/runtimes', '.yaml')
  .map((name) => parseRuntime(sources.runtime(name)))
  .filter(({ models }) => Object.keys(models.formats).length > 0);
const port = { bandwidth: 60e9, outstandingBytes: 5000 };
/** Products of a prompt: rows, columns, reduction. */
const SHAPES = [
  [128, 4096, 4096],
  [1024, 8192, 2048],
] as const;

/** What remains of the arithmetic peak, the largest share over shapes and formats, of each class on each unit. */
function sharesOf(name: string) {
  const soc = parseSoc(sources.soc(name));
  const calibration = sources.calibration?.('auto', name);
  const found: { readonly where: string; readonly share: number }[] = [];
  for (const runtime of runtimes) {
    for (const [unit, spec] of Object.entries(soc.units)) {
      if (!(spec && runsOn(runtime, spec.kind, soc.vendor))) continue;
      const tuning = calibration?.tuning(runtime.name, unit, soc.vendor) ?? {};
      const built = buildUnit(
        spec,
        { name: unit, domains: 'domain' in spec ? [spec.domain] : [], port },
        { kernels: tuneKernels(kernelsOf(runtime, spec.kind), tuning) },
      );
      const activation = runtime.models.activations[spec.kind] ?? 'fp16';
      const works = SHAPES.flatMap(([m, n, k]) =>
        [...new Set(Object.values(runtime.models.formats))].map((format) =>
          matmulWork({ m, n, k }, formats[format]!, activation),
        ),
      ).filter((work) => built.supports(work).ok);
      for (const work of works)
        found.push({
          where: `${runtime.name} on the ${unit}, ${work.storage ?? work.weightDType}`,
          share: built.estimate(work).utilisation,
        });
    }
  }
  return found;
}

describe.each(listBundled('socs', '.yaml'))('%s', (name) => {
  it('computes prompts below the peak of its unit under every class', () => {
    const shares = sharesOf(name);
    expect(shares.length).toBeGreaterThan(20);
    expect(shares.filter(({ share }) => !(share > 0 && share <= 1))).toEqual([]);
  });
});
