/** The first seconds of a run on a cold phone: rates are fitted at clocks that phones held when they were measured, so a run must hold them as well. */
import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { scenarioFile } from '../../src/analysis/sweep-run.ts';
import { InfeasibleError } from '../../src/base/errors.ts';
import { buildSimulation, prepare } from '../../src/engine/prepare.ts';
import { simulate } from '../../src/engine/simulation.ts';
import { fileSources } from '../../src/load.ts';

const sources = fileSources();
const SOCS = readdirSync(new URL('../../socs/', import.meta.url))
  .filter((file) => file.endsWith('.yaml'))
  .map((file) => file.slice(0, -'.yaml'.length));

const PROMPT = 256;

/** How a prompt of one or two seconds is read on a phone at room temperature; undefined where memory is too small. */
function promptOf(
  soc: string,
  keys: Readonly<Record<string, unknown>>,
  set: readonly string[] = [],
) {
  const scenario = { soc, unit: 'cpu', runtime: 'executorch', workload: 'llama-3.2-1b-chat' };
  const written = scenarioFile({ ...scenario, governor: 'performance', ...keys }, 'contract');
  const all = [`workload.promptTokens=${PROMPT}`, 'workload.generatedTokens=2', ...set];
  try {
    const prepared = prepare(written, all, sources);
    return simulate(buildSimulation(prepared, all, sources)).metrics;
  } catch (error) {
    if (error instanceof InfeasibleError) return undefined;
    throw error;
  }
}
const rate = (metrics: ReturnType<typeof promptOf>) =>
  Number(metrics?.['prefill_tokens_per_second'] ?? Number.NaN);

/** Share of the rate at full clocks that is left in the first second or two; all big cores of the Dimensity 9300 shed 7 %. */
const NEAR = 0.92;
/**
 * Chips whose CPU is measured to draw more on all cores than a phone can shed for long, so that hot cores slow
 * within the first second: 18 W and more at the board (Geekerwan), 20 W by the power profile.
 */
const HOT: Readonly<Record<string, number>> = {
  'dimensity-9400': 0.88,
  'exynos-2400': 0.87,
  'snapdragon-8-elite-gen-5': 0.9,
};
/** What the clocks' way up from idle costs at most, seconds; with mainline's slower utilisation it is up to a quarter. */
const RAMP = 0.1;

describe('a cold phone reads its first prompt at the clocks that rates are fitted at', () => {
  it.each(SOCS)('%s', (soc) => {
    const steady = promptOf(soc, { fidelity: 'analytic' });
    if (!steady) return;
    const full = rate(promptOf(soc, {}));
    const ratio = full / rate(steady);
    expect(ratio).toBeGreaterThan(HOT[soc] ?? NEAR);
    expect(ratio).toBeLessThan(1.02);
    // From idle, as phones do it.
    const lost = PROMPT * (1 / rate(promptOf(soc, { governor: 'auto' })) - 1 / full);
    expect(lost).toBeGreaterThan(-0.01);
    expect(lost).toBeLessThan(RAMP);
  });

  it('and a hot one does not', () => {
    const [cold, hot] = [25, 60].map((degrees) =>
      rate(promptOf('snapdragon-8-gen-3', { environment: { start: `${degrees} °C` } })),
    );
    expect(hot!).toBeLessThan(0.9 * cold!);
  });
});
