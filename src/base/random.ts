/** Every source of chance draws from its own named stream of the scenario's seed. */
import seedrandom from 'seedrandom';

/** @returns a function of uniform draws in [0, 1) that depends on `seed` and `stream` only. */
export function randomStream(seed: number | string, stream: string): () => number {
  const generator = seedrandom(`${seed}/${stream}`);
  return () => generator.double();
}
