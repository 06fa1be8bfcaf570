/** Scenario + descriptions → a simulation ready to run. */
import { SpecError } from '../base/errors.ts';
import { trustShares } from '../base/provenance.ts';
import { placed, type SpecFile } from '../base/spec-file.ts';
import { type LpddrPreset, parseLpddrPreset } from '../hardware/dram/preset.ts';
import { parseSoc, type SocSpec, socSpec } from '../hardware/soc-spec.ts';
import { environmentSchema } from '../hardware/thermal/environment.ts';
import { type Phone, parsePhone, phoneSchema } from '../hardware/thermal/phone-spec.ts';
import type { Calibration } from '../runtime/calibration-spec.ts';
import type { Governor } from '../runtime/governor.ts';
import { governors } from '../runtime/governors/index.ts';
import { policies } from '../runtime/policies/index.ts';
import { parseRuntime, type RuntimeSpec, runsOn, withNetworks } from '../runtime/runtime-spec.ts';
import type { SchedulingPolicy } from '../runtime/scheduling-policy.ts';
import type { WorkloadSpec } from '../workload/family.ts';
import type { RequestPlan } from '../workload/graph.ts';
import type { ModelTables } from '../workload/models/tables.ts';
import { barredNotes, ownPresetNotes } from './barred-notes.ts';
import { buildMachine, type VoteFile } from './build-machine.ts';
import { coldNotes } from './cold-notes.ts';
import type { Machine } from './machine.ts';
import { cloudOf } from './offload/prepare-cloud.ts';
import { applyOverrides, type OverrideRoots } from './overrides.ts';
import { barredFromNpu, planFor, planSecurity } from './plan-security.ts';
import {
  type PreparedWorkload,
  prepareClients,
  requestsOf,
  workloadRoots,
} from './prepare-clients.ts';
import { recurrenceNotes } from './recurrence-notes.ts';
import type { Job } from './request.ts';
import { parseScenario, type Scenario, type SharedWorkload, scenarioSpec } from './scenario.ts';
import type { Protection } from './secure-run.ts';
import type { Simulation } from './setup.ts';
import { thermalPolicyOf } from './thermal-policy.ts';
import { weightNotes } from './weight-notes.ts';
import { hostNotes, rangeNotes, widthNotes } from './what-if.ts';

/** Where descriptions come from; `load.ts` reads files, a page may hold them in memory. Each throws SpecError for unknown names. */
export interface Sources {
  soc(name: string): SpecFile;
  /** SoCs known beside the shipped ones, by their own names. */
  readonly ownSocs?: readonly string[];
  phone(name: string): SpecFile;
  workload(name: string): SpecFile;
  preset(name: string): SpecFile;
  runtime(name: string): SpecFile;
  /** Links to a cloud: workloads/cloud/links.yaml. */
  links(): SpecFile;
  /** A preset under socs/security. */
  security(name: string): SpecFile;
  readonly tables: ModelTables;
  /** `socs/memory-votes.csv`; CPUs ask for memory clocks in proportion to their own when absent. */
  readonly memoryVotes?: VoteFile | undefined;
  /** SHA-256 by file, of everything handed out so far. */
  /** What measurements say of a SoC, by the scenario's choice; nothing where absent. */
  calibration?(choice: string, soc: string): Calibration;
  readonly hashes: Readonly<Record<string, string>>;
  /** socsim's own version. */
  readonly version: string;
}

/** The descriptions of one run, overrides applied, checked. */
export interface Prepared {
  readonly scenario: Scenario;
  readonly soc: SocSpec;
  /** The description before overrides; the same one where none touches it. */
  readonly base: SocSpec;
  readonly phone: Phone;
  readonly preset: LpddrPreset;
  readonly runtime: RuntimeSpec;
  readonly workload: WorkloadSpec;
  readonly plan: RequestPlan;
  /** All workloads of the scenario; `workload` and `plan` are those of the first. */
  readonly clients: readonly PreparedWorkload[];
  readonly machine: Machine;
  readonly protection?: Protection | undefined;
  readonly calibration: Calibration | undefined;
}

/** Families of workloads whose measurements calibrations were fitted to, or that run the same kernels. */
const CALIBRATED: ReadonlySet<string> = new Set(['llm', 'vision-language', 'audio-language']);
/** Families of plain networks, as a vendor's compiler takes them whole. */
const NETWORKS: ReadonlySet<string> = new Set(['diffusion', 'onnx', 'vision']);
/** Frequency governors look every 10 ms: the scheduler tick of an Android kernel built with HZ=100. */
const CONTROL_PERIOD = 0.01;
/** Thermal governors are offered every look and poll at their own pace (10 ms for junctions, seconds for skin). */
const THERMAL_EVERY = 1;

