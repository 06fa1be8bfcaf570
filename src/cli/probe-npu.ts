/** `socsim probe npu`: drives one matrix engine with one product or convolution, or checks it against other simulators. */
import { comparedRows, reportJson } from '../analysis/row-report.ts';
import { SpecError } from '../base/errors.ts';
import { type AccountingRuleName, accountingRules } from '../hardware/npu/accounting.ts';
import { checkLocalMemory, ruleLimit } from '../hardware/npu/bench-limits.ts';
import { type BenchShape, runBench } from '../hardware/npu/testbench.ts';
import { DATAFLOWS } from '../hardware/units/unit-spec.ts';
import { readUserFile } from '../load.ts';
import type { Args, Command } from './command.ts';
import { type BenchMachine, benchMachine, UNLESS_GIVEN } from './npu-machine.ts';
import { checkNpuRows } from './npu-rows.ts';
import { parseConv, parseGemm } from './npu-shape.ts';
import { type RuleResult, renderReport, renderResults, resultJson } from './npu-text.ts';
import { idleBeside, needs, onlyOne } from './parse.ts';

const RULES = Object.keys(accountingRules) as AccountingRuleName[];
/** Switches that a rule sets one way or the other. */
const YES_NO = ['yes', 'no'];

/** The machine and what it runs. */
const MACHINE_OPTIONS: Command['options'] = {
  soc: {
    type: 'string',
    summary: 'array, formats, memory and clock of its NPU; options below change them',
    value: 'SOC',
  },
  array: {
    type: 'string',
    summary: `rows and columns of one array; ${UNLESS_GIVEN.array} unless given`,
    value: 'RxC',
  },
  engines: { type: 'number', summary: 'arrays side by side; one unless given' },
  dataflow: {
    type: 'string',
    summary: 'what stays in the array: weights unless given, outputs or inputs',
    choices: ['ws', 'os', 'is', ...DATAFLOWS],
    value: 'ws|os|is',
  },
  sram: {
    type: 'string',
    summary: `local memory for tiles; ${UNLESS_GIVEN.sram} unless given`,
    value: 'SIZE',
  },
  accumulator: {
    type: 'string',
    summary: 'accumulators beside it; within it where absent',
    value: 'SIZE',
  },
  bandwidth: {
    type: 'string',
    summary: `of main memory, or unlimited; ${UNLESS_GIVEN.bandwidth} unless given`,
    value: 'RATE',
  },
  clock: {
    type: 'string',
    summary: `of the arrays; ${UNLESS_GIVEN.clock} unless given`,
    value: 'FREQUENCY',
  },
  dtype: {
    type: 'string',
    summary: 'of all operands, or of weights and activations: their bytes and their rate',
    value: 'int8|fp16|w4a16|…',
    default: 'int8',
  },
  rate: {
    type: 'number',
    summary: 'multiply–accumulates per clock and multiplier, instead of the rate of the formats',
  },
  sparsity: {
    type: 'string',
    summary: 'weights pruned so, stored so, and skipped where the engine can',
    choices: ['2:4'],
    value: '2:4',
  },
  'sparsity-gain': {
    type: 'number',
    summary: 'what skipping gains; 2, or what the SoC says, unless given',
  },
  dequantisation: {
    type: 'number',
    summary:
      'narrow weights expanded per clock, for engines that do not multiply them as they come',
  },
  compression: { type: 'number', summary: 'compressed over plain bytes of the weights' },
  decompressor: { type: 'number', summary: 'plain bytes that it hands on per clock' },
  gemm: { type: 'string', summary: 'product (M×K)·(K×N)', value: 'M,N,K' },
  conv: {
    type: 'string',
    summary: 'height, width, channels, filters, kernel, stride, padding, groups',
    value: 'H,W,C,F,K[,S[,P[,G]]]',
  },
  rule: {
    type: 'string',
    summary: 'what counts as time; all shows how far the tools are apart',
    choices: [...RULES, 'all'],
    value: `${RULES.join('|')}|all`,
    default: 'phone',
  },
  'overlap-folds': {
    type: 'string',
    summary: 'folds follow without draining the array',
    choices: YES_NO,
    value: 'yes|no',
  },
  'hide-preload': {
    type: 'string',
    summary: 'the next stationary tile loads meanwhile',
    choices: YES_NO,
    value: 'yes|no',
  },
  'count-fill': {
    type: 'string',
    summary: 'the first fill of local memory takes time',
    choices: YES_NO,
    value: 'yes|no',
  },
  'count-write-back': {
    type: 'string',
    summary: 'the last write-back takes time',
    choices: YES_NO,
    value: 'yes|no',
  },
  'input-reads': {
    type: 'string',
    summary: 'inputs as the best loop order needs them, or for every tile across',
    choices: ['least', 'per-tile'],
    value: 'least|per-tile',
  },
  ports: {
    type: 'string',
    summary: 'one memory port, or one per operand',
    choices: ['shared', 'separate'],
    value: 'shared|separate',
  },
};

