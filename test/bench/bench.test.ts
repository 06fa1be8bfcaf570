import { it } from 'vitest';
import { benchDram } from './dram.ts';
import { benchKernel } from './kernel.ts';
import { printLines } from './line.ts';
import { benchOnnx } from './onnx.ts';
import { benchRun } from './run.ts';
import { benchSecure } from './secure.ts';
import { benchSweep } from './sweep.ts';
import { benchThermal } from './thermal.ts';
import { benchUnits } from './units.ts';

it('kernel', () => printLines('Kernel', benchKernel()));
// Before the long ones, whose heap and code would be measured with them.
it('dram', () => printLines('DRAM', benchDram()));
it('thermal', () => printLines('Control and heat', benchThermal()));
it('run', () => printLines('Run', benchRun()));
it('secure', () => printLines('Protection', benchSecure()));
it('sweep', async () => printLines('Sweep', await benchSweep()));
it('units', () => {
  const costs = Object.entries(benchUnits());
  const lines = costs.map(([what, micros]) => ({
    what,
    value: `${micros.toFixed(2)} µs`,
    note: 'one estimate; aim below 5 µs',
  }));
  printLines('Cost of one operator', lines);
});
it('onnx', () => {
  const { nodes, importSeconds, fuseSeconds, compileSeconds } = benchOnnx();
  const value = `${(importSeconds + fuseSeconds + compileSeconds).toFixed(2)} s`;
  printLines('ONNX', [
    { what: `import, fuse and place ${nodes} nodes`, value, note: 'aim below 1 s for 1,000 nodes' },
  ]);
});
