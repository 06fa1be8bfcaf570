/** `socsim probe graph`: the operators of a model or workload with their work, and what a machine makes of them. */
import { SpecError } from '../base/errors.ts';
import { formatQuantity } from '../base/quantity.ts';
import { pick } from '../base/registry.ts';
import { fileSources, openModelFile } from '../load.ts';
import { FUSION_NAMES } from '../workload/fusion/index.ts';
import { PRECISIONS, type PrecisionName } from '../workload/fusion/precision.ts';
import { type FusionSaving, type Phase, workAt } from '../workload/graph.ts';
import { importOnnx } from '../workload/onnx/import.ts';
import { buildOnnxRequest } from '../workload/onnx/request.ts';
import { buildWorkload, parseWorkload } from '../workload/workload-spec.ts';
import type { Args, Command } from './command.ts';
import { sumRequest, totalsJson, totalsText } from './graph-totals.ts';
import { DIM_OPTION, parseDims, textsOf } from './model-file.ts';
import {
  arrangeRows,
  meanRun,
  type OperatorRow,
  rowFields,
  rowsCsv,
  rowsText,
} from './operator-table.ts';
import { needs, onlyOne, wholeOption } from './parse.ts';
import { type PredictOperator, type ProbeMachine, predictOnSoc } from './predict-on-soc.ts';
import { counted } from './terminal.ts';

/** Lines of a table where `--top` does not say; JSON and CSV hold all of them. */
const TABLE_LINES = 100;

/** The command around a prediction; without one it lists work only. */
export function buildProbeGraph(predictOn?: (machine: ProbeMachine) => PredictOperator): Command {
  return {
    name: 'probe graph',
    summary: 'operators of a model or workload: arithmetic, bytes, intensity, predicted time',
    examples: [
      'socsim probe graph model.onnx --top 20',
      'socsim probe graph model.onnx --dim batch=1,sequence=128 --fusions none --json',
      'socsim probe graph llama-2-7b-chat --by type --soc dimensity-9300',
      'socsim probe graph stable-diffusion-1.5 --soc snapdragon-8-gen-3 --sort time --top 10',
    ],
    positionals: { target: { usage: 'MODEL|WORKLOAD', summary: 'an .onnx file, or a workload' } },
    options: {
      dim: DIM_OPTION,
      fusions: {
        type: 'string',
        summary: `passes for ONNX models: all, none, or names (${FUSION_NAMES.join(', ')})`,
        value: 'NAMES; all unless given',
      },
      precision: {
        type: 'string',
        summary: 'for floating-point ONNX models: run narrower than the file says',
        choices: Object.keys(PRECISIONS),
      },
      by: {
        type: 'string',
        summary: 'one line per operator, per distinct shape, or per operator type',
        choices: ['operator', 'shape', 'type'],
        default: 'operator',
      },
      sort: {
        type: 'string',
        summary: 'order of the lines',
        choices: ['execution', 'macs', 'bytes', 'time'],
        default: 'execution',
      },
      top: {
        type: 'number',
        summary: `at most so many lines; ${TABLE_LINES} in a table unless given`,
      },
      ...(predictOn ? MACHINE_OPTIONS : {}),
      json: { type: 'boolean', summary: 'print JSON for machines: lines, totals, fusions' },
      csv: { type: 'boolean', summary: 'print the lines as CSV' },
    },
    run: async (args) => {
      const top = wholeOption(args, 'top');
      refuseIdle(args);
      const { phases, savings, family } = loadPhases(args);
      const predict = args['soc'] === undefined ? undefined : predictOn?.(machineOf(args, family));
      const rows = rowsOf(phases, predict);
      const { by, sort } = args;
      const lines = arrangeRows(rows, { by: String(by), sort: String(sort) });
      const totals = sumRequest(phases, predict);
      if (args['csv'] === true) {
        process.stdout.write(rowsCsv(lines.slice(0, top), predict !== undefined));
      } else if (args['json'] === true) {
        const { request } = totals;
        const report = {
          operators: lines.slice(0, top).map(rowFields),
          totals: {
            ...totalsJson(request, predict !== undefined),
            phases: totals.phases.map((each) => totalsJson(each, predict !== undefined)),
          },
          fusions: savings,
        };
        console.log(JSON.stringify(report, null, 2));
      } else {
        console.log(rowsText(lines, top ?? TABLE_LINES));
        console.log(`\n${totalsText(totals)}`);
        const notes = notesOf(lines, savings, { by: String(by), predicted: predict !== undefined });
        for (const note of notes) console.log(note);
      }
      return undefined;
    },
  };
}

