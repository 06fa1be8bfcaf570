import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { predictedCurves } from '../../../src/analysis/overlay.ts';
import { OutputRate } from '../../../src/engine/output-rate.ts';
import { Recorder } from '../../../src/engine/recorder.ts';
import type { Counter } from '../../../src/engine/timeline.ts';
import {
  chain,
  runToy,
  toyMachine,
  toyPhase,
  toyPlan,
  toyUnit,
  toyWork,
} from '../../support/toy-machine.ts';

/** Outputs under a counter up to `end`. */
const countOf = ({ time, value }: Counter, end: number) =>
  value.reduce((sum, rate, i) => sum + rate * ((time[i + 1] ?? end) - time[i]!), 0);

describe('the rate of outputs', () => {
  it('is that of each step, and zero before, between and after', () => {
    const recorder = new Recorder();
    const rate = new OutputRate(recorder, 'output rate', 'requests');
    rate.begin(1);
    rate.came(1, 1.5);
    rate.came(1, 1.75);
    rate.begin(3);
    rate.came(2, 4);
    const [{ time, value }] = recorder.finish([], 6).counters as [Counter];
    expect([...time]).toEqual([0, 1, 1.5, 1.75, 3, 4]);
    expect([...value]).toEqual([0, 2, 4, 0, 2, 0]);
  });

  it('holds every output, however many come and whatever overlaps', () => {
    const steps = fc.array(
      fc.record({
        gap: fc.integer({ min: 0, max: 1_000_000 }).map((micros) => micros * 1e-6),
        outputs: fc.integer({ min: 0, max: 4 }),
        begins: fc.boolean(),
      }),
      { minLength: 1, maxLength: 300 },
    );
    fc.assert(
      fc.property(steps, fc.integer({ min: 1, max: 40 }), (list, repeats) => {
        const recorder = new Recorder();
        const rate = new OutputRate(recorder, 'x', 'x');
        let now = 0;
        let all = 0;
        for (let i = 0; i < repeats; i++)
          for (const { gap, outputs, begins } of list) {
            now += gap;
            if (begins) rate.begin(now);
            rate.came(outputs, now);
            all += outputs;
          }
        const [counter] = recorder.finish([], now + 1).counters as [Counter];
        expect(counter.time.length).toBeLessThanOrEqual(4096);
        expect(countOf(counter, now + 1)).toBeCloseTo(all, 6);
      }),
    );
  });

  it('of a run is zero while the next prompt is read', () => {
    const plan = toyPlan([
      { ...toyPhase('prefill', chain([toyWork(1e9)])), outputsPerStep: 0 },
      toyPhase('decode', chain([toyWork(1e8)]), 10),
    ]);
    const run = runToy([plan, plan], { machine: toyMachine({ units: [toyUnit('npu')] }) });
    const counter = run.timeline.counters.find(({ quantity }) => quantity === 'rate')!;
    const second = run.phases.filter(({ phase }) => phase === 'prefill')[1]!;
    const inside = [...counter.time].findLastIndex((t) => t <= second.startSeconds + 1e-9);
    expect(counter.value[inside]).toBe(0);
    expect(countOf(counter, run.metrics['run_seconds']!)).toBeCloseTo(20, 6);
  });

  it('is no curve to lay a log over where nothing is answered', () => {
    const plan = toyPlan([{ ...toyPhase('prefill', chain([toyWork(1e9)])), outputsPerStep: 0 }]);
    const run = runToy([plan], { machine: toyMachine({ units: [toyUnit('npu')] }) });
    expect(predictedCurves(run).filter(({ quantity }) => quantity === 'rate')).toEqual([]);
  });
});
