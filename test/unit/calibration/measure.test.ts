import { describe, expect, it } from 'vitest';
import {
  type Candidate,
  type CollectOptions,
  collect,
  threadCounts,
} from '../../../src/calibration/collect.ts';
import { type OpenModel, openModel, timeBurst } from '../../../src/calibration/measure.ts';
import { finish, input, newSketch } from '../../../src/calibration/sketch.ts';
import { medianOf, quantileOf } from '../../../src/calibration/statistics.ts';
import { unary } from '../../../src/calibration/vector-operators.ts';

function relu(id: string, width: number): Candidate {
  return {
    id,
    family: 'relu',
    build: () => {
      const sketch = newSketch(id);
      return finish(sketch, unary(sketch, input(sketch, [1, width]), 'Relu'));
    },
  };
}
const options: CollectOptions = {
  threads: [1],
  passes: 2,
  rounds: 2,
  budget: 60,
  burst: { seconds: 0.002, minimum: 3, maximum: 20 },
};

/** A model that takes the given times, one after the other. */
function scripted(times: readonly number[]): OpenModel & { count: number } {
  const model = {
    count: 0,
    run: async () => times[model.count++ % times.length] as number,
    close: async () => {},
  };
  return model;
}

describe('timeBurst', () => {
  it('throws warm-up runs away', async () => {
    const model = scripted([9, 1e-3, 1e-3, 1e-3, 1e-3]);
    const samples = await timeBurst(model, { seconds: 2e-3, minimum: 3, maximum: 10 });
    expect(samples).toEqual([1e-3, 1e-3, 1e-3]);
  });

  it('stops at the time limit, but not before the minimum', async () => {
    const burst = { seconds: 1, minimum: 3, maximum: 100 };
    expect(await timeBurst(scripted([5]), burst)).toHaveLength(3);
    expect(await timeBurst(scripted([0.3]), burst)).toHaveLength(4);
  });

  it('stops at the maximum', async () => {
    const burst = { seconds: 1, minimum: 3, maximum: 7 };
    expect(await timeBurst(scripted([1e-6]), burst)).toHaveLength(7);
  });
});

describe('openModel', () => {
  it('takes longer for more work', async () => {
    const time = async (width: number) => {
      const { source, inputs } = relu('relu', width).build();
      const model = await openModel(source, inputs, { threads: 1 });
      const samples = await timeBurst(model, { seconds: 0.02, minimum: 5, maximum: 200 });
      await model.close();
      return Math.min(...samples);
    };
    expect(await time(4_000_000)).toBeGreaterThan(5 * (await time(8)));
  });

  it('fills every type of input that models have', async () => {
    const types = ['float32', 'int64', 'int32', 'uint8', 'int8'] as const;
    for (const type of types) {
      const { source, inputs } = relu('relu', 8).build();
      const other = inputs.map((one) => ({ ...one, type }));
      // Only float32 suits the model; the others must get as far as ONNX Runtime's own check.
      const model = await openModel(source, other, { threads: 1 });
      if (type === 'float32') expect(await model.run()).toBeGreaterThan(0);
      else await expect(model.run()).rejects.toThrow(/type/i);
      await model.close();
    }
  });

  it('says which input it cannot fill', async () => {
    const { source, inputs } = relu('relu', 8).build();
    const odd = inputs.map((one) => ({ ...one, type: 'string' }));
    await expect(openModel(source, odd, { threads: 1 })).rejects.toThrow(/string cannot be filled/);
  });
});

describe('collect', () => {
  it('times each model in several bursts and reports progress', async () => {
    const shares: number[] = [];
    const { observations, refused, waitedShare } = await collect(
      [relu('small', 8), relu('large', 1e6)],
      {
        ...options,
        progress: (share) => shares.push(share),
      },
    );
    expect(refused).toEqual([]);
    expect(observations.map(({ id, bursts }) => [id, bursts])).toEqual([
      ['small', 4],
      ['large', 4],
    ]);
    const [small, large] = observations;
    expect(large?.seconds).toBeGreaterThan(small?.seconds as number);
    expect(shares.at(-1)).toBe(1);
    expect(waitedShare).toBeGreaterThanOrEqual(0);
    expect(waitedShare).toBeLessThan(1);
  });

  it('goes on when ONNX Runtime lacks an operator, and says which model it was', async () => {
    const broken: Candidate = {
      id: 'broken',
      family: 'relu',
      build: () => ({ ...relu('x', 8).build(), source: new Uint8Array([8, 8]) }),
    };
    const { observations, refused } = await collect([broken, relu('good', 8)], options);
    expect(observations.map(({ id }) => id)).toEqual(['good']);
    expect(refused.map(({ id }) => id)).toEqual(['broken']);
    expect(refused[0]?.reason).not.toBe('');
  });

  it('leaves out passes for which there is no time', async () => {
    const { observations } = await collect([relu('small', 8)], { ...options, budget: 0 });
    expect(observations[0]?.bursts).toBe(options.rounds);
  });
});

describe('threadCounts', () => {
  it.each([
    [1, [1]],
    [2, [1, 2]],
    [6, [1, 2, 4, 6]],
    [8, [1, 2, 4, 8]],
  ])('doubles up to %i', (limit, expected) => {
    expect(threadCounts(limit)).toEqual(expected);
  });
});

describe('quantileOf', () => {
  it('interpolates between neighbours, whatever the order', () => {
    expect(quantileOf([4, 1, 3, 2], 0.25)).toBe(1.75);
    expect(medianOf([5, 1, 9])).toBe(5);
    expect(quantileOf([], 0.5)).toBeNaN();
  });
});
