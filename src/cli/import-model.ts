/** `socsim import`: reads a model or measurements, says what is in them, and writes them in the form that runs. */
import { basename, dirname, relative, resolve, sep } from 'node:path';
import { formatQuantity } from '../base/quantity.ts';
import { openModelFile, writeUserFile } from '../load.ts';
import { PRECISIONS } from '../workload/fusion/precision.ts';
import type { FusionSaving } from '../workload/graph.ts';
import type { DimBindings } from '../workload/onnx/bindings.ts';
import type { ImportedModel } from '../workload/onnx/import.ts';
import type { ImportReport } from '../workload/onnx/report.ts';
import type { Args, Command } from './command.ts';
import { dumpYaml } from './dump-yaml.ts';
import { importMeasured, isMeasured, measuredOptions } from './import-measured.ts';
import { DIM_OPTION, parseDims, textsOf } from './model-file.ts';
import { countText } from './operator-table.ts';
import { needs } from './parse.ts';
import { renderTable } from './terminal.ts';

export const importModel: Command = {
  // In backticks, as the check of imports takes the word before a quotation mark for an import.
  name: `import`,
  summary:
    'read an ONNX model of any size and write a workload that runs it; or read measurements (llama-bench, ONNX Runtime profile, log of a phone)',
  examples: [
    'socsim import model.onnx --out workload.yaml',
    'socsim import decoder.onnx --dim batch=1,sequence=128 --out workload.yaml',
    'socsim import model.onnx --json',
    'socsim import bench.json --soc "Snapdragon 8 Gen 3" --out rows.csv',
    'socsim import battery-log.csv',
  ],
  positionals: {
    file: {
      usage: 'FILE',
      summary:
        'an .onnx file, whose weights are not read; or measurements as .json, .jsonl or .csv',
    },
  },
  options: {
    dim: DIM_OPTION,
    precision: {
      type: 'string',
      summary: 'run a floating-point model narrower than its file says',
      choices: Object.keys(PRECISIONS),
    },
    ...measuredOptions,
    out: { type: 'string', summary: 'workload or CSV file to write', value: 'FILE', alias: 'o' },
    json: { type: 'boolean', summary: 'print JSON for machines' },
  },
  run: async (args) => {
    const path = String(args['file']);
    if (isMeasured(path)) {
      importMeasured(args, path);
      return undefined;
    }
    needs(args, 'precision', 'out');
    const dims = parseDims(textsOf(args['dim']));
    const { importOnnx } = await import('../workload/onnx/import.ts');
    const { fuse } = await import('../workload/fusion/index.ts');
    const model = importOnnx(openModelFile(path), path, { dims });
    const { savings } = fuse(model.list);
    if (args['out'] !== undefined) writeWorkload(args, path, dims, model);
    if (args['json'] === true) {
      console.log(
        JSON.stringify({ model: path, dims, ...factsOf(model), fusions: savings }, null, 2),
      );
    } else {
      console.log(summaryTable(model));
      console.log(`\n${savingsTable(savings)}`);
      console.log(reportLines(model.report).join('\n'));
      if (args['out'] !== undefined) console.log(`\nWrote ${args['out']}`);
    }
    return undefined;
  },
};

function macsOf(model: ImportedModel): number {
  return model.list.operators.reduce((sum, operator) => sum + operator.work.macs, 0);
}

function factsOf(model: ImportedModel) {
  const { report } = model;
  return {
    producer: model.producer,
    opset: model.opset,
    inputs: model.inputs,
    outputs: model.outputs,
    parameters: model.parameters,
    macs: macsOf(model),
    weight_bytes: model.weightBytes,
    activation_bytes: model.activationBytes,
    ...report,
  };
}

function writeWorkload(args: Args, path: string, dims: DimBindings, model: ImportedModel): void {
  const out = String(args['out']);
  const { report } = model;
  const found = {
    producer: model.producer,
    parameters: model.parameters,
    macs: macsOf(model),
    weight_bytes: model.weightBytes,
    operators: report.operators,
    unmodelled_operator_share: report.unmodelledOperatorShare,
    ...(report.unmodelled.length > 0
      ? { unmodelled: report.unmodelled.map(({ operator, reason }) => ({ operator, reason })) }
      : {}),
  };
  const summary = `${basename(path)}: ${countText(model.parameters)} parameters, ${countText(macsOf(model))} MACs`;
  const precision = args['precision'] === undefined ? {} : { precision: args['precision'] };
  // From the workload file's folder, with which it may move: wherever it is used, its model is found.
  const from = relative(dirname(resolve(out)), resolve(path))
    .split(sep)
    .join('/');
  const head = { version: 1, family: 'onnx', summary, model: from, dims, ...precision };
  const text = dumpYaml({ ...head, found });
  writeUserFile(out, text);
}

function summaryTable(model: ImportedModel): string {
  const shape = ({ name, type, dims }: ImportedModel['inputs'][number]) =>
    `${name} ${type}[${dims.join(', ')}]`;
  const { report } = model;
  return renderTable(
    [{ header: 'what' }, { header: 'found', wrap: true }],
    [
      ['producer', `${model.producer || 'unknown'}, opset ${model.opset ?? 'none'}`],
      ['inputs', model.inputs.map(shape).join(', ')],
      ['outputs', model.outputs.map(shape).join(', ')],
      ['parameters', countText(model.parameters)],
      ['weights', formatQuantity(model.weightBytes, 'size')],
      ['activations at peak', formatQuantity(model.activationBytes, 'size')],
      ['multiply–accumulates', countText(macsOf(model))],
      ['nodes', `${report.nodes}: ${report.folded} worked out at import, ${report.views} views`],
      ['operators', String(report.operators)],
    ],
  );
}

function savingsTable(savings: readonly FusionSaving[]): string {
  return renderTable(
    [
      { header: 'fusion' },
      { header: 'launches saved', align: 'right' },
      { header: 'bytes saved', align: 'quantity' },
    ],
    savings.map(({ fusion, launches, bytes }) => [
      fusion,
      String(launches),
      formatQuantity(bytes, 'size'),
    ]),
  );
}

/** One line per operator that is not modelled, with its share; one line when there is none. */
function reportLines(report: ImportReport): string[] {
  const percent = (share: number) => `${Number((share * 100).toPrecision(3))} %`;
  if (report.unmodelled.length === 0) return ['', 'Every operator is modelled.', ...report.notes];
  return [
    '',
    `Not modelled: ${percent(report.unmodelledOperatorShare)} of operators, ` +
      `${percent(report.unmodelledMacShare)} of known multiply–accumulates`,
    ...report.unmodelled.map(
      ({ operator, nodes, reason, operators }) =>
        `  ${operator} × ${nodes.length}${operators > nodes.length ? ` (${operators} operators inside)` : ''}: ` +
        `${reason} [${nodes.slice(0, 3).join(', ')}${nodes.length > 3 ? ', …' : ''}]`,
    ),
    ...report.notes.map((note) => `  note: ${note}`),
  ];
}
