/** Every input of one run: what a scenario file may say, with its defaults. */
import { checkSpec, type Infer, quantity, z } from '../base/schema.ts';
import type { SpecFile } from '../base/spec-file.ts';
import { environmentSchema } from '../hardware/thermal/environment.ts';
import { governors, thermalGovernors } from '../runtime/governors/index.ts';
import { policies } from '../runtime/policies/index.ts';

const names = <T extends object>(record: T) =>
  Object.keys(record) as [keyof T & string, ...(keyof T & string)[]];

/** `transaction` runs the memory streams of operators through the transaction model of DRAM; for short scenarios. */
export const FIDELITIES = ['fluid', 'transaction'] as const;
export type Fidelity = (typeof FIDELITIES)[number];

/** All but `userspace`, which needs a frequency that a scenario has no place for: `--set npu.clock=…` fixes one. */
export const SCENARIO_GOVERNORS = [
  'auto',
  ...names(governors).filter((name) => name !== 'userspace'),
] as const;

/** `auto` is the vendor's own policy where the phone description has one, else `skin-pid`. */
export const SCENARIO_THERMAL_GOVERNORS = ['auto', ...names(thermalGovernors)] as const;

export const scenarioSpec = z.strictObject({
  version: z.literal(1),
  summary: z.string().optional(),
  /** File names under socs, socs/phones and workloads. The phone is the SoC's own unless given. */
  soc: z.string(),
  phone: z.string().optional(),
  workload: z.string(),
  policy: z.enum(names(policies)).default('single-unit'),
  /** Unit of the policy; the SoC's NPU where it has one. */
  unit: z.string().optional(),
  /** Unit of the generating stage under `stage-wise`; the CPU unless given. */
  decodeUnit: z.string().optional(),
  /** `auto` is what phones do: schedutil for CPU clusters, simple-ondemand for the GPU, a performance vote for the NPU. */
  governor: z.enum(SCENARIO_GOVERNORS).default('auto'),
  thermalGovernor: z.enum(SCENARIO_THERMAL_GOVERNORS).default('auto'),
  /** Inference runtime under socs/runtimes: how good its kernels are. */
  runtime: z.string().default('vendor'),
  fidelity: z.enum(FIDELITIES).default('fluid'),
  environment: environmentSchema.prefault({}),
  /** `cold` loads the weights from storage before the first request. */
  start: z.enum(['warm', 'cold']).default('warm'),
  /** Real-time traffic by master, such as `camera: 2.5 GB/s`, on top of the SoC's own or instead of its entry. */
  background: z.record(z.string(), quantity('bandwidth', { min: 0 })).default({}),
  /** How often the request is made, one after the other. */
  repeat: z.int().positive().default(1),
  /** Sustained use: requests follow each other until this much time has passed; the one under way is finished. */
  duration: quantity('time').optional(),
  /** Between the end of one request and the next. */
  pause: quantity('time', { min: 0 }).default(0),
  seed: z.int().nonnegative().default(1),
  /** `path=value` overrides of any description, before those of the command line. */
  set: z.array(z.string()).default([]),
});

export type Scenario = Infer<typeof scenarioSpec>;

/** @throws SpecError with every fault of the file in one go. */
export function parseScenario(spec: SpecFile): Scenario {
  return checkSpec(spec, scenarioSpec);
}
