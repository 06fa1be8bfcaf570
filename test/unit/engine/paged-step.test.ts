/** Operators whose weights the drive brings first: what their steps take, move and draw, all worked out by hand. */
import { describe, expect, it } from 'vitest';
import type { Machine } from '../../../src/engine/machine.ts';
import { buildStorage } from '../../../src/hardware/storage/ufs.ts';
import {
  chain,
  runToy,
  toyMachine,
  toyPhase,
  toyPlan,
  toyUnit,
  toyWork,
} from '../../support/toy-machine.ts';

const DRIVE = 1e9; // bytes a second, as is memory
const PER_BYTE = 100e-12; // joules, of the drive
const [READ, WRITE] = [10e-12, 20e-12]; // joules a byte of the toy's memory
const storage = {
  storage: buildStorage({ sequentialRead: DRIVE, randomRead: DRIVE }, 0, PER_BYTE),
  node: 1,
};
const toy: Machine = { ...toyMachine(), storage };

/** Of one step: so many seconds from the drive, of arithmetic, and of weights from memory. */
interface Step {
  readonly drive: number;
  readonly compute: number;
  readonly weights: number;
}

function decode({ drive, compute, weights }: Step, machine = toy, steps = 1) {
  const work = { ...toyWork(compute * 1e9, weights * 1e9), storageBytes: drive * DRIVE };
  return runToy([toyPlan([toyPhase('decode', chain([work]), steps)])], { machine });
}

const rowOf = (run: ReturnType<typeof runToy>) =>
  run.ledger.find(({ phase }) => phase === 'decode')!;

describe('a step that waits for its experts', () => {
  it.each([
    { drive: 0.3, compute: 0.1, weights: 0.5 },
    { drive: 0.3, compute: 0.7, weights: 0.5 },
    { drive: 2, compute: 0.1, weights: 0.05 },
    { drive: 0, compute: 0.1, weights: 0.5 },
  ])('takes the drive, then arithmetic or weights, whichever is longer: %o', (step) => {
    const run = decode(step, toy, 3);
    const { transfer, bandwidth, compute } = rowOf(run).seconds;
    const seconds = step.drive + Math.max(step.compute, step.weights);
    expect(run.metrics['run_seconds']).toBeCloseTo(3 * seconds, 6);
    expect(transfer).toBeCloseTo(3 * step.drive, 6);
    expect(bandwidth + compute).toBeCloseTo(3 * (seconds - step.drive), 6);
  });

  it('moves every byte that lands once more than the weights that are read, and pays for both', () => {
    const step = { drive: 0.3, compute: 0.1, weights: 0.5 };
    const run = decode(step, { ...toy, fabricPerByte: 5e-12 });
    expect(run.metrics['dram_bytes']).toBeCloseTo(8e8, 0);
    expect(rowOf(run).dramBytes).toBeCloseTo(8e8, 0);
    expect(run.energy['dram']).toBeCloseTo(5e8 * READ + 3e8 * WRITE, 9);
    expect(run.energy['fabric']).toBeCloseTo(8e8 * 5e-12, 9);
    expect(run.energy['storage']).toBeCloseTo(3e8 * PER_BYTE, 9);
    const rows = run.ledger.reduce((sum, { joules }) => sum + joules, 0);
    const rails = Object.values(run.energy).reduce((a, b) => a + b, 0);
    expect(rails).toBeCloseTo(rows, 9);
  });

  it('brings what no operator reads at once in the time of the drive alone', () => {
    const bytes = 4e8;
    const move = { ...toyWork(0), storageBytes: bytes, outputBytes: bytes };
    const run = runToy([toyPlan([toyPhase('adapters', chain([move]))])], { machine: toy });
    expect(run.metrics['run_seconds']).toBeCloseTo(bytes / DRIVE, 6);
    expect(run.metrics['dram_bytes']).toBeCloseTo(bytes, 0);
  });
});

describe('a unit that waits for the drive', () => {
  const step = { drive: 2, compute: 0.1, weights: 0.5 };

  /** 3 W stalled, 1 W of leakage with work and none without, 0.25 W without work, nothing for arithmetic. */
  const drawing = (): Machine => ({
    ...toy,
    domains: toy.domains.map((domain) => ({
      ...domain,
      power: {
        idle: 0.25,
        stalled: 3e-9,
        matrix: 0,
        vector: 0,
        leakage: () => 1,
        gatedShare: 0,
      },
    })),
  });

  it('sleeps: it draws idle power then, and that of stalled clocks once its bytes are there', () => {
    const run = decode(step, drawing());
    expect(run.metrics['run_seconds']).toBeCloseTo(2.5, 6);
    const of = (operator: string) =>
      run.ledger.filter((row) => row.operator === operator).reduce((sum, r) => sum + r.joules, 0);
    expect(run.energy['npu']).toBeCloseTo(3 * 0.5 + 1 * 0.5 + 0.25 * 2, 6);
    expect(of('leakage')).toBeCloseTo(1 * 0.5, 6);
    expect(of('idle')).toBeCloseTo(0.25 * 2, 6);
  });

  it('stays awake for what another unit has made, and for its own launch', () => {
    const machine = toyMachine({ units: [toyUnit('npu', 0.2)] });
    const { domains } = drawing();
    const run = decode(step, { ...machine, storage, domains });
    expect(run.metrics['run_seconds']).toBeCloseTo(2.7, 6);
    expect(run.energy['npu']).toBeCloseTo(3 * 0.7 + 1 * 0.7 + 0.25 * 2, 6);
  });
});
