/** Short columns cleared and copied in loops: for a few tens of numbers the built-ins cost more to call than they save. */

export function clearColumn(column: Float64Array): void {
  for (let i = 0; i < column.length; i++) column[i] = 0;
}

/** Copies `from` to `into` at `at`; `into` must have the room. */
export function copyColumn(from: Float64Array, into: Float64Array, at = 0): void {
  for (let i = 0; i < from.length; i++) into[at + i] = from[i]!;
}
