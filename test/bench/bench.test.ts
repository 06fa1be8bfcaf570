import { it } from 'vitest';
import { benchDram } from './dram.ts';
import { benchKernel } from './kernel.ts';
import { printLines } from './line.ts';
import { benchRun } from './run.ts';
import { benchSweep } from './sweep.ts';
import { benchThermal } from './thermal.ts';

it('kernel', () => printLines('Kernel', benchKernel()));
it('run', () => printLines('Run', benchRun()));
it('sweep', async () => printLines('Sweep', await benchSweep()));
it('dram', () => printLines('DRAM', benchDram()));
it('thermal', () => printLines('Control and heat', benchThermal()));
