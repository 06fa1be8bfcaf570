/** Every input of one run: what a scenario file may say, with its defaults. */

import { checkSpec, type Infer, quantity, z } from '../base/schema.ts';
import type { SpecFile } from '../base/spec-file.ts';
import { environmentSchema } from '../hardware/thermal/environment.ts';
import { governors, thermalGovernors } from '../runtime/governors/index.ts';
import { policies } from '../runtime/policies/index.ts';
import { offloadPolicies } from './offload/policies.ts';
import { checkFidelity, checkWorkloads } from './scenario-workloads.ts';
import { ownSecurity, scenarioSecurity } from './secure-scenario.ts';

const names = <T extends object>(record: T) =>
  Object.keys(record) as [keyof T & string, ...(keyof T & string)[]];

/**
 * `analytic` is a closed form: one workload, nothing throttles. `fluid` shares memory among open flows, with control and
 * heat in the loop. `transaction` runs the memory streams of operators through the transaction model of DRAM; for short
 * scenarios.
 */
export const FIDELITIES = ['analytic', 'fluid', 'transaction'] as const;
export type Fidelity = (typeof FIDELITIES)[number];

/** All but `userspace`, which needs a frequency that a scenario has no place for: `--set npu.clock=…` fixes one. */
export const SCENARIO_GOVERNORS = [
  'auto',
  ...names(governors).filter((name) => name !== 'userspace'),
] as const;

/** `auto` is the vendor's own policy where the phone description has one, else `skin-pid`. */
export const SCENARIO_THERMAL_GOVERNORS = ['auto', ...names(thermalGovernors)] as const;

/** When the requests of one of several workloads come; a single one at `start` when none of these is given. */
const arrival = z.strictObject({
  /** Of the first request. */
  start: quantity('time', { min: 0 }).default(0),
  /** One each period, such as the frames of a camera. */
  every: quantity('time').optional(),
  /** By chance, with this mean time between two. */
  poisson: quantity('time').optional(),
  /** A user who asks again this long after an answer. */
  pause: quantity('time', { min: 0 }).optional(),
  /** One for each request of that workload, when it has ended. */
  after: z.string().optional(),
  /** Between the end of that request and this one. */
  delay: quantity('time', { min: 0 }).default(0),
  /** At most so many; needed, or a duration of the scenario, where there would be no end. */
  repeat: z.int().positive().optional(),
});
export type Arrival = Infer<typeof arrival>;

/** One of several workloads that share the phone. */
const sharedWorkload = z.strictObject({
  /** What reports call it; the workload's own name unless given. */
  name: z.string().optional(),
  workload: z.string(),
  /** `path=value` overrides of this workload alone. */
  set: z.array(z.string()).default([]),
  arrival: arrival.prefault({}),
  /** Smaller is more urgent; a step that waits gains one level a second. */
  priority: z.int().min(0).max(9).default(0),
  /** From the arrival of a request to its last output. */
  deadline: quantity('time').optional(),
  /** What becomes of a request whose deadline has passed before it could start. */
  late: z.enum(['serve', 'skip']).default('serve'),
  /** Its requests under way at the same time. */
  concurrent: z.int().positive().default(1),
  /** Who answers, phone or cloud. */
  answeredBy: z.enum(names(offloadPolicies)).default('local'),
  /** As of the scenario, unless given. */
  policy: z.enum(names(policies)).optional(),
  unit: z.string().optional(),
  decodeUnit: z.string().optional(),
  /** How its data are protected; as the scenario's unless given. */
  security: ownSecurity.optional(),
});
export type SharedWorkload = Infer<typeof sharedWorkload>;

/** A cloud that may answer, and the way to it. */
const cloud = z.strictObject({
  /** At the start, under workloads/cloud/links.yaml; `none` is no signal. */
  link: z.string(),
  /** What the link is from later instants on. */
  signal: z.array(z.strictObject({ from: quantity('time'), link: z.string() })).default([]),
  /** Of the endpoint, after its queue. */
  firstToken: quantity('time', { min: 0 }).default(0.4),
  /** Tokens per second of one answer. */
  rate: z.number().positive().default(60),
  /** Mean wait for other users. */
  queue: quantity('time', { min: 0 }).default(0.2),
  /** That the endpoint gives to this phone at the same time. */
  answers: z.int().positive().default(4),
  /** Local model that reads prompts first and takes out what is secret, under `hybrid`. */
  redactor: z.string().default('llama-3.2-1b-chat'),
  /** Prompt tokens that stay on the phone, `by-length`. */
  longest: z.int().positive().default(1024),
  /** Share of a full battery below which the cloud answers, `by-battery`. */
  leastCharge: z.number().min(0).max(1).default(0.3),
  /** A small exchange that takes longer means a weak link, under `fallback`. */
  slowest: quantity('time').default(0.2),
});
export type CloudScenario = Infer<typeof cloud>;

export const scenarioSpec = z.strictObject({
  version: z.literal(1),
  summary: z.string().optional(),
  /** File names under socs, socs/phones and workloads. The phone is the SoC's own unless given. */
  soc: z.string(),
  phone: z.string().optional(),
  workload: z.string().optional(),
  /** Instead of one workload: several that share the phone. */
  workloads: z.array(sharedWorkload).min(1).optional(),
  policy: z.enum(names(policies)).default('single-unit'),
  /** Unit of the policy; the SoC's NPU where it has one. */
  unit: z.string().optional(),
  /** Unit of the generating stage under `stage-wise`; the CPU unless given. */
  decodeUnit: z.string().optional(),
  /** `auto` is what phones do: schedutil with a half-life of 8 ms for CPU clusters, simple-ondemand for the GPU, a performance vote for the NPU. */
  governor: z.enum(SCENARIO_GOVERNORS).default('auto'),
  thermalGovernor: z.enum(SCENARIO_THERMAL_GOVERNORS).default('auto'),
  /** Inference runtime under socs/runtimes: how good its kernels are. */
  runtime: z.string().default('vendor'),
  /** `auto` applies what is shipped for the SoC, `none` nothing; or a bundle that `calibrate device` wrote. */
  calibration: z.string().default('auto'),
  fidelity: z.enum(FIDELITIES).default('fluid'),
  environment: environmentSchema.prefault({}),
  /** `cold` loads the weights from storage before the first request. */
  start: z.enum(['warm', 'cold']).default('warm'),
  /** Models that do not fit in memory together take turns in it, instead of being refused. */
  swap: z
    .strictObject({
      /** What becomes of the key–value cache of a model that goes out. */
      cache: z.enum(['keep', 'drop']).default('keep'),
    })
    .optional(),
  /** Real-time traffic by master, such as `camera: 2.5 GB/s`, on top of the SoC's own or instead of its entry. */
  background: z.record(z.string(), quantity('bandwidth', { min: 0 })).default({}),
  /** How often the request is made, one after the other. */
  repeat: z.int().positive().default(1),
  /** Sustained use: requests follow each other until this much time has passed; the one under way is finished. */
  duration: quantity('time').optional(),
  /** Between the end of one request and the next. */
  pause: quantity('time', { min: 0 }).default(0),
  cloud: cloud.optional(),
  /** How data are protected; not at all when absent. */
  security: scenarioSecurity.optional(),
  seed: z.int().nonnegative().default(1),
  /** `path=value` overrides of any description, before those of the command line. */
  set: z.array(z.string()).default([]),
});

export type Scenario = Infer<typeof scenarioSpec>;

/** @throws SpecError with every fault of the file in one go. */
export function parseScenario(spec: SpecFile): Scenario {
  return checkSpec(spec, scenarioSpec, [checkWorkloads, checkFidelity]);
}
