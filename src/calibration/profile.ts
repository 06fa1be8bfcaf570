/** Reads ONNX Runtime's profile: how long each operator of a model took, run by run. */
import type { Seconds } from '../base/units.ts';
import { MICRO } from '../base/units.ts';
import { quantileOf } from './statistics.ts';

export interface ProfiledOperator {
  /** As the profile has it, without the suffixes that optimisations add. */
  readonly name: string;
  readonly operator: string;
  /** Lower quartile of the runs, as everywhere here; the profile counts whole microseconds. */
  readonly seconds: Seconds;
}

export interface ProfileEvent {
  readonly cat?: string;
  readonly name?: string;
  /** Microseconds. */
  readonly ts?: number;
  readonly dur?: number;
  readonly args?: { readonly op_name?: string };
}

/** Marks the event of a kernel; what comes before it is the node's name. */
export const KERNEL_SUFFIX = '_kernel_time';

/** @param skip operators of so many first runs are warm-up. */
export function parseProfile(text: string, skip = 0): ProfiledOperator[] {
  const events = JSON.parse(text) as ProfileEvent[];
  const found = new Map<string, { operator: string; micros: number[] }>();
  for (const event of events) {
    if (event.cat !== 'Node' || !event.name?.endsWith(KERNEL_SUFFIX)) continue;
    const name = plainName(event.name.slice(0, -KERNEL_SUFFIX.length));
    const entry = found.get(name) ?? { operator: event.args?.op_name ?? '', micros: [] };
    entry.micros.push(event.dur ?? 0);
    found.set(name, entry);
  }
  return [...found].map(([name, { operator, micros }]) => ({
    name,
    operator,
    seconds: quantileOf(micros.slice(skip), 0.25) * MICRO,
  }));
}

/** `conv1_nchwc` and `MatMul_token_12` were once `conv1` and `MatMul`. */
export function plainName(name: string): string {
  return name.replace(/(_nchwc|_token_\d+)+$/, '');
}
