/** Attacks that a scenario tries on a run: each acts on the gates as they stand, and tells what came out. */
import { formatSecrecy, join, PUBLIC, type Secrecy, secrecyOf } from '../base/labels.ts';
import { formatQuantity } from '../base/quantity.ts';
import type { Bytes, Seconds } from '../base/units.ts';
import { type Initiator, initiatorOf } from '../hardware/secure/initiators.ts';
import type { RegionKind } from '../hardware/secure/regions.ts';
import type { SecureSystem, Verdict } from '../hardware/secure/secure-system.ts';
import { TICK } from '../kernel/clock.ts';
import {
  type AttackName,
  kindOfClass,
  protectedKind,
  TENSOR_CLASSES,
  type TensorClass,
} from '../runtime/secure/strategy.ts';
import { barredFromNpu } from './plan-security.ts';
import type { AttackResult, AuditFault } from './secure-audit.ts';
import type { SecurityPlan } from './secure-plan.ts';
import { cipherInitiator } from './secure-restore.ts';

/** What one attack did: the access that decided it, and what it answered. */
interface Attempt {
  readonly initiator: Initiator;
  readonly region: RegionKind;
  readonly tensor: string;
  readonly secrecy: Secrecy;
  readonly verdict: Verdict;
  readonly story: string;
}

export type Wanted = SecurityPlan['scenario']['attacks'][number];
type Attack = (system: SecureSystem, aim: Aim, wanted: Wanted) => Attempt;

/** Whom an attack aims at. */
export interface Aim {
  readonly plan: SecurityPlan;
  /** Memory holds weights as operators use them: not before they were decrypted, nor where the NPU does that as it reads. */
  readonly bare: boolean;
  /** Its operators have begun: a prompt lies there, and pages of a cache. */
  readonly hasRun: boolean;
  /** Some of them on the NPU, which wrote what they made. */
  readonly hasWritten: boolean;
  /** What weights are worth, adapters that lie beside or in them included. */
  readonly held: Secrecy;
  /** What its operators have made until now of all that they read, adapters included. */
  readonly made: Secrecy;
}

interface AttackEntry {
  readonly try: Attack;
  /** The choice that closes it. */
  readonly closedBy: string;
  /** The same where data lie in normal memory, which no firewall keeps from anybody. */
  readonly closedInNormal?: string;
  /** What has to lie in memory for it to get anything; it asks for nothing there unless given. */
  readonly takes?: 'weights' | 'cache' | 'whatever lies there';
  /** It gets the whole object at once; others are probes that show a page. */
  readonly whole?: true;
  /** What it changed stays so, and takes what jobs write from then on. */
  readonly waits?: true;
}

/** What a probe shows: one page, or all of what is smaller. */
const PAGE: Bytes = 4096;

/** Bytes of what an attack aims at; 0 where only the place is known, or another workload has brought it. */
function sizeOf(tensor: string, { demand, hardware }: SecurityPlan): Bytes {
  switch (tensor) {
    case 'local memory':
      return hardware?.accelerator?.localMemory.is ?? 0;
    case 'model file':
      return demand.weights;
    case 'weights':
    case 'kv':
    case 'activations':
    case 'prompt':
      return demand[tensor];
    default:
      return 0;
  }
}

/** What comes out where an attack gets through, and how much of it all that is. */
function takenBy({ whole }: AttackEntry, size: Bytes) {
  const bytes = size > 0 && (whole || size < PAGE) ? size : PAGE;
  const shown = formatQuantity(bytes, 'size', 3);
  const all = formatQuantity(size, 'size', 3);
  if (bytes === size) return { bytes, words: `all ${shown}` };
  return { bytes, words: `a probe of one page, ${shown}${size > 0 ? ` of ${all}` : ''}` };
}

const modelOf = ({ scenario }: SecurityPlan) => secrecyOf(scenario.labels.weights);
const promptOf = ({ scenario }: SecurityPlan) => secrecyOf(scenario.labels.prompt);

/** Classes of data of which some lies in a kind of region now. */
function lyingIn(region: RegionKind, { plan, bare, hasRun }: Aim): TensorClass[] {
  return TENSOR_CLASSES.filter(
    (kind) => kindOfClass(plan.strategy, kind) === region && (kind === 'weights' ? bare : hasRun),
  );
}

/** What those are worth together, without what strategies declare to be given up. */
function secrecyIn(region: RegionKind, aim: Aim): Secrecy {
  const { plan, held, made } = aim;
  const of = { weights: held, kv: made, activations: made, output: made, prompt: promptOf(plan) };
  const { releases } = plan.strategy;
  return lyingIn(region, aim).reduce((all, kind) => {
    const given = releases.filter(({ tensor }) => tensor === kind).flatMap(({ drops }) => drops);
    return join(all, of[kind] & ~secrecyOf(...given));
  }, PUBLIC);
}

