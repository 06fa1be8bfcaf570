/** `socsim probe graph`: the operators of a model or workload with their work, and what a machine makes of them. */
import { SpecError } from '../base/errors.ts';
import { pick } from '../base/registry.ts';
import { fileSources, openModelFile } from '../load.ts';
import { FUSION_NAMES } from '../workload/fusion/index.ts';
import { PRECISIONS, type PrecisionName } from '../workload/fusion/precision.ts';
import { type FusionSaving, type Graph, type Phase, workAt } from '../workload/graph.ts';
import { importOnnx } from '../workload/onnx/import.ts';
import { buildOnnxRequest } from '../workload/onnx/request.ts';
import { buildWorkload, parseWorkload } from '../workload/workload-spec.ts';
import type { Args, Command } from './command.ts';
import { DIM_OPTION, parseDims, textsOf } from './model-file.ts';
import {
  arrangeRows,
  type OperatorPrediction,
  type OperatorRow,
  rowsJson,
  rowsText,
} from './operator-table.ts';
import { wholeOption } from './parse.ts';
import { predictOnSoc } from './predict-on-soc.ts';

/**
 * Predicts every operator of a graph at one context length on a named SoC.
 * One entry per operator, in order; absent where no unit can run it.
 */
export type PredictGraph = (
  soc: string,
  graph: Graph,
  context: number,
) => Promise<readonly (OperatorPrediction | undefined)[]>;

/** The command around a prediction; without one it lists work only. */
export function buildProbeGraph(predict?: PredictGraph): Command {
  return {
    name: 'probe graph',
    summary: 'operators of a model or workload: arithmetic, bytes, intensity, predicted time',
    examples: [
      'socsim probe graph model.onnx --top 20',
      'socsim probe graph model.onnx --dim batch=1,sequence=128 --fusions none --json',
      'socsim probe graph llama-2-7b-chat --by type',
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
      top: { type: 'number', summary: 'at most so many lines' },
      ...(predict ? { soc: { type: 'string', summary: 'SoC to predict times for' } as const } : {}),
      json: { type: 'boolean', summary: 'print JSON for machines' },
    },
    run: async (args) => {
      const top = wholeOption(args, 'top');
      if (args['sort'] === 'time' && args['soc'] === undefined) {
        throw new SpecError([
          { path: '--sort', message: 'there are no times to sort by', hint: 'add --soc NAME' },
        ]);
      }
      const { phases, savings } = loadPhases(args);
      const rows = await rowsOf(phases, args, predict);
      const shown = arrangeRows(rows, {
        by: String(args['by']),
        sort: String(args['sort']),
        top,
      });
      const json = args['json'] === true;
      const text = json
        ? JSON.stringify(rowsJson(shown, rows, savings), null, 2)
        : rowsText(shown, rows, savings);
      console.log(text);
      return undefined;
    },
  };
}

export const probeGraph: Command = buildProbeGraph(predictOnSoc);

interface Loaded {
  readonly phases: readonly Phase[];
  readonly savings: readonly FusionSaving[];
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
    return { phases: plan.phases, savings };
  }
  const { precision, fusions } = args;
  const sources = fileSources({ onnx: { dims, precision, fusions } });
  const spec = parseWorkload(sources.workload(target), sources.tables);
  return { phases: buildWorkload(spec, sources.tables, target).phases, savings: [] };
}

function fusionsOf(args: Args): readonly string[] {
  const text = String(args['fusions'] ?? 'all');
  if (text === 'all') return FUSION_NAMES;
  const names = text === 'none' ? [] : text.split(',').map((name) => name.trim());
  for (const name of names)
    pick(Object.fromEntries(FUSION_NAMES.map((n) => [n, n])), name, 'fusion');
  return names;
}

/** One row per operator of the first step of every phase. */
async function rowsOf(
  phases: readonly Phase[],
  args: Args,
  predict: PredictGraph | undefined,
): Promise<OperatorRow[]> {
  const rows: OperatorRow[] = [];
  const soc = args['soc'];
  for (const { name, graph, contextStart } of phases) {
    const predictions = predict && soc ? await predict(String(soc), graph, contextStart) : [];
    for (const [i, operator] of graph.operators.entries()) {
      const work = workAt(graph, operator.work, contextStart);
      rows.push({ phase: name, name: operator.name, work, count: 1, prediction: predictions[i] });
    }
  }
  return rows;
}
