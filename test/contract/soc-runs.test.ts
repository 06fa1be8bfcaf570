/** Every SoC decodes a language model in its phone as chips of its kind do; a silly figure in a description shows here. */
import { describe, expect, it } from 'vitest';
import { scenarioFile } from '../../src/analysis/sweep-run.ts';
import { buildSimulation, prepare } from '../../src/engine/prepare.ts';
import { simulate } from '../../src/engine/simulation.ts';
import { listBundled } from '../../src/load.ts';
import { sources } from '../support/sources.ts';

/** A short decode that no heat holds back, on one unit. */
function decodeOn(soc: string, unit: string, runtime: string) {
  // Of the description itself: what measurements add to it has its own tests.
  const scenario = { soc, workload: 'llama-3.2-1b-chat', unit, runtime, calibration: 'none' };
  const set = ['workload.promptTokens=32', 'workload.generatedTokens=9'];
  const prepared = prepare(scenarioFile(scenario, 'contract'), set, sources);
  const { channels, channelWidth, rate } = prepared.soc.memory;
  const run = simulate(buildSimulation(prepared, set, sources));
  const phase = run.phases.find(({ stage }) => stage === 'decode');
  if (!phase) throw new Error(`${soc} does not decode`);
  const seconds = phase.endSeconds - phase.startSeconds;
  return {
    share: phase.dramBytes / seconds / ((channels.is * channelWidth.is * rate.is) / 8),
    units: phase.units,
    watts: (run.energy[unit] ?? 0) / (run.metrics['run_seconds'] as number),
    deviceWatts: run.metrics['average_power_watts'] as number,
    skin: run.metrics['skin_temperature_celsius'] as number,
  };
}

const socs = listBundled('socs', '.yaml');

describe.each(socs)('%s', (soc) => {
  const { units } = sources.soc(soc).data as { units: Readonly<Record<string, unknown>> };

  it('decodes on its NPU at half to three quarters of peak bandwidth, on 0.3 to 3.1 W', () => {
    if (!units['npu']) return;
    const { share, units: used, watts } = decodeOn(soc, 'npu', 'vendor');
    // An accelerator for INT8 networks hands language models to other units.
    if (used.join() !== 'npu') return;
    // A laptop's bus is twice as wide for an NPU of the same generation.
    expect(share).toBeGreaterThan(/-x-elite|8cx/.test(soc) ? 0.27 : 0.48);
    expect(share).toBeLessThan(0.76);
    expect(watts).toBeGreaterThan(0.3);
    expect(watts).toBeLessThan(3.1);
  });

  it('decodes on its CPU on several watts, within what a phone or laptop can draw', () => {
    const { share, deviceWatts, skin } = decodeOn(soc, 'cpu', 'llama-cpp');
    expect(share).toBeGreaterThan(0.15);
    expect(share).toBeLessThan(0.76);
    expect(deviceWatts).toBeGreaterThan(2.5);
    expect(deviceWatts).toBeLessThan(40);
    expect(skin).toBeLessThan(30);
  });
});