/** Reads of a region by a master whose tables the normal world writes as it likes. */
function readBy(initiator: Initiator, who: string): Attack {
  return (system, { plan, held: secrecy }) => {
    const region = kindOfClass(plan.strategy, 'weights');
    system.map(initiator, region, 'normal');
    const verdict = system.access(initiator, region, 'read', secrecy);
    const story = `the normal world maps the weights for the ${who} and lets it read them`;
    return { initiator, region, tensor: 'weights', secrecy, verdict, story };
  };
}

const ATTACKS: Readonly<Record<AttackName, AttackEntry>> = {
  'gpu-reads-carveout': {
    try: readBy('gpu', 'GPU'),
    closedBy: 'firewall: true',
    takes: 'weights',
  },
  'dma-into-secure': {
    try: readBy('dma', 'DMA controller'),
    closedBy: 'firewall: true',
    takes: 'weights',
  },
  'read-model-file': {
    closedBy: 'modelFile: encrypted',
    try: (_, { plan }) => {
      const secrecy = modelOf(plan);
      const plain = plan.strategy.modelFile === 'plain';
      const verdict: Verdict = plain
        ? { kind: 'breach', what: 'disclosure', secrecy }
        : { kind: 'harmless', why: 'the file is ciphertext' };
      const story = 'an application of the normal world reads the model file from storage';
      const kind = { initiator: 'cpu-normal', region: 'normal', tensor: 'model file' } as const;
      return { ...kind, secrecy, verdict, story };
    },
  },
  'decrypt-into-normal': {
    closedBy: 'tablesOwner: secure',
    try: (system, { plan }) => {
      const initiator = cipherInitiator(plan, plan.cipher);
      const secrecy = modelOf(plan);
      const story = 'a compromised driver has the cipher write the model to normal memory';
      const kind = { region: 'normal', tensor: 'weights', secrecy, story } as const;
      const by = initiator ?? 'crypto';
      if (!initiator || !plan.strategy.protects.includes('weights')) {
        const why = 'nothing is decrypted in memory';
        return { ...kind, initiator: by, verdict: { kind: 'harmless', why } };
      }
      const verdict: Verdict = system.map(by, 'normal', 'normal')
        ? system.access(by, 'normal', 'write', secrecy)
        : { kind: 'refused', gate: 'address tables' };
      return { ...kind, initiator: by, verdict };
    },
  },
  'stale-local-memory': {
    closedBy: 'clean: on-switch, or tagged',
    whole: true,
    try: (system, { made }) => {
      const back = system.npuWorld;
      system.switchNpu('normal');
      const verdict = system.readLocalMemory();
      system.switchNpu(back);
      return {
        initiator: 'npu-normal',
        region: 'npu-only',
        tensor: 'local memory',
        secrecy: verdict.kind === 'breach' ? verdict.secrecy : made,
        verdict,
        story: 'the next job of the normal world reads what the last one left in local memory',
      };
    },
  },
  'wrong-smmu-tables': {
    closedBy: 'tablesOwner: secure',
    waits: true,
    try: (system, { plan, made: secrecy }) => {
      const initiator = initiatorOf('npu', plan.strategy.world);
      const story = 'a compromised driver maps normal memory where protected jobs write';
      const kind = { initiator, region: 'normal', tensor: 'activations', secrecy, story } as const;
      if (barredFromNpu(plan.strategy)) {
        const why = 'protected jobs have no way onto the NPU';
        return { ...kind, verdict: { kind: 'harmless', why } };
      }
      if (plan.strategy.protects.length === 0)
        return { ...kind, verdict: { kind: 'harmless', why: 'no job is protected' } };
      const verdict: Verdict = system.map(initiator, 'normal', 'normal')
        ? system.access(initiator, 'normal', 'write', secrecy)
        : { kind: 'refused', gate: 'address tables' };
      return { ...kind, verdict };
    },
  },
  'replay-kv-page': {
    closedBy: 'integrity: tree-less, or counter-tree',
    takes: 'cache',
    try: (system, { plan, made: secrecy }) => {
      const region = kindOfClass(plan.strategy, 'kv');
      const story = 'a probe on the DRAM bus puts an old page of the key–value cache back';
      const verdict = system.replay(region, secrecy);
      return { initiator: 'dma', region, tensor: 'kv', secrecy, verdict, story };
    },
  },
  'raw-cloud-upload': {
    closedBy: 'cloud: redact, or block',
    whole: true,
    try: (system, { plan }) => ({
      initiator: 'modem',
      region: 'normal',
      tensor: 'prompt',
      secrecy: promptOf(plan),
      verdict: system.upload(promptOf(plan), plan.strategy.cloud),
      story: 'the assistant hands the prompt over to the cloud as the user wrote it',
    }),
  },
  'initiator-reads-region': {
    closedBy: 'firewall: true, or fewer rights under security.initiators of the SoC',
    closedInNormal: 'protects: with the data that lie there, such as kv, activations and prompt',
    takes: 'whatever lies there',
    try: (
      system,
      aim,
      { initiator = 'gpu', region = kindOfClass(aim.plan.strategy, 'weights') },
    ) => {
      const secrecy = secrecyIn(region, aim);
      const verdict = system.access(initiator, region, 'read', secrecy);
      const story = `${initiator} reads ${region} memory through the tables that it has`;
      return { initiator, region, tensor: 'whatever lies there', secrecy, verdict, story };
    },
  },
  'bus-snoop': {
    closedBy: 'encryption: inline, and the data in protected memory',
    takes: 'weights',
    try: (system, { plan, held: secrecy }) => {
      const region = kindOfClass(plan.strategy, 'weights');
      const story = 'a probe on the DRAM bus reads the weights as they pass';
      const verdict = system.snoop(region, secrecy);
      return { initiator: 'dma', region, tensor: 'weights', secrecy, verdict, story };
    },
  },
};

