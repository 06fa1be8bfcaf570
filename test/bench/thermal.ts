/** Thirty minutes of control and heat with nothing else going on: one endless operator, looked at every 10 ms. */
import { parseSpecFile } from '../../src/base/spec-file.ts';
import { buildSimulation, prepare } from '../../src/engine/prepare.ts';
import type { Run } from '../../src/engine/run.ts';
import { simulate } from '../../src/engine/simulation.ts';
import { fileSources } from '../../src/load.ts';
import { chain, toyPhase, toyPlan, toyUnit, toyWork } from '../support/toy-machine.ts';
import { type BenchLine, medianSeconds } from './line.ts';

const MINUTES = 30;
/** Cycles that keep an NPU of 1.465 GHz busy for as long at full clock, and longer when it is held back. */
const CYCLES = 1.465e9 * 60 * MINUTES;

export function benchThermal(): BenchLine[] {
  const sources = fileSources();
  const spec = parseSpecFile('version: 1\nsoc: dimensity-9300\nworkload: llama-2-7b-chat', 'bench');
  const build = () => {
    const prepared = prepare(spec, [], sources);
    const { machine } = prepared;
    const npu = machine.domains.findIndex(({ clock }) => clock.name === 'npu');
    const unit = { unit: toyUnit('npu'), domains: [npu], callSeconds: 0, sramPerByte: 0 };
    const plan = toyPlan([toyPhase('endless', chain([toyWork(CYCLES)]))]);
    const endless = { ...prepared, machine: { ...machine, units: [unit] } };
    return buildSimulation(endless, [], sources, [{ plan, arrival: 0, priority: 0 }]);
  };
  let run: Run | undefined;
  const both = medianSeconds(() => {
    run = simulate(build());
  }, 5);
  const seconds = both - medianSeconds(() => void build(), 5);
  const looks = run?.eventCount as number;
  const minutes = (run?.metrics['run_seconds'] as number) / 60;
  const whole = (seconds * MINUTES) / minutes;
  return [
    {
      what: `${MINUTES} simulated minutes of control and heat`,
      value: `${(whole * 1e3).toFixed(0)} ms`,
      note: `${looks} looks, 10 to 100 ms apart, ${((seconds / looks) * 1e6).toFixed(2)} µs each; aim below 100 ms`,
    },
  ];
}