const MACHINE_OPTIONS = {
  soc: { type: 'string', summary: 'SoC to predict times for' },
  runtime: { type: 'string', summary: 'whose kernels run; vendor unless given' },
  unit: { type: 'string', summary: 'the only unit; the fastest for each operator unless given' },
} as const;

function machineOf({ soc, runtime, unit }: Args, family: string): ProbeMachine {
  const text = (value: unknown) => (value === undefined ? undefined : String(value));
  return { soc: String(soc), runtime: text(runtime), family, unit: text(unit) };
}

/** @throws SpecError for options that would change nothing. */
function refuseIdle(args: Args): void {
  onlyOne(args, ['json', 'csv']);
  needs(args, 'runtime', 'soc');
  needs(args, 'unit', 'soc');
  if (args['sort'] !== 'time' || args['soc'] !== undefined) return;
  throw new SpecError([
    { path: '--sort', message: 'there are no times to sort by', hint: 'add --soc NAME' },
  ]);
}

/** What a reader of the table has to know of its lines. */
function notesOf(
  lines: readonly OperatorRow[],
  savings: readonly FusionSaving[],
  { by, predicted }: { readonly by: string; readonly predicted: boolean },
): string[] {
  const launches = savings.reduce((sum, saving) => sum + saving.launches, 0);
  const bytes = savings.reduce((sum, saving) => sum + saving.bytes, 0);
  const repeated = lines.some(({ count }) => count > 1);
  const grows = lines.some(({ growth }) => growth !== 1);
  return [
    ...(repeated
      ? [
          by === 'type'
            ? 'note: a line is all that operators of the type do in the request'
            : `note: a line is one run, of as many as count says${grows ? '; their mean where bytes grow with the context' : ''}`,
        ]
      : []),
    ...(predicted
      ? [
          'note: bytes are those of tensors, DRAM what is left of them where some stay in the unit, or are read again',
          'note: every operator alone, at top clocks; socsim run adds calls, transfers, heat',
        ]
      : []),
    ...(launches > 0
      ? [
          `fusion saved ${counted(launches, 'launch')} and ${formatQuantity(bytes, 'size')} of traffic`,
        ]
      : []),
  ];
}

export const probeGraph: Command = buildProbeGraph(predictOnSoc);

interface Loaded {
  readonly phases: readonly Phase[];
  readonly savings: readonly FusionSaving[];
  readonly family: string;
}

function loadPhases(args: Args): Loaded {
  const target = String(args['target']);
  const dims = parseDims(textsOf(args['dim']));
  if (target.endsWith('.onnx')) {
    const model = importOnnx(openModelFile(target), target, { dims });
    const precision = args['precision'] as PrecisionName | undefined;
    const { plan, savings } = buildOnnxRequest(target, model, {
      fusions: fusionsOf(args),
      ...(precision ? { precision } : {}),
    });
    return { phases: plan.phases, savings, family: 'onnx' };
  }
  const { precision, fusions } = args;
  const sources = fileSources({ onnx: { dims, precision, fusions } });
  const spec = parseWorkload(sources.workload(target), sources.tables);
  const { phases, savings = [] } = buildWorkload(spec, sources.tables, target);
  return { phases, savings, family: spec.family };
}

function fusionsOf(args: Args): readonly string[] {
  const text = String(args['fusions'] ?? 'all');
  if (text === 'all') return FUSION_NAMES;
  const names = text === 'none' ? [] : text.split(',').map((name) => name.trim());
  for (const name of names)
    pick(Object.fromEntries(FUSION_NAMES.map((n) => [n, n])), name, 'fusion');
  return names;
}

/** One row per operator of every phase, for all steps of it. */
function rowsOf(phases: readonly Phase[], predict: PredictOperator | undefined): OperatorRow[] {
  return phases.flatMap((phase) => {
    const { graph, name, steps } = phase;
    const runs = graph.works.map((_, index) => runOf(phase, index, predict));
    return graph.operators.map((operator) => ({
      phase: name,
      name: operator.name,
      count: steps,
      ...(runs[operator.work] as ReturnType<typeof meanRun>),
    }));
  });
}

function runOf(
  { graph, steps, contextStart, contextStride }: Phase,
  index: number,
  predict: PredictOperator | undefined,
) {
  const grows = typeof graph.works[index] === 'function' && contextStride > 0;
  const runs = Array.from({ length: grows ? steps : 1 }, (_, step) => {
    const work = workAt(graph, index, contextStart + step * contextStride);
    return [work, predict?.(work)] as const;
  });
  return meanRun(runs);
}
