/** `socsim calibrate device` on runs over time without `--check`: the body of one phone, as a description that is like it. */
import { SpecError } from '../base/errors.ts';
import { formatQuantity } from '../base/quantity.ts';
import { BODY_GRID, type BodyFit, fitBody } from '../calibration/device/body-fit.ts';
import type { Series } from '../calibration/device/sustained-rows.ts';
import { fileSources } from '../load.ts';
import type { Args } from './command.ts';
import { startProgress } from './terminal.ts';

/** @throws SpecError without the name of a phone. */
export function fitBodyOf(series: readonly Series[], args: Args): void {
  const idle = ['out', 'also', 'soc', 'graphs'].filter((name) => args[name] !== undefined);
  if (idle.length > 0) {
    throw new SpecError(
      idle.map((name) => ({ path: `--${name}`, message: 'has no effect on runs over time' })),
    );
  }
  const phone = args['phone'] as string | undefined;
  if (phone === undefined) {
    throw new SpecError([
      {
        path: '--phone',
        message: 'runs over time are fitted to the body of one phone, which is not named',
        hint: 'add --phone NAME, or --check to predict them as they are',
      },
    ]);
  }
  const pairs = BODY_GRID.resistance.length * BODY_GRID.capacity.length;
  const progress = startProgress('bodies', pairs);
  const fit = fitBody(series, phone, fileSources(), (done) => progress.update(done));
  progress.stop();
  console.log(args['json'] === true ? JSON.stringify(fit, undefined, 2) : bodyText(fit));
}

const figure = (value: number) => String(Number(value.toPrecision(3)));

/** YAML that `--phone FILE` takes, its residuals as comments. */
export function bodyText({ phone, factors, before, after, heldOut, values }: BodyFit): string {
  const off = (loss: number) => `${Math.round(100 * Math.expm1(loss))} %`;
  const from = `{ from: runs, trust: fitted, note: "resistances x ${factors.resistance}, capacities x ${factors.capacity} of ${phone}" }`;
  const note = from.slice(2, -2);
  const entry = ([part, value]: [string, number]) => {
    const resistance = part.includes('To');
    const quantity = resistance
      ? `${figure(value)} K/W`
      : formatQuantity(value, 'thermal-capacity', 3);
    return `  ${part}: { is: ${quantity}, ${note} }`;
  };
  return [
    `# Mean size of the error: ${off(before)} as described, ${off(after)} fitted.`,
    ...heldOut.map(
      (one) =>
        `# left out, ${one.series}: ${off(one.before)} as described, ${off(one.after)} by the others`,
    ),
    'version: 1',
    `name: ${phone}, fitted`,
    'summary: "body fitted by socsim calibrate device"',
    `like: ${phone}`,
    'references:',
    '  runs: { title: "measured runs over time" }',
    'thermal:',
    ...Object.entries(values).map(entry),
  ].join('\n');
}
