/** From the names that a measurement gives (SoC, engine, model) to the descriptions that are there. */
import { parseCsv } from '../../base/csv.ts';
import { GIGA } from '../../base/units.ts';
import { type RuntimeSpec, runsOn } from '../../runtime/runtime-spec.ts';
import { llmParameters } from '../../workload/llm/parameters.ts';
import type { LlmModel } from '../../workload/models/llm-model.ts';
import type { ModelTables } from '../../workload/models/tables.ts';
import { type LlmRow, slug } from './llm-rows.ts';

/** One name for another, and why they may be taken for each other. */
interface Alias {
  readonly to: string;
  readonly why: string;
}
type Aliases = Readonly<Record<string, Alias>>;

/** What rows ask of a SoC beside its name; a part that its file takes from another is left out. */
export interface Chip {
  readonly vendor?: string;
  readonly cores?: number;
  /** Clusters of the CPU by name, with their cores. */
  readonly clusters?: readonly { readonly name: string; readonly count: number }[];
}

/** What there is to map to. */
export interface MappingTables {
  readonly socs: readonly string[];
  /** What descriptions of SoCs say of them: the maker, and the cores of the CPU. */
  readonly chips: Readonly<Record<string, Chip>>;
  /** Other names of SoCs, by slug: whose description they mean, and what that assumes. */
  readonly standIns: Aliases;
  /** Phones by slug of their own name. */
  readonly phones: Readonly<Record<string, string>>;
  readonly runtimes: Readonly<Record<string, RuntimeSpec>>;
  readonly models: ModelTables;
  readonly aliases: Aliases;
}

export interface Found {
  readonly id: string;
  /** Where the answer departs from the row. */
  readonly assumptions: readonly string[];
}
export interface Missing {
  readonly reason: string;
}

/** Reads `workloads/models/aliases.csv`. */
export function parseAliases(text: string, file: string): Aliases {
  const { rows } = parseCsv(text, file, ['name', 'model', 'why']);
  return Object.fromEntries(
    rows.map(({ values }) => [
      values['name'] as string,
      { to: values['model'] as string, why: values['why'] as string },
    ]),
  );
}

/** A chain of stand-ins longer than this ends at another kind of chip. */
const MOST_HOPS = 2;

export function findSoc(
  { soc }: Pick<LlmRow, 'soc'>,
  { socs, standIns }: Pick<MappingTables, 'socs' | 'standIns'>,
): Found | Missing {
  let id = slug(soc);
  const assumptions: string[] = [];
  for (let hop = 0; hop <= MOST_HOPS; hop++) {
    const known = [id, id.replaceAll('+', '-plus')].find((one) => socs.includes(one));
    if (known) return { id: known, assumptions };
    const next = standIns[id];
    if (!next) break;
    assumptions.push(`${next.to} for ${hop === 0 ? soc : id}: ${next.why}`);
    id = next.to;
  }
  return { reason: `no description of SoC "${soc}"` };
}

type EngineRow = Pick<LlmRow, 'runtime' | 'remarks' | 'activationBits'>;
interface Place {
  /** Kind of unit. */
  readonly kind: string;
  /** Of the SoC; any where absent. */
  readonly vendor?: string | undefined;
}

/** OpenCL has never been a framework of iOS (developer.apple.com/opencl: macOS alone, deprecated since 10.14). */
const WITHOUT_OPENCL = /^Apple$/;

/**
 * The class of a row's engine: one whose pattern fits the row before one without a pattern; an engine's back end
 * (in brackets) may be left out by the tables or by the row.
 */
export function findRuntime(
  row: EngineRow,
  place: Place,
  tables: Pick<MappingTables, 'runtimes'>,
): { readonly runtime: RuntimeSpec; readonly assumptions: readonly string[] } | Missing {
  const all = Object.values(tables.runtimes);
  if (/opencl/i.test(row.runtime) && WITHOUT_OPENCL.test(place.vendor ?? ''))
    return {
      reason: `${row.runtime}: phones by ${place.vendor} have no OpenCL; engines run on Metal there`,
    };
  for (const name of namesFor(row.runtime, all)) {
    const maker = makerFor(name, all);
    if (place.vendor !== undefined && maker !== undefined && maker !== place.vendor)
      return { reason: `${name} runs on SoCs by ${maker}, not on one by ${place.vendor}` };
    const classes = all.filter(
      (one) => one.aliases.includes(name) && runsOn(one, place.kind, place.vendor),
    );
    const runtime = nearestClass(row, classes);
    if (runtime) {
      const departs = isSame(name, row.runtime) ? [] : [`${name} for ${row.runtime}`];
      return { runtime, assumptions: departs };
    }
  }
  return { reason: noClass(row.runtime, place, all) };
}

function nearestClass(row: EngineRow, classes: readonly RuntimeSpec[]): RuntimeSpec | undefined {
  const text = `${row.remarks}; activations ${row.activationBits}`;
  const fitting = classes.filter(({ when }) => when && new RegExp(when).test(text));
  // A build of a class that fits as well is the nearer one.
  const nearest = fitting.find(({ name }) => !fitting.some(({ family }) => family === name));
  return nearest ?? classes.find(({ when }) => !when);
}

