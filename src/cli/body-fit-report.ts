/** `socsim calibrate device` on runs over time without `--check`: the body of one phone, as a description that is like it. */
import { SpecError } from '../base/errors.ts';
import { formatQuantity } from '../base/quantity.ts';
import { type BodyFit, type BodyResidual, fitBody } from '../calibration/device/body-fit.ts';
import type { Series } from '../calibration/device/sustained-rows.ts';
import { fileSources } from '../load.ts';
import type { Args } from './command.ts';
import { counted, type Progress, startProgress } from './terminal.ts';

/** @throws SpecError without the name of a phone. */
export function fitBodyOf(series: readonly Series[], args: Args): void {
  const idle = ['out', 'also', 'soc', 'graphs', 'energy'].filter(
    (name) => args[name] !== undefined && args[name] !== false,
  );
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
  let bar: Progress | undefined;
  const fit = fitBody(series, phone, fileSources(), (done, total) => {
    bar ??= startProgress('runs', total);
    bar.update(done);
  });
  bar?.stop();
  console.log(args['json'] === true ? JSON.stringify(fit, undefined, 2) : bodyText(fit));
}

const figure = (value: number) => String(Number(value.toPrecision(3)));

const percent = (share: number) => `${Number((100 * share).toPrecision(2))} %`;

/** YAML that `--phone FILE` takes, its residuals as comments; comments alone where the runs determine no body. */
export function bodyText(fit: BodyFit): string {
  const { phone, factors, values } = fit;
  const note = `from: runs, trust: fitted, note: "resistances x ${factors.resistance}, capacities x ${factors.capacity} of ${phone}"`;
  const entry = ([part, value]: [string, number]) => {
    const resistance = part.includes('To');
    const quantity = resistance
      ? `${figure(value)} K/W`
      : formatQuantity(value, 'thermal-capacity', 3);
    return `  ${part}: { is: ${quantity}, ${note} }`;
  };
  if (fit.undetermined.length > 0) return commentLines(fit).join('\n');
  return [
    ...commentLines(fit),
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

function commentLines(fit: BodyFit): string[] {
  const { phone, before, after, undetermined, residuals, heldOut } = fit;
  const off = (loss: number) => percent(Math.expm1(loss));
  const verdict =
    undetermined.length > 0
      ? [
          ...undetermined.map((reason) => `not determined: ${reason}`),
          `no body to use: that of ${phone} stays as described`,
        ]
      : keptParts(fit);
  const unseen = heldOut.map(
    (one) =>
      `left out, ${one.series}: ${off(one.before)} as described, ${off(one.after)} by the others`,
  );
  return [
    `Mean size of the error, 10 K as a factor of e: ${off(before)} as described, ${off(after)} fitted.`,
    ...verdict,
    ...residuals.map(residualLine),
    ...(unseen.length > 0 || undetermined.length > 0
      ? unseen
      : ['errors of runs that the fit has not seen: none, they need a second series']),
  ].map((line) => `# ${line}`);
}

function keptParts({ factors }: BodyFit): string[] {
  const kept = Object.entries(factors).filter(([, factor]) => factor === 1);
  return kept.map(([name]) => `${name}: as described, the runs do not tell it`);
}

function residualLine({ series, quantity, points, before, after }: BodyResidual): string {
  const size = (error: number) =>
    quantity === 'temperature' ? `${error.toFixed(1)} K` : percent(error);
  const what = quantity.replaceAll('_', ' ');
  return `${series}, ${what}: ${size(before)} as described, ${size(after)} fitted (${counted(points, 'point')})`;
}
