/** `socsim probe governor`: drives one thermal governor with recorded vectors and prints what differs. */
import { comparedRows, reportJson, reportRows } from '../analysis/row-report.ts';
import { formatCsv } from '../base/csv.ts';
import { pick } from '../base/registry.ts';
import { readUserFile } from '../load.ts';
import type { Command } from './command.ts';
import { EXIT } from './exit.ts';
import { checkVectors, VECTOR_KINDS, type VectorKind } from './governor-vectors.ts';
import { onlyOne } from './parse.ts';

/** Milliwatts: integers must match to the digit, floating-point budgets to a microwatt. */
const TOLERANCE = 1e-3;

export const probeGovernor: Command = {
  name: 'probe governor',
  summary:
    'replay recorded vectors through a thermal governor and list mismatches; exit code 1 where there are any',
  examples: [
    'socsim probe governor --kind power-allocator --vectors ipa_vectors.csv',
    'socsim probe governor --kind skin-pid --vectors skin_pid_vectors.csv --json',
  ],
  options: {
    kind: {
      type: 'string',
      summary: 'whose arithmetic',
      choices: VECTOR_KINDS,
      value: 'KIND',
      required: true,
    },
    vectors: {
      type: 'string',
      summary: 'rows of inputs and expected outputs, configuration first',
      value: 'FILE',
      required: true,
    },
    json: { type: 'boolean', summary: 'print every compared value as JSON' },
    csv: { type: 'boolean', summary: 'print every compared value as CSV' },
  },
  run: async (args) => {
    onlyOne(args, ['json', 'csv']);
    const kinds = Object.fromEntries(VECTOR_KINDS.map((kind) => [kind, kind]));
    const kind: VectorKind = pick(kinds, String(args['kind']), 'governor kind');
    const { text, file } = readUserFile(args['vectors'] as string);
    const report = comparedRows(reportRows(checkVectors(kind, text, file)), file);
    const wrong = report.rows.filter(({ error }) => !(Math.abs(error) <= TOLERANCE));
    if (args['json'] === true) {
      console.log(JSON.stringify({ ...(reportJson(report) as object), mismatches: wrong.length }));
    } else if (args['csv'] === true) {
      const rows = report.rows.map((row) => [
        row.id,
        row.quantity,
        row.predicted,
        row.reference,
        row.error,
      ]);
      const columns = ['id', 'quantity', 'predicted', 'reference', 'error'];
      process.stdout.write(formatCsv(columns, rows));
    } else {
      for (const { id, quantity, predicted, reference } of wrong) {
        console.log(`${id}  ${quantity}: got ${predicted}, expected ${reference}`);
      }
      const ids = new Set(report.rows.map(({ id }) => id));
      console.log(`${ids.size} ticks, ${report.rows.length} values, ${wrong.length} mismatches`);
    }
    return wrong.length > 0 ? EXIT.bug : undefined;
  },
};
