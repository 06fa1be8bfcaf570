/** Cost of one operator on one unit: microseconds per `estimate`, by kind of unit and form of work. */
import { buildUnit, type UnitKindName } from '../../src/hardware/units/index.ts';
import type { UnitSpec } from '../../src/hardware/units/unit-spec.ts';
import {
  adreno,
  attention,
  common,
  conv,
  hexagon,
  kryo,
  matmul,
  vector,
} from '../support/phone-units.ts';

const specs = { npu: hexagon, gpu: adreno, cpu: kryo } satisfies Record<UnitKindName, UnitSpec>;
const works = {
  matmul: matmul(128, 4096, 4096, { weight: 'int4', activation: 'fp16' }),
  conv: conv({ groups: 4 }, 'fp16'),
  attention: attention({ kvHeads: 8, queries: 128, context: 1024 }),
  vector: vector(4096 * 128),
};

/** Calls per sample and samples; the median sample counts. */
const CALLS = 20_000;
const SAMPLES = 7;

/** @returns microseconds per call, keyed `npu matmul` and so on. */
export function benchUnits(): Readonly<Record<string, number>> {
  const kinds = Object.keys(specs) as UnitKindName[];
  return Object.fromEntries(
    kinds.flatMap((kind) => {
      const unit = buildUnit(specs[kind], common(kind, kind));
      return Object.entries(works).map(([form, work]) => {
        const samples = Array.from({ length: SAMPLES }, () => {
          // Time on the processor, so that other work on the machine does not count.
          const start = process.cpuUsage();
          let sum = 0;
          for (let i = 0; i < CALLS; i++) sum += unit.estimate(work).cycles;
          if (!(sum > 0)) throw new Error('no cycles');
          const { user, system } = process.cpuUsage(start);
          return (user + system) / CALLS;
        });
        samples.sort((a, b) => a - b);
        return [`${kind} ${form}`, samples[Math.floor(SAMPLES / 2)] as number];
      });
    }),
  );
}
