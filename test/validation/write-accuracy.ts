/** Global setup of `npm run validate`: clears old records, and at the end writes ACCURACY.md and the README's table. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AccuracyLine, type AccuracySection, readAccuracy } from '../support/accuracy.ts';

const here = new URL('./', import.meta.url);
const root = new URL('../../', here);

/** A full run starts from nothing; a run of one file must not erase what others found. */
export function setup(): void {
  if (isFullRun()) rmSync(new URL('results/', here), { recursive: true, force: true });
}

export function teardown(): void {
  const sections = readAccuracy();
  if (sections.length === 0 || !isFullRun()) return;
  writeFileSync(new URL('ACCURACY.md', here), document(sections));
  const readme = new URL('README.md', root);
  const text = readFileSync(readme, 'utf8');
  const marked = /(<!-- accuracy -->\n)[\s\S]*(<!-- \/accuracy -->)/;
  if (!marked.test(text)) return;
  writeFileSync(
    readme,
    text.replace(marked, (_, open, close) => `${open}${table(sections)}\n${close}`),
  );
}

/** Whether no file was named on the command line. */
function isFullRun(): boolean {
  const words = process.argv.slice(2).filter((word) => !word.startsWith('-'));
  return words.every((word) => word === 'run' || word.endsWith('vitest.config.ts'));
}

function document(sections: readonly AccuracySection[]): string {
  const parts = sections.map(
    ({ title, text, lines, details }) =>
      `## ${title}\n\n${text}\n\n${tableOf(lines)}\n${details === undefined ? '' : `\n${details}\n`}`,
  );
  return `# Accuracy\n\nWritten by \`npm run validate\`; do not edit. Errors are absolute values of predicted ÷ reference − 1 unless a unit is given.\n"in-sample": a parameter was fitted on these rows. "cross-validated": predicted by a fit that had not seen them. "no fit": nothing was fitted to them.\n\n${parts.join('\n')}`;
}

function table(sections: readonly AccuracySection[]): string {
  return `${HEAD}\n${sections.flatMap(({ title, lines }) => lines.filter(({ detail }) => !detail).map((line) => `| ${title} |${row(line)}`)).join('\n')}\n`
    .replace('| quantity', '| against | quantity')
    .replace('| --- ', '| --- | --- ');
}

const HEAD =
  '| quantity | rows | median | 90 % | worst | sample |\n| --- | --- | --- | --- | --- | --- |';

function tableOf(lines: readonly AccuracyLine[]): string {
  return `${HEAD}\n${lines.map((line) => `|${row(line)}`).join('\n')}\n`;
}

function row({ quantity, count, median, p90, worst, unit, sample, note }: AccuracyLine): string {
  const cells = [median, p90, worst].map((value) => format(value, unit));
  return ` ${quantity}${note === undefined ? '' : ` (${note})`} | ${count} | ${cells.join(' | ')} | ${sample} |`;
}

function format(value: number, unit: AccuracyLine['unit']): string {
  if (unit === '%') return `${Number((value * 100).toPrecision(2))} %`;
  return unit === 'K' ? `${value.toExponential(1)} K` : String(value);
}
