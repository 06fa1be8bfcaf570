/** Every command by its name, loaded when it is asked for, so that `--help` loads none. */
import type { Command } from './command.ts';

export interface CommandEntry {
  readonly summary: string;
  readonly load: () => Promise<Command>;
}

export const commands: Readonly<Record<string, CommandEntry>> = {
  run: {
    summary: 'simulate one scenario: time, rates, joules, temperatures, and what limits them',
    load: async () => (await import('./run.ts')).run,
  },
  compare: {
    summary: 'several SoCs, workloads or scenario files side by side',
    load: async () => (await import('./compare.ts')).compare,
  },
  sweep: {
    summary: 'what-if sweep over any value of the descriptions, on all cores',
    load: async () => (await import('./sweep.ts')).sweep,
  },
  play: {
    summary:
      'replay a request trace: queueing, time to first token and per-token latency as percentiles',
    load: async () => (await import('./play.ts')).play,
  },
  claims: {
    summary:
      'every checkable claim of the generative-AI-phone white paper: claimed, simulated, verdict',
    load: async () => (await import('./claims.ts')).claims,
  },
  offload: {
    summary:
      'requests answered on the phone, in the cloud or both: latency, energy, bytes that leave by label',
    load: async () => (await import('./offload.ts')).offload,
  },
  list: {
    summary: 'what there is: SoCs, phones, workloads, policies, governors, charts, metrics',
    load: async () => (await import('./list.ts')).list,
  },
  show: {
    summary: 'one entry, with the source and trust of every number',
    load: async () => (await import('./show.ts')).show,
  },
  validate: {
    summary: 'check description files: every fault with line and column',
    load: async () => (await import('./validate.ts')).validate,
  },
  import: {
    summary: 'read an ONNX model of any size, report what is in it, write a workload that runs it',
    load: async () => (await import('./import-model.ts')).importModel,
  },
  'fit dram': {
    summary: 'fit the fluid memory model of speed bins to the transaction model, with residuals',
    load: async () => (await import('./fit-dram.ts')).fitDram,
  },
  'calibrate device': {
    summary: 'predict measured phone results row by row',
    load: async () => (await import('./calibrate-device.ts')).calibrateDevice,
  },
  'calibrate host': {
    summary: 'measure ONNX operators on this machine, fit a host SoC, predict whole models with it',
    load: async () => (await import('./calibrate-host.ts')).calibrateHost,
  },
  'probe dram': {
    summary: 'drive the LPDDR model: bandwidth, latency, rows, energy; replay traces, check rows',
    load: async () => (await import('./probe-dram.ts')).probeDram,
  },
  'probe npu': {
    summary:
      'run one product or convolution on a systolic array, or check against other simulators',
    load: async () => (await import('./probe-npu.ts')).probeNpu,
  },
  'probe thermal': {
    summary: 'drive a heat network with a power trace, or check it against another tool',
    load: async () => (await import('./probe-thermal.ts')).probeThermal,
  },
  'probe governor': {
    summary: 'replay recorded vectors through a thermal governor and list mismatches',
    load: async () => (await import('./probe-governor.ts')).probeGovernor,
  },
  'probe graph': {
    summary: 'operators of a model or workload: arithmetic, bytes, intensity, predicted time',
    load: async () => (await import('./probe-graph.ts')).probeGraph,
  },
};