/** Raw descriptions by the first word of their override paths. */
export function overrideRoots(scenarioFile: SpecFile, sources: Sources) {
  const scenario = parseScenario(scenarioFile);
  const soc = sources.soc(scenario.soc);
  const phoneName = scenario.phone ?? String((soc.data as { phone?: unknown }).phone);
  return {
    scenario: { spec: scenarioFile, schema: scenarioSpec },
    soc: { spec: soc, schema: socSpec },
    phone: { spec: sources.phone(phoneName), schema: phoneSchema },
    ...workloadRoots(scenario, sources),
  } satisfies OverrideRoots;
}

/**
 * Applies overrides, checks every description and builds the machine.
 * @param overrides `path=value` texts after those of the scenario itself.
 * @throws SpecError with every fault.
 */
export function prepare(
  scenarioFile: SpecFile,
  overrides: readonly string[],
  sources: Sources,
): Prepared {
  const roots = overrideRoots(scenarioFile, sources);
  const own = parseScenario(scenarioFile).set;
  const specs = applyOverrides(roots, [...own, ...overrides]);
  const scenario = parseScenario(specs.scenario);
  refuseOtherFiles(roots.scenario.spec, specs.scenario);
  const soc = parseSoc(specs.soc);
  const base = specs.soc === roots.soc.spec ? soc : parseSoc(roots.soc.spec);
  const phone = parsePhone(specs.phone);
  thermalPolicyOf(scenario, soc, phone, specs.phone);
  const preset = parseLpddrPreset(sources.preset(soc.memory.preset));
  const { clients, protection } = protectedClients(scenario, soc, specs, sources);
  const { workload, plan } = clients[0]!;
  const families = clients.map((client) => client.workload.family);
  const runtime = runtimeFor(scenario.runtime, soc.vendor, families, sources);
  const calibration = CALIBRATED.has(workload.family)
    ? sources.calibration?.(scenario.calibration, soc.name)
    : undefined;
  const engine = calibration?.engine(runtime) ?? runtime.name;
  const machine = buildMachine({
    soc,
    base,
    phone,
    preset,
    runtime,
    environment: scenario.environment,
    background: scenario.background,
    fidelity: scenario.fidelity,
    tuning: calibration && ((unit) => calibration.tuning(engine, unit, soc.vendor)),
    memoryVotes: sources.memoryVotes,
  });
  return {
    scenario,
    soc,
    base,
    phone,
    preset,
    runtime,
    workload,
    plan,
    clients,
    machine,
    protection,
    calibration,
  };
}

/** The workloads as their engine takes them, and how they are protected. @throws SpecError */
function protectedClients(
  scenario: Scenario,
  soc: SocSpec,
  specs: Readonly<Record<string, SpecFile>> & { readonly scenario: SpecFile },
  sources: Sources,
): { clients: PreparedWorkload[]; protection: Protection | undefined } {
  const runtime = parseRuntime(sources.runtime(scenario.runtime));
  const clientsWith = (protection?: Protection) => {
    const kindOf = (own: Partial<SharedWorkload>) => {
      const { unit } = unitsOf({ scenario, soc, protection }, own);
      return soc.units[unit]?.kind ?? unit;
    };
    return prepareClients(scenario, specs, sources, { runtime, kindOf });
  };
  const protectionOf = (clients: readonly PreparedWorkload[]) => {
    const plans = placed(specs.scenario, ['security'], () =>
      planSecurity(scenario, soc, clients, (name, path) =>
        placed(specs.scenario, path, () => sources.security(name)),
      ),
    );
    return plans && { plans };
  };
  const clients = clientsWith();
  const protection = protectionOf(clients);
  // Protection that keeps a workload off the NPU also keeps it from the graphs compiled for that.
  if (!protection?.plans.some(({ strategy }) => barredFromNpu(strategy)))
    return { clients, protection };
  const elsewhere = clientsWith(protection);
  return { clients: elsewhere, protection: protectionOf(elsewhere) };
}

/** The runtime of workloads: where all are networks, these may have kernels of their own. @throws SpecError */
function runtimeFor(
  name: string,
  vendor: string,
  families: readonly string[],
  sources: Sources,
): RuntimeSpec {
  const runtime = parseRuntime(sources.runtime(name));
  const networks = runtime.networks[vendor];
  if (networks === undefined || !families.every((each) => NETWORKS.has(each))) return runtime;
  return withNetworks(runtime, parseRuntime(sources.runtime(networks)));
}

