/** What the schema of a scenario cannot see of its workloads: one or several, each with an end, none before its cause;
 * and whether the fidelity asked for knows what it holds. */
import { nearestHint } from '../base/registry.ts';
import type { CrossFault } from '../base/schema.ts';

type Data = Readonly<Record<string, unknown>>;

/** First words of override paths. */
const ROOTS = ['scenario', 'soc', 'phone', 'workload'];
const PATTERNS = ['every', 'poisson', 'pause', 'after'];

export function checkWorkloads(data: unknown): readonly CrossFault[] {
  const scenario = (data ?? {}) as Data;
  const { workload, workloads } = scenario;
  if (workloads === undefined) {
    const expected = 'the name of a workload (or workloads: a list of them)';
    return workload === undefined ? [{ path: ['workload'], message: 'missing', expected }] : [];
  }
  if (!Array.isArray(workloads)) return [];
  const list = workloads.map((entry) => (entry ?? {}) as Data);
  const names = list.map(({ name, workload: own }) => String(name ?? own));
  return [
    ...strayKeys(scenario),
    ...list.flatMap((entry, i) => checkName(names, entry, i)),
    ...list.flatMap((entry, i) =>
      checkArrival(
        arrivalOf(entry),
        ['workloads', i, 'arrival'],
        scenario['duration'] !== undefined,
      ),
    ),
    ...list.flatMap((entry, i) => checkAnswers(entry, scenario['cloud'], i)),
    ...list.flatMap((_, i) => checkCause(names, list.map(arrivalOf), i)),
  ];
}

/** The closed form knows one request at a time, and no protection. */
export function checkFidelity(data: unknown): readonly CrossFault[] {
  const scenario = (data ?? {}) as Data;
  if (scenario['fidelity'] !== 'analytic') return [];
  return ['workloads', 'security']
    .filter((key) => scenario[key] !== undefined)
    .map((key) => ({
      path: [key],
      message: 'is unknown to fidelity analytic, which is a closed form of one plain workload',
      hint: 'use fidelity: fluid',
    }));
}

function arrivalOf(entry: Data): Data {
  return (entry['arrival'] ?? {}) as Data;
}

/** What belongs to a scenario of one workload. */
function strayKeys(scenario: Data): CrossFault[] {
  return ['workload', 'repeat', 'pause']
    .filter((key) => scenario[key] !== undefined)
    .map((key) => ({
      path: [key],
      message: 'has no place beside workloads:',
      hint: key === 'workload' ? 'name it in the list' : 'give it in the arrival of one of them',
    }));
}

function checkName(names: readonly string[], entry: Data, i: number): CrossFault[] {
  const name = names[i] as string;
  const path = ['workloads', i, entry['name'] === undefined ? 'workload' : 'name'];
  if (ROOTS.includes(name)) return [{ path, message: `"${name}" means something else in --set` }];
  if (names.indexOf(name) === i) return [];
  return [
    { path, message: `two workloads are called "${name}"`, hint: 'add another name: to one' },
  ];
}

/** A rule that may ask a cloud needs a link to one. */
function checkAnswers({ answeredBy = 'local' }: Data, cloud: unknown, i: number): CrossFault[] {
  if (answeredBy === 'local' || cloud !== undefined) return [];
  const message = `${String(answeredBy)} needs a link to the cloud`;
  const hint = 'add cloud: { link: 5g } to the scenario, or choose local';
  return [{ path: ['workloads', i, 'answeredBy'], message, hint }];
}

function checkArrival(arrival: Data, path: (string | number)[], ends: boolean): CrossFault[] {
  const given = PATTERNS.filter((key) => arrival[key] !== undefined);
  const faults: CrossFault[] = given.slice(1).map((key) => ({
    path: [...path, key],
    message: `requests come by one pattern, and ${given[0]} is given`,
    expected: `one of ${PATTERNS.join(', ')}`,
  }));
  const bounded = ends || arrival['repeat'] !== undefined || given[0] === 'after';
  if (given.length > 0 && !bounded) {
    const hint = 'add repeat: N, or a duration of the scenario';
    faults.push({ path, message: 'has no end', hint });
  }
  if (arrival['delay'] !== undefined && arrival['after'] === undefined)
    faults.push({ path: [...path, 'delay'], message: 'has no effect without after' });
  return faults;
}

/** `after` names a workload, and the way back from it ends at one that starts by itself. */
function checkCause(names: readonly string[], arrivals: readonly Data[], i: number): CrossFault[] {
  const cause = arrivals[i]!['after'];
  if (typeof cause !== 'string') return [];
  const path = ['workloads', i, 'arrival', 'after'];
  if (!names.includes(cause))
    return [{ path, message: `no workload "${cause}"`, hint: nearestHint(cause, names) }];
  let at: unknown = cause;
  for (let step = 0; step < names.length; step++) {
    at = arrivals[names.indexOf(String(at))]?.['after'];
    if (at === undefined) return [];
  }
  return [{ path, message: 'waits for itself', expected: 'a workload that starts by itself' }];
}
