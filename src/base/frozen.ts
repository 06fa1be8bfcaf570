/** Data that several readers share, so that a change by one of them fails where it is made instead of reaching the others. */

/** Freezes plain data and all it holds. @returns the same data */
export function frozen<T>(data: T): T {
  if (typeof data !== 'object' || data === null || Object.isFrozen(data)) return data;
  Object.freeze(data);
  for (const part of Object.values(data)) frozen(part);
  return data;
}
