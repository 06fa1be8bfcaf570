/**
 * An operand buffer in front of a memory that is always fast enough: counts what has to be fetched.
 *
 * Model    elements are kept until half the buffer is full of them, then dropped together; asking for one again fetches again
 * Ignores  time
 * Valid    one buffer per operand
 * Source   behaviour of SCALE-Sim 2 in CALC bandwidth mode (github.com/scalesim-project/scale-sim-v2)
 * Checked  test/unit/hardware/npu/read-window.test.ts, test/validation/npu.test.ts
 */
import type { ReadBuffer } from './read-window.ts';

/** The buffer is managed in a hundred sets, half of which are active. */
const SETS = 100;

export class DemandWindow implements ReadBuffer {
  readonly readyCycle = 0;
  private readonly capacity: number;
  /** Generation in which each address was last fetched. */
  private readonly fetchedIn: Int32Array;
  private generation = 1;
  private held = 0;
  private fetched = 0;

  constructor(words: number, addresses: number) {
    this.capacity = Math.floor(words / SETS) * (SETS / 2);
    this.fetchedIn = new Int32Array(addresses);
  }

  read(address: number): boolean {
    if (this.fetchedIn[address] === this.generation) return false;
    this.fetchedIn[address] = this.generation;
    this.fetched++;
    this.held++;
    if (this.held === this.capacity) {
      this.generation++;
      this.held = 0;
    }
    return false;
  }

  get fetchedWords(): number {
    return this.fetched;
  }
}