export const probeNpu: Command = {
  name: 'probe npu',
  summary: 'run one product or convolution on a systolic array, or check against other simulators',
  examples: [
    'socsim probe npu --array 128x128 --dataflow ws --sram 8MiB --bandwidth 64GB/s --gemm 128,4096,4096',
    'socsim probe npu --array 64x64 --conv 32,32,80,80,3,1,1 --dtype int8 --json',
    'socsim probe npu --array 64x64 --bandwidth 76.8GB/s --gemm 128,4096,4096 --rule all',
    'socsim probe npu --soc dimensity-9300 --gemm 128,4096,4096 --dtype w4a16 --sparsity 2:4',
    'socsim probe npu --array 64x64 --gemm 1,4096,4096 --dtype w4a16 --dequantisation 64',
    'socsim probe npu --rows scalesim_runs.csv',
  ],
  options: {
    // Rows bring machine, shape and rule; a shape beside them is excluded as such.
    ...idleBeside('rows', MACHINE_OPTIONS, ['gemm', 'conv']),
    rows: {
      type: 'string',
      summary: "a simulator's runs, each repeated by its own rule",
      value: 'FILE',
    },
    json: { type: 'boolean', summary: 'print JSON' },
  },
  run: async (args) => {
    onlyOne(args, ['rows', 'gemm', 'conv']);
    needs(args, 'sparsity-gain', 'sparsity');
    const rows = args['rows'] as string | undefined;
    if (rows !== undefined) {
      const { text, file } = readUserFile(rows);
      const report = comparedRows(checkNpuRows(text, file), file);
      const json = args['json'] === true;
      console.log(json ? JSON.stringify(reportJson(report), null, 2) : renderReport(report));
      return undefined;
    }
    const shape = shapeOption(args);
    const machine = benchMachine(args);
    const { results, notes } = runRules(args, machine, shape);
    if (args['json'] === true) {
      const all = results.map((result) => resultJson(result, shape, machine));
      console.log(JSON.stringify(args['rule'] === 'all' ? all : all[0], null, 2));
    } else {
      console.log(renderResults(results, machine));
      for (const note of [...machine.notes, ...notes]) console.log(note);
    }
    return undefined;
  },
};

function runRules(args: Args, { build }: BenchMachine, shape: BenchShape) {
  const run = (rule: AccountingRuleName): RuleResult => {
    const bench = build(rule);
    checkLocalMemory(bench, shape);
    return { rule, bench, result: runBench(bench, shape) };
  };
  const limitOf = (rule: AccountingRuleName) => ruleLimit(build(rule), shape);
  if (args['rule'] !== 'all') {
    const rule = args['rule'] as AccountingRuleName;
    const limit = limitOf(rule);
    if (limit !== undefined) throw new SpecError([{ path: `--rule ${rule}`, message: limit }]);
    return { results: [run(rule)], notes: [] };
  }
  const results = RULES.filter((rule) => limitOf(rule) === undefined).map(run);
  const notes = RULES.flatMap((rule) => {
    const limit = limitOf(rule);
    return limit === undefined ? [] : [`${rule}: left out: ${limit}`];
  });
  if (!results.some(({ rule }) => rule === 'scale-sim')) return { results, notes };
  const bench = { ...build('scale-sim'), bytesPerCycle: undefined };
  const free = {
    rule: 'scale-sim, unlimited bandwidth',
    bench,
    result: runBench(bench, shape),
  };
  return { results: [...results, free], notes };
}

function shapeOption(args: Args): BenchShape {
  const gemm = args['gemm'] as string | undefined;
  const conv = args['conv'] as string | undefined;
  if (gemm !== undefined && conv === undefined) return parseGemm(gemm);
  if (conv !== undefined && gemm === undefined) return parseConv(conv);
  throw new SpecError([
    { message: 'nothing to run', expected: 'one of --gemm, --conv and --rows' },
  ]);
}
