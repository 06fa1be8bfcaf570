/** A request that runs an imported model: so many inferences, fused as a compiler would. */
import { FUSION_NAMES, fuse } from '../fusion/index.ts';
import { graphOfList, peakActivationBytes } from '../fusion/operator-list.ts';
import { castList, PRECISIONS, type PrecisionName, weightShare } from '../fusion/precision.ts';
import { requantised } from '../fusion/requantisation.ts';
import type { FusionSaving, RequestPlan } from '../graph.ts';
import type { ImportedModel } from './import.ts';

export interface OnnxRequestOptions {
  /** Runs of the whole model, one after another. */
  readonly inferences?: number;
  /** Runs a floating-point model narrower than its file says, as phone compilers do. */
  readonly precision?: PrecisionName;
  /** Names of passes; all of them by default. */
  readonly fusions?: readonly string[];
}

export interface OnnxRequest {
  readonly plan: RequestPlan;
  readonly savings: readonly FusionSaving[];
}

export function buildOnnxRequest(
  name: string,
  model: ImportedModel,
  { inferences = 1, precision, fusions = FUSION_NAMES }: OnnxRequestOptions = {},
): OnnxRequest {
  const cast = precision ? castList(model.list, PRECISIONS[precision]) : model.list;
  const { list: fused, savings } = fuse(cast, fusions);
  const list = integers(precision) ? requantised(fused) : fused;
  const plan: RequestPlan = {
    name,
    phases: [
      {
        name: 'inference',
        graph: graphOfList(list),
        steps: inferences,
        contextStart: 0,
        contextStride: 0,
        outputsPerStep: 1,
        hostBytes: hostBytes(model, precision),
      },
    ],
    memory: {
      weights: model.weightBytes * weightShare(model.list, cast),
      // Cache tensors of an exported decoder are inputs and outputs of the model, counted with its activations.
      kvCache: 0,
      activations: peakActivationBytes(list),
    },
    savings: savings.filter(({ launches, bytes }) => launches > 0 || bytes > 0),
    notes: unmodelledNotes(model),
    promptTokens: 0,
    generatedTokens: 0,
  };
  return { plan, savings };
}

/** Whether activations are integers with a scale for each tensor. */
function integers(precision: PrecisionName | undefined): boolean {
  return precision !== undefined && PRECISIONS[precision].activations.startsWith('int');
}

/** Inputs and results in the application's format: floats as the file has them, unless integers were asked for. */
function hostBytes(model: ImportedModel, precision: PrecisionName | undefined): number {
  const { list } = model;
  const made = new Set(list.operators.flatMap(({ outputs }) => outputs));
  const read = new Set(list.operators.flatMap(({ inputs }) => inputs));
  const given = [...read].filter((name) => !made.has(name));
  const handed = integers(precision) ? castList(list, PRECISIONS[precision!]) : list;
  return [...given, ...list.results].reduce(
    (sum, name) => sum + (handed.tensors.get(name)?.bytes ?? 0),
    0,
  );
}

/** Operators that cost nothing in a run because nothing is known of them, by name. */
function unmodelledNotes({ report }: ImportedModel): string[] {
  if (report.unmodelled.length === 0) return [];
  const names = report.unmodelled.map(({ operator, operators }) => `${operators} × ${operator}`);
  const share = (value: number) => `${Number((value * 100).toPrecision(2))} %`;
  return [
    `not modelled and not counted: ${names.join(', ')} (${share(report.unmodelledOperatorShare)} of operators, ${share(report.unmodelledMacShare)} of known multiply–accumulates); socsim import says why`,
  ];
}
