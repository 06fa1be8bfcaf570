/** `socsim claims`: what vendors and the white paper claimed, what the simulation says, and the verdict. */
import { type ClaimResult, checkClaim } from '../analysis/claims/check-claims.ts';
import { parseClaims } from '../analysis/claims/claims-spec.ts';
import { SpecError } from '../base/errors.ts';
import { nearestHint } from '../base/registry.ts';
import { parseSpecFile } from '../base/spec-file.ts';
import { fileSources, readBundled, readUserFile } from '../load.ts';
import type { Command } from './command.ts';
import { coloursFor, renderTable } from './terminal.ts';

const BUNDLED = 'workloads/claims/white-paper.yaml';

export const claims: Command = {
  name: 'claims',
  summary:
    'every checkable claim of the generative-AI-phone white paper: claimed, simulated, verdict',
  examples: [
    'socsim claims',
    'socsim claims decode-7b-9300 memory-7b',
    'socsim claims --file my-claims.yaml --json',
  ],
  positionals: { names: { usage: '[NAME..]', summary: 'claims to check; all unless given' } },
  options: {
    file: { type: 'string', summary: 'claims of your own, in the same form', value: 'FILE' },
    json: { type: 'boolean', summary: 'print verdicts with the runs behind them as JSON' },
  },
  run: async (args) => {
    const path = args['file'] as string | undefined;
    const { file, text } = path === undefined ? readBundled(BUNDLED) : readUserFile(path);
    const known = parseClaims(parseSpecFile(text, file));
    const names = (args['names'] as readonly string[] | undefined) ?? [];
    const faults = names
      .filter((name) => !Object.hasOwn(known, name))
      .map((name) => ({
        message: `no claim "${name}"`,
        hint: nearestHint(name, Object.keys(known)),
      }));
    if (faults.length > 0) throw new SpecError(faults);
    const chosen = names.length > 0 ? names : Object.keys(known);
    const sources = fileSources();
    const results = chosen.map((name) => checkClaim(name, known[name]!, sources));
    if (args['json'] === true) console.log(JSON.stringify(results, undefined, 2));
    else console.log(describe(results, names.length > 0));
    return undefined;
  },
};

function describe(results: readonly ClaimResult[], reasoned: boolean): string {
  const colours = coloursFor(process.stdout);
  const table = renderTable(
    [
      { header: 'claim' },
      { header: 'claimed', align: 'right' },
      { header: 'simulated', align: 'right' },
      { header: 'verdict' },
    ],
    results.map(({ id, claim, evidence, text }) => [
      id,
      `${{ about: '', 'at-least': '≥ ', 'at-most': '≤ ' }[claim.is]}${claim.value} ${claim.unit}`,
      numberText(evidence[0]?.value, claim.unit),
      text,
    ]),
  );
  const counts = [...new Set(results.map(({ verdict }) => verdict))].map(
    (verdict) => `${results.filter((result) => result.verdict === verdict).length} ${verdict}`,
  );
  const told = reasoned ? results.flatMap((result) => ['', ...explain(result, colours)]) : [];
  const hint = reasoned ? [] : ['socsim claims NAME tells why; --json shows every run'];
  return [table, '', counts.join(', '), ...hint, ...told].join('\n');
}

function explain(
  { id, claim, evidence }: ClaimResult,
  colours: ReturnType<typeof coloursFor>,
): string[] {
  return [
    `${colours.bold(id)}: ${claim.says}`,
    ...(claim.conditions === undefined ? [] : [`  conditions: ${claim.conditions}`]),
    ...evidence.map(
      ({ name, value, note }) =>
        `  ${name}: ${numberText(value, claim.unit)}${note === '' ? '' : ` (${note})`}`,
    ),
    `  ${claim.reasoning}`,
    colours.dim(`  source: ${claim.source}`),
  ];
}

function numberText(value: number | undefined, unit: string): string {
  return value === undefined ? '–' : `${Number(value.toPrecision(3))} ${unit}`;
}