/** The one maker of SoCs that an engine is for, if it is for one alone. */
function makerFor(name: string, runtimes: readonly RuntimeSpec[]): string | undefined {
  const makers = runtimes.flatMap(({ madeFor }) => Object.entries(madeFor));
  return makers.find(([, names]) => names.includes(name))?.[0];
}

const isSame = (a: string, b: string) => a.toLowerCase() === b.toLowerCase();
const bareOf = (engine: string) => engine.replace(/ \(.*\)$/, '');

/** The engine as written, then without its back end, then known names of which it is a part: Genie is in Genie/QNN. */
function namesFor(engine: string, runtimes: readonly RuntimeSpec[]): Set<string> {
  const known = [...new Set(runtimes.flatMap(({ aliases }) => aliases))];
  const whole = [engine, bareOf(engine)].flatMap((wanted) => [
    wanted,
    ...known.filter((name) => isSame(wanted, name)),
  ]);
  const parts = known.filter((name) =>
    [bareOf(name), ...name.split('/')].some((part) => isSame(engine, part)),
  );
  return new Set([...whole, ...parts]);
}

function noClass(engine: string, { kind, vendor }: Place, runtimes: readonly RuntimeSpec[]) {
  const there = runtimes.filter((one) => runsOn(one, kind, vendor));
  const theirs = there
    .flatMap(({ aliases }) => aliases)
    .filter((name) => [undefined, vendor].includes(makerFor(name, runtimes)));
  const names = [...new Set(theirs.map(bareOf))].sort();
  const where = vendor === undefined ? kind : `${kind} of a SoC by ${vendor}`;
  return `runtime "${engine}" has no class with kernels for the ${where}; engines known there: ${names.join(', ')}`;
}

/** What tables put before the name of a phone that descriptions leave out. */
const MAKERS = /^(samsung|google)-/;

/** A phone's name without its maker's, and without what stands in brackets behind it. */
export function phoneSlug(device: string): string {
  return slug(device.replace(/\(.*$/, '')).replace(MAKERS, '');
}

/** The phone that a row was measured on, where it has a description; its memory where the row says how much. */
export function findPhone(
  { columns }: Pick<LlmRow, 'columns'>,
  { phones }: Pick<MappingTables, 'phones'>,
): { readonly phone?: string; readonly memory?: string } {
  const given = columns['device'] ?? '';
  const phone = phones[phoneSlug(given)];
  const memory = /[(,] ?(\d+ )GB\b/.exec(given)?.[1];
  return { ...(phone && { phone }), ...(memory && { memory: `${memory}GiB` }) };
}

/** Farthest a model of unknown shape may stand from its stand-in, as a ratio of parameters. */
const STAND_IN_RATIO = 1.35;

export function findModel(row: LlmRow, tables: MappingTables): Found | Missing {
  const name = slug(row.model);
  const { models } = tables.models.llm;
  const bare = name.replace(/-(it|chat|instruct)$/, '');
  const alias = tables.aliases[name] ?? tables.aliases[bare];
  for (const id of [name, bare])
    if (!alias && Object.hasOwn(models, id))
      return sizeConflict(row, models[id] as LlmModel) ?? { id, assumptions: [] };
  if (alias) return { id: alias.to, assumptions: [`${alias.to} for ${row.model}: ${alias.why}`] };
  const nearest = nearestBySize(row.billions, tables);
  if (nearest)
    return { id: nearest, assumptions: [`${nearest} stands in for ${row.model} by size`] };
  return { reason: `the shape of ${row.model} is not known` };
}

/** Parameters may be counted with or without tables of embeddings, not with a slipped point. */
const SIZE_RATIO = 1.25;

/** Of experts some publish the active ones, of Gemma's E2B the effective ones: those counts say less than all. */
const COUNTED_APART = /(^|-)e\d+b(-|$)/;

function sizeConflict({ billions }: LlmRow, model: LlmModel): Missing | undefined {
  if (billions === undefined || model.experts || COUNTED_APART.test(model.id)) return undefined;
  const known = llmParameters(model) / GIGA;
  if (Math.abs(Math.log(billions / known)) <= Math.log(SIZE_RATIO)) return undefined;
  return {
    reason: `params_b: does not fit ${model.id}, which has ${known.toPrecision(3)} (got ${billions})`,
  };
}

function nearestBySize(
  billions: number | undefined,
  { models }: MappingTables,
): string | undefined {
  if (billions === undefined) return undefined;
  const distance = (parameters: number) => Math.abs(Math.log(parameters / (billions * GIGA)));
  const dense = Object.values(models.llm.models).filter(({ experts }) => experts === undefined);
  const sorted = dense
    .map((model) => ({ id: model.id, away: distance(llmParameters(model)) }))
    .sort((a, b) => a.away - b.away);
  const best = sorted[0];
  return best && best.away <= Math.log(STAND_IN_RATIO) ? best.id : undefined;
}
