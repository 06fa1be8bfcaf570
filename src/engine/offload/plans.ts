/** Requests as a cloud answers them: what goes up, with which label, and what the phone does before. */
import type { Label } from '../../base/labels.ts';
import type { Bytes, Seconds } from '../../base/units.ts';
import type { Graph, Phase, RemoteWork, RequestPlan } from '../../workload/graph.ts';
import type { OffloadPolicy } from './policies.ts';

export interface Endpoint {
  readonly firstTokenSeconds: Seconds;
  readonly tokensPerSecond: number;
  /** Mean wait for other users before it begins. */
  readonly queueSeconds: Seconds;
}

/** English and code come to about so many bytes a token. */
export const BYTES_PER_TOKEN: Bytes = 4; // OpenAI tokenizer guide: one token is about four characters of English
/** Headers, keys and the frame of a request. */
export const OVERHEAD_BYTES: Bytes = 1500; // one Ethernet frame, IEEE 802.3

const NO_OPERATORS: Graph = { name: 'elsewhere', operators: [], works: [] };
const NO_MEMORY = { weights: 0, kvCache: 0, activations: 0 };

export type Routes = Readonly<Record<'cloud' | 'hybrid', RequestPlan>>;

/** What the gate of a strategy does with prompts that are to leave. */
export type CloudGate = 'raw' | 'redact' | 'block';

/** Who answers in the end what a policy wants answered elsewhere: a prompt of the user's never leaves against the gate. */
export function answeredPast(
  gate: CloudGate,
  where: 'cloud' | 'hybrid',
): 'local' | 'cloud' | 'hybrid' {
  if (gate === 'block') return 'local';
  return gate === 'redact' ? 'hybrid' : where;
}

/** What the phone keeps ready for a request: its own answer, what stands before the cloud's, or both. */
export function keptPlans(
  local: RequestPlan,
  routes: Routes | undefined,
  { staysHere, redacts }: Pick<OffloadPolicy, 'staysHere' | 'redacts'>,
  gate: CloudGate = 'raw',
): readonly RequestPlan[] {
  if (!routes) return [local];
  const where = answeredPast(gate, redacts ? 'hybrid' : 'cloud');
  if (where === 'local') return [local];
  if (!staysHere) return [routes[where]];
  return where === 'hybrid' ? [local, routes.hybrid] : [local];
}

/** What a prompt is to those who see it leave: the user's, or nobody's once it is redacted. */
export function labelOfPrompt(where: 'cloud' | 'hybrid'): Label {
  return where === 'hybrid' ? 'public' : 'user-secret';
}

/** Bytes that leave the phone for a prompt. */
export function bytesUp(promptTokens: number, label: Label): Readonly<Record<Label, Bytes>> {
  const bytes = { public: OVERHEAD_BYTES, 'model-secret': 0, 'user-secret': 0 };
  bytes[label] += promptTokens * BYTES_PER_TOKEN;
  return bytes;
}

/** @param redactor a local model that reads the prompt first, and takes out what is secret. */
export function routesOf(local: RequestPlan, redactor: RequestPlan): Routes {
  const { promptTokens, generatedTokens } = local;
  const lengths = { name: local.name, promptTokens, generatedTokens };
  const redacting = redactor.phases.filter(({ name }) => name === 'prefill');
  return {
    cloud: {
      ...lengths,
      model: 'cloud',
      memory: NO_MEMORY,
      phases: remotePhases(local, 'user-secret'),
    },
    hybrid: {
      ...lengths,
      model: redactor.model ?? redactor.name,
      memory: redactor.memory,
      phases: [
        ...redacting.map((phase) => ({ ...phase, name: 'redact', outputsPerStep: 0 })),
        ...remotePhases(local, 'public'),
      ],
    },
  };
}

/** Phases in which the cloud answers. */
const [ASKED, ANSWERED] = ['cloud', 'answer'];
export const REMOTE_PHASES: ReadonlySet<string> = new Set([ASKED, ANSWERED]);

function remotePhases({ promptTokens, generatedTokens }: RequestPlan, label: Label): Phase[] {
  const tokens = generatedTokens - 1;
  const first = remotePhase(ASKED, { kind: 'exchange', bytes: bytesUp(promptTokens, label) }, 1);
  return tokens > 0 ? [first, remotePhase(ANSWERED, { kind: 'answer', tokens }, tokens)] : [first];
}

function remotePhase(name: string, remote: RemoteWork, outputsPerStep: number): Phase {
  const graph = NO_OPERATORS;
  return { name, graph, steps: 1, contextStart: 0, contextStride: 0, outputsPerStep, remote };
}