/** Keys that name files are no values: the files are read before values are changed. */
function refuseOtherFiles(before: SpecFile, after: SpecFile): void {
  const was = filesNamed(before);
  const changed = [...filesNamed(after)].filter(([path, name]) => was.get(path) !== name);
  if (changed.length === 0) return;
  throw new SpecError(
    changed.map(([path]) => {
      const key = path.split('.').at(-1) as string;
      const hint =
        key === path ? `use --${key} NAME, or an axis named ${key}` : 'change the scenario file';
      return {
        file: `--set scenario.${path}`,
        message: `a ${key} cannot be chosen this way`,
        hint,
      };
    }),
  );
}

/** Names of description files in a scenario, by path. */
function filesNamed({ data }: SpecFile): ReadonlyMap<string, string> {
  const scenario = data as Readonly<Record<string, unknown>>;
  const { workloads } = scenario;
  const list = Array.isArray(workloads) ? (workloads as (Record<string, unknown> | null)[]) : [];
  return new Map([
    ...['soc', 'phone', 'workload'].map((key) => [key, String(scenario[key])] as const),
    ...list.map((entry, i) => [`workloads.${i}.workload`, String(entry?.['workload'])] as const),
  ]);
}

/** @throws SpecError when a unit that the scenario asks for has no kernels of its runtime. */
function requireKernels({ runtime, soc }: Prepared, units: readonly string[]): void {
  const kinds = Object.keys(runtime.kernels).filter((kind) => runsOn(runtime, kind, soc.vendor));
  const faults = units
    .filter(
      (unit) =>
        Object.hasOwn(soc.units, unit) && !runsOn(runtime, soc.units[unit]!.kind, soc.vendor),
    )
    .map((unit) => ({
      message: `runtime "${runtime.name}" has no kernels for the ${unit} of a SoC by ${soc.vendor}`,
      hint:
        kinds.length > 0
          ? `it runs on ${kinds.join(', ')}; choose --unit or --runtime`
          : 'it runs on no unit of this vendor; choose --runtime',
    }));
  if (faults.length > 0) throw new SpecError(faults);
}

/**
 * The machine of a SoC in its own phone, for looking at single operators and graphs.
 * @param family of the workload; a language model's where absent.
 * @throws SpecError
 */
export function prepareMachine(
  socName: string,
  sources: Sources,
  runtimeName = 'vendor',
  family = 'llm',
): Machine {
  const { vendor } = parseSoc(sources.soc(socName));
  return machineWith(socName, sources, runtimeFor(runtimeName, vendor, [family], sources));
}

/**
 * As `prepareMachine`, with a runtime class that need not be a file.
 * @param overrides `path=value` texts for the description of the SoC.
 * @throws SpecError
 */
export function machineWith(
  socName: string,
  sources: Sources,
  runtime: RuntimeSpec,
  overrides: readonly string[] = [],
): Machine {
  const specs = applyOverrides({ soc: { spec: sources.soc(socName), schema: socSpec } }, overrides);
  const soc = parseSoc(specs.soc);
  const phone = parsePhone(sources.phone(soc.phone));
  const preset = parseLpddrPreset(sources.preset(soc.memory.preset));
  return buildMachine({ soc, phone, preset, runtime, environment: environmentSchema.parse({}) });
}

/** The policy of the scenario, or of one workload that has its own. @throws SpecError when its unit has no kernels. */
export function policyFor(prepared: Prepared, own: Partial<SharedWorkload> = {}): SchedulingPolicy {
  const { scenario } = prepared;
  const { unit, decodeUnit } = unitsOf(prepared, own);
  const name = own.policy ?? scenario.policy;
  const needed = { 'single-unit': [unit], 'stage-wise': [unit, decodeUnit] };
  if (name in needed) requireKernels(prepared, needed[name as keyof typeof needed]);
  return policies[name].create({ unit, decodeUnit, refuge: prepared.runtime.refuge?.is });
}

