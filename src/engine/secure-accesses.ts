/** What one operator of a protected run accesses, by the secrets that it works on. */
import { EVERY_SECRET, PUBLIC, type Secrecy } from '../base/labels.ts';
import type { Bytes } from '../base/units.ts';
import { bringsOnly, type Work } from '../base/work.ts';
import type { Initiator } from '../hardware/secure/initiators.ts';
import type { RegionKind } from '../hardware/secure/regions.ts';
import type { FlowLabels } from '../runtime/secure/label-flow.ts';
import type { TensorClass } from '../runtime/secure/strategy.ts';
import { passesAgain } from './secure-opening.ts';
import type { SecurityPlan } from './secure-plan.ts';
import { cipherInitiator, isSealed, landingKind } from './secure-restore.ts';

/** Kinds of bytes that an operator moves, in this order in `FlowTable.bytes`. */
const PARTS = [
  'weights',
  'inputs',
  'kvRead',
  'kvWrite',
  'results',
  'paged',
  'sealed',
  'opened',
] as const;
export const WIDTH = PARTS.length;
/** What the drive writes; ciphers read and write what comes after it. */
export const PAGED = PARTS.indexOf('paged');
/** Of secrecy. */
const LEVELS = EVERY_SECRET + 1;

/** What one access is, apart from its bytes. */
export interface AccessKind {
  readonly access: 'read' | 'write';
  readonly tensor: TensorClass | 'model file';
  readonly secrecy: Secrecy;
  /** Who makes it, and where, if not the unit in the place of the tensor. */
  readonly initiator?: Initiator;
  readonly region?: RegionKind;
}

/** Where a phase stands: later ones go on from the cache that the `first` filled. */
export interface Place {
  readonly first: boolean;
  /** Its roots read what the user gave, later ones what was made of it. */
  readonly readsPrompt: boolean;
  /** It makes weights of weights and adapters. */
  readonly adapts: boolean;
  /** Operators whose weights such a phase before it wrote anew. */
  readonly merged: ReadonlySet<string>;
  /** In what was generated before it, an adapter of another phase had a part. */
  readonly adapted: boolean;
}

interface OperatorSecrecy {
  /** It reads what the request begins with. */
  readonly isRoot: boolean;
  readonly weights: Secrecy;
  readonly inputs: Secrecy;
  readonly results: Secrecy;
  readonly kv: Secrecy;
}

type Access = readonly [part: number, row: number];

/** What an operator's inputs and results are. */
function placesOf({ readsPrompt, adapts }: Place, isRoot: boolean) {
  if (adapts) return { inputs: 'weights', results: 'weights' } as const;
  const inputs = readsPrompt && isRoot ? 'prompt' : 'activations';
  return { inputs, results: 'activations' } as const;
}

/** Experts and adapters that the drive brings during a step, where it may write; a cipher takes them from there. */
function pagedInto(plan: SecurityPlan, secrecy: Secrecy): [number, AccessKind][] {
  const region = landingKind(plan);
  const sealed = isSealed(plan);
  const file = { tensor: 'model file', region, secrecy: sealed ? PUBLIC : secrecy } as const;
  const found: [number, AccessKind][] = [
    [PAGED, { ...file, access: 'write', initiator: 'storage' }],
  ];
  const initiator = cipherInitiator(plan, plan.cipher);
  if (passesAgain(plan) === 0 || !initiator) return found;
  found.push([PARTS.indexOf('sealed'), { ...file, access: 'read', initiator }]);
  const opened = { access: 'write', tensor: 'weights', secrecy, initiator } as const;
  found.push([PARTS.indexOf('opened'), opened]);
  return found;
}

/** In the order of `PARTS`, those of paged weights last. */
export function accessesOf(
  plan: SecurityPlan,
  place: Place,
  work: Work,
  of: OperatorSecrecy,
): [number, AccessKind][] {
  const places = placesOf(place, of.isRoot);
  const found: [number, AccessKind][] = [];
  const add = (
    part: (typeof PARTS)[number],
    bytes: Bytes,
    access: 'read' | 'write',
    tensor: TensorClass,
    secrecy: Secrecy,
  ) => {
    if (bytes > 0) found.push([PARTS.indexOf(part), { access, tensor, secrecy }]);
  };
  add('weights', work.weightBytes, 'read', 'weights', of.weights);
  add('inputs', work.inputBytes, 'read', places.inputs, of.inputs);
  add('kvRead', work.kvReadBytes, 'read', 'kv', of.kv);
  add('kvWrite', work.kvWriteBytes, 'write', 'kv', of.results);
  if (!bringsOnly(work)) add('results', work.outputBytes, 'write', places.results, of.results);
  if (work.storageBytes) found.push(...pagedInto(plan, of.weights));
  return found;
}

/** Whether the operator's unit writes, and not who brings or opens something for it. */
export function writesItself({ access, initiator }: AccessKind): boolean {
  return access === 'write' && initiator === undefined;
}

/** The same access by the same unit is made by many kinds of operators. */
export function rowsOnce(rowOf: (unit: number, kind: AccessKind) => number) {
  const rows = new Map<number, number>();
  return (unit: number, isRoot: boolean, [part, what]: readonly [number, AccessKind]): Access => {
    const key = ((unit * WIDTH + part) * LEVELS + what.secrecy) * 2 + Number(isRoot);
    const row = rows.get(key) ?? rowOf(unit, what);
    rows.set(key, row);
    return [part, row];
  };
}

/** Within a cell: operators with the same secrets, that begin a graph or do not, access the same. */
export function kindKey({ weights, inputs, results }: FlowLabels, i: number, isRoot: boolean) {
  const secrets = (weights[i]! * LEVELS + inputs[i]!) * LEVELS + results[i]!;
  return secrets * 2 + (isRoot ? 1 : 0);
}

/** Kinds found so far. Operators are many and their kinds few: those of one cell are gone through one after the other. */
export class Kinds {
  readonly cell: number[] = [];
  readonly start: number[] = [0];
  readonly row: number[] = [];
  readonly part: number[] = [];
  readonly has: number[] = [];
  readonly uncalled: number[] = [];
  private readonly key: number[] = [];
  /** By cell: its latest kind, and by kind the one of its cell before it; −1 for none. */
  private readonly latest: Int16Array;
  private readonly before: number[] = [];

  constructor(cells: number) {
    this.latest = new Int16Array(cells).fill(-1);
  }

  /** @param key see `kindKey`. @returns −1 for a kind that is new. */
  find(cell: number, key: number): number {
    let found = this.latest[cell]!;
    while (found >= 0 && this.key[found] !== key) found = this.before[found]!;
    return found;
  }

  /** Its accesses are added next. */
  add(cell: number, key: number, has: number): number {
    const made = this.cell.push(cell) - 1;
    this.key.push(key);
    this.has.push(has);
    this.uncalled.push(0);
    this.before.push(this.latest[cell]!);
    this.latest[cell] = made;
    this.start.push(this.row.length);
    return made;
  }

  addAccess([part, row]: Access): void {
    this.part.push(part);
    this.start[this.cell.length] = this.row.push(row);
  }
}