/** Of a model that is not there yet, or lies there encrypted. */
const SEALED: Verdict = { kind: 'harmless', why: 'no weights lie there in the clear' };
/** Before the first request, or after all was overwritten. */
const EMPTY: Verdict = { kind: 'harmless', why: 'nothing lies there yet' };

/** Of a place that no data of the workload have come to, or not yet. */
const ABSENT: Verdict = { kind: 'harmless', why: 'nothing of the workload lies there' };
/** Of tables that nobody has used. */
const UNUSED: Verdict = { kind: 'harmless', why: 'no protected job has written through them' };

/** What an access brings of what lies there now. */
function found({ takes, waits }: AttackEntry, { region, verdict }: Attempt, aim: Aim) {
  if (waits && !aim.hasWritten && isOpen(verdict)) return UNUSED;
  if (takes === 'whatever lies there' && isOpen(verdict))
    return lyingIn(region, aim).length > 0 ? verdict : ABSENT;
  if (verdict.kind !== 'breach') return verdict;
  if (takes === 'weights') return aim.bare ? verdict : SEALED;
  return takes === 'cache' && !aim.hasRun ? EMPTY : verdict;
}

/** Whether no gate stood in the way. */
function isOpen({ kind }: Verdict): boolean {
  return kind === 'breach' || kind === 'granted';
}

export interface AttackOutcome {
  readonly result: AttackResult;
  /** Where it was stopped or got through. */
  readonly fault?: AuditFault;
  /** It got past the gates, and takes what jobs of its aim write as soon as one does. */
  readonly waits: boolean;
}

export function tryAttack(
  wanted: Wanted,
  system: SecureSystem,
  aim: Aim,
  now: Seconds,
): AttackOutcome {
  const { kind: name } = wanted;
  const { plan } = aim;
  const entry = ATTACKS[name];
  const attempt = entry.try(system, aim, wanted);
  const closedBy = (attempt.region === 'normal' && entry.closedInNormal) || entry.closedBy;
  const { story } = attempt;
  const taken = takenBy(entry, sizeOf(attempt.tensor, plan));
  const verdict = found(entry, attempt, aim);
  const waits = verdict === UNUSED;
  const told = ending(verdict, taken.words);
  const since = now > wanted.at + TICK ? `, from ${formatQuantity(wanted.at, 'time', 4)} on` : '';
  const result: AttackResult = {
    attack: name,
    seconds: now,
    outcome: told.outcome,
    explanation: `${story}${since}: ${told.text}`,
    ...(told.outcome === 'leak' && { bytes: taken.bytes }),
    ...((told.outcome === 'leak' || told.outcome === 'tampered') && { closedBy }),
  };
  if (told.outcome === 'harmless') return { result, waits };
  const fault: AuditFault = {
    ...(plan.workload !== undefined && { workload: plan.workload }),
    seconds: now,
    initiator: attempt.initiator,
    region: attempt.region === 'secure' ? protectedKind(plan.strategy) : attempt.region,
    tensor: attempt.tensor,
    label: formatSecrecy(attempt.secrecy),
    ...(told.gate !== undefined && { gate: told.gate }),
    message: `${name}: ${result.explanation}`,
  };
  return { result, fault, waits };
}

/** One that was to come when nothing was left to attack. */
export function untried({ kind: attack, at: seconds }: Wanted, end: Seconds): AttackResult {
  const explanation = `the run had ended after ${formatQuantity(end, 'time', 4)}, it was to come at ${formatQuantity(seconds, 'time', 4)}`;
  return { attack, seconds, outcome: 'not tried', explanation };
}

interface Ending {
  readonly outcome: AttackResult['outcome'];
  readonly text: string;
  readonly gate?: string;
}

/** @param taken how much it got, if it got anything. */
function ending(verdict: Verdict, taken: string): Ending {
  switch (verdict.kind) {
    case 'refused':
      return {
        outcome: 'stopped',
        text: `stopped by the ${verdict.gate}`,
        gate: verdict.gate,
      };
    case 'harmless':
      return { outcome: 'harmless', text: verdict.why };
    case 'granted':
      return { outcome: 'harmless', text: 'it carries no secret' };
    case 'breach': {
      const data = `${formatSecrecy(verdict.secrecy)} data`;
      if (verdict.what === 'replay') {
        const text = `old ${data} are taken for the newest; nothing is disclosed, but answers go on from what is no longer so`;
        return { outcome: 'tampered', text };
      }
      return { outcome: 'leak', text: `${data} come out (${taken})` };
    }
  }
}
