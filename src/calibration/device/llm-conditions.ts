/** What the notes of a measured row say of the conditions it ran under: clocks, threads, cores. */
import type { Chip, Missing } from './llm-names.ts';
import type { LlmRow } from './llm-rows.ts';

const WORDS = ['zero', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight'];
const COUNT = `\\d+|${WORDS.join('|')}`;
const THREADS = new RegExp(
  `\\b(${COUNT})[- ]threads?\\b|(?<!\\S)-t ?(\\d+)\\b|(?:\\b|_)threads(?: ?[=:] ?| )(\\d+)\\b|\\b(single)[- ]thread(?:ed)?\\b`,
  'i',
);
/** Cores that a run was given, not those that a phone has; `6+2 cores` are the latter. */
const CORES = new RegExp(
  `(?:(?:on|with|to|using) |^|[;,] ?)(${COUNT})[- ](?:big |prime |performance |middle |cpu )?cores?\\b`,
  'i',
);

function countOf(text: string): number {
  const word = WORDS.indexOf(text.toLowerCase());
  if (word >= 0) return word;
  return /^\d/.test(text) ? Number(text) : 1;
}

/** Threads that notes give, and where that is read out of the cores they name. */
function threadsOf(row: LlmRow): { readonly threads?: number; readonly assumption?: string } {
  const given = THREADS.exec(row.remarks)?.slice(1).find(Boolean);
  if (given) return { threads: countOf(given) };
  // The title of a source may speak of any phone.
  const cores = CORES.exec(row.columns['notes'] ?? '')?.[1];
  if (!cores) return {};
  const threads = countOf(cores);
  const plural = threads === 1 ? '' : 's';
  return { threads, assumption: `${threads} thread${plural} for ${threads} core${plural}` };
}

/** Clusters that notes hold a run on, as masks of `taskset` do: `on the middle cores`. */
const HELD = /\bon the (\w+) cores\b/i;

interface Conditions {
  /** Entries of `set`. */
  readonly set: readonly string[];
  readonly assumptions: readonly string[];
}

/** Clocks, threads and cores that a measurement fixed. */
export function conditionsOf(row: LlmRow, kind: string, chip: Chip): Conditions | Missing {
  if (kind === 'cpu') return coresOf(row, chip);
  const pinned = /GPU pinned (\d+) MHz|effective GPU clock (\d+) MHz/.exec(row.remarks);
  if (kind === 'gpu' && pinned) {
    const megahertz = Number(pinned[1] ?? pinned[2]);
    if (megahertz === 0) return { reason: 'its notes give a GPU clock of 0 MHz' };
    return { set: [`gpu.clock=${megahertz} MHz`], assumptions: [] };
  }
  return { set: [], assumptions: [] };
}

function coresOf(row: LlmRow, chip: Chip): Conditions | Missing {
  const { threads, assumption } = threadsOf(row);
  if (threads === 0) return { reason: 'its notes give 0 threads' };
  const { set, cores = Number.POSITIVE_INFINITY, place, assumptions } = heldOf(row, chip);
  const more = threads !== undefined && threads > cores;
  return {
    set: [...(threads === undefined ? [] : [`cpu.threads=${more ? cores : threads}`]), ...set],
    assumptions: [
      ...(assumption === undefined ? [] : [assumption]),
      ...(more ? [`${cores} threads for ${threads}: one for each ${place}`] : []),
      ...assumptions,
    ],
  };
}

/** `on the four cores` counts them and `on the CPU cores` tells them from others: neither names a cluster. */
const UNNAMED = new Set([...WORDS, 'cpu', 'physical', 'same']);

/** The cores that threads may run on. */
function heldOf(row: LlmRow, { cores, clusters = [] }: Chip) {
  const all = { set: [], cores, place: 'core', assumptions: [] };
  const named = HELD.exec(row.columns['notes'] ?? '')?.[1]?.toLowerCase();
  if (named === undefined || UNNAMED.has(named) || /^\d+$/.test(named)) return all;
  // Cores of one name that differ in clock are clusters of their own: middle and middle-slow.
  const held = clusters.filter(({ name }) => name === named || name.startsWith(`${named}-`));
  if (held.length === 0) {
    const known = clusters.map(({ name }) => name).join(', ');
    const which = known === '' ? 'the SoC names no clusters' : `its clusters are ${known}`;
    return { ...all, assumptions: [`all cores for "on the ${named} cores": ${which}`] };
  }
  return {
    set: [`cpu.affinity=${held.map(({ name }) => name).join(' ')}`],
    cores: held.reduce((sum, { count }) => sum + count, 0),
    place: `${named} core`,
    assumptions: [],
  };
}
