/** Chains of one operator: what the cases of the calibration suite are made of. */
import type { ValueSpec } from './onnx-writer.ts';
import { finish, input, newSketch, type RunnableModel, type Sketch } from './sketch.ts';
import { shrink } from './vector-operators.ts';

export interface OperatorCase {
  readonly id: string;
  /** What cross-validation leaves out at a time. */
  readonly family: string;
  /** Part of `--quick`. */
  readonly quick: boolean;
  /** Built when needed: some models hold a hundred megabytes. */
  build(): RunnableModel;
}

export type Step = (sketch: Sketch, x: ValueSpec, index: number) => ValueSpec;

export function chain(dims: readonly number[], copies: number, step: Step) {
  return (id: string): RunnableModel => {
    const sketch = newSketch(id);
    let x = input(sketch, dims);
    for (let i = 0; i < copies; i++) x = step(sketch, x, i);
    return finish(sketch, shrink(sketch, x));
  };
}