function unitsOf(
  { scenario, soc, protection }: Pick<Prepared, 'scenario' | 'soc' | 'protection'>,
  own: Pick<Partial<SharedWorkload>, 'name' | 'workload' | 'unit' | 'decodeUnit'>,
) {
  // Protected jobs that have no way onto the NPU go to the CPU.
  const plan = protection && planFor(protection.plans, own.name ?? own.workload);
  const first = plan && barredFromNpu(plan.strategy) ? 'cpu' : 'npu';
  const best = Object.hasOwn(soc.units, first) ? first : Object.keys(soc.units)[0]!;
  const unit = own.unit ?? scenario.unit ?? best;
  const cpu = Object.hasOwn(soc.units, 'cpu') ? 'cpu' : unit;
  return { unit, decodeUnit: own.decodeUnit ?? scenario.decodeUnit ?? cpu };
}

/** Fresh governors and the scenario's requests (or those `given`) around a prepared machine. */
export function buildSimulation(
  prepared: Prepared,
  overrides: readonly string[],
  sources: Sources,
  given?: readonly Job[],
): Simulation {
  const { scenario, soc, phone, calibration, machine } = prepared;
  const thermal = thermalPolicyOf(scenario, soc, phone);
  const { unit } = unitsOf(prepared, {});
  const several = scenario.workloads !== undefined;
  return {
    machine,
    ...(given ? { jobs: given } : requestsOf(prepared, (entry) => policyFor(prepared, entry))),
    policy: policyFor(prepared, {}),
    governors: machine.domains.map((_, d) => governorOf(scenario, machine, d)),
    memoryGovernor: memoryGovernorOf(scenario),
    thermalGovernor: thermal.governor,
    cold: scenario.start === 'cold',
    swap: scenario.swap,
    cloud: scenario.cloud && cloudOf(scenario.cloud, sources.links(), scenario.seed),
    protection: prepared.protection,
    concurrent: 1,
    controlPeriod: CONTROL_PERIOD,
    thermalEvery: THERMAL_EVERY,
    inputs: {
      soc: soc.name,
      phone: phone.name,
      workload: prepared.clients.map(({ name, file }) => (several ? name : file)).join(', '),
      policy: scenario.policy === 'single-unit' ? `single-unit (${unit})` : scenario.policy,
      governor: scenario.governor,
      thermalGovernor: thermal.label,
      runtime: scenario.runtime,
      fidelity: scenario.fidelity,
      ...(calibration && { calibration: calibration.name }),
      seed: scenario.seed,
      overrides: [...scenario.set, ...overrides],
      hashes: sources.hashes,
      version: sources.version,
    },
    ...(calibration &&
      !several && { bands: { calibration, runtime: calibration.engine(prepared.runtime) } }),
    // What is not in use says nothing about the run.
    trust: trustShares(prepared.protection ? soc : { ...soc, security: undefined }, phone),
    notes: [
      ...thermal.notes,
      ...rangeNotes(soc),
      ...widthNotes(soc, prepared.base, prepared.preset),
      ...hostNotes(soc),
      ...coldNotes(scenario.start === 'cold', prepared.protection?.plans),
      ...ownPresetNotes(scenario),
      ...barredNotes(soc, prepared.protection?.plans, scenario.unit !== undefined),
    ],
    notesOfUse: (rows) => {
      const plans = prepared.clients.map(({ plan }) => plan);
      return [
        ...weightNotes(soc, prepared.base, plans, rows),
        ...recurrenceNotes(soc, prepared.runtime, plans, rows),
      ];
    },
  };
}

/**
 * Half-life of utilisation on phones: kernels run it four times as fast as mainline (`sched_pelt_multiplier=4` on the
 * command lines of Pixels and of an Xperia 1 V); "many of the Android devices still prefer to run PELT with a shorter
 * halflife", linux-kernel, 29 August 2022.
 */
const PHONE_SCHEDUTIL = { halfLife: '8.192 ms' };
/** Drivers of NPUs vote for the highest clock while a graph runs; CPUs and GPUs follow their load. */
const AUTO_GOVERNORS: Readonly<Record<string, () => Governor>> = {
  cpu: () => governors.schedutil.create(PHONE_SCHEDUTIL),
  gpu: () => governors['simple-ondemand'].create(),
  npu: () => governors.performance.create(),
};

function governorOf({ governor }: Scenario, machine: Machine, domain: number): Governor {
  if (governor !== 'auto') return governors[governor].create();
  const owner = machine.units.find(({ domains }) => domains.includes(domain));
  return AUTO_GOVERNORS[owner?.unit.kind ?? 'cpu']!();
}

/** Votes unless the scenario asks for one governor everywhere; schedutil is for CPUs only. */
function memoryGovernorOf({ governor }: Scenario): Governor | undefined {
  if (governor === 'auto' || governor === 'schedutil') return undefined;
  return governors[governor].create();
}
