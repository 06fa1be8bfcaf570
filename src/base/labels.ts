/** Secrecy labels of data: what they say, and how results inherit them. */

/** Labels a file may give; data that carry none of the secrets are public. */
export const LABELS = ['public', 'model-secret', 'user-secret'] as const;
export type Label = (typeof LABELS)[number];

/** What a byte is derived from: one bit for each secret. Zero is public. */
export type Secrecy = number;

export const PUBLIC: Secrecy = 0;
export const MODEL_SECRET: Secrecy = 1;
export const USER_SECRET: Secrecy = 2;
export const EVERY_SECRET: Secrecy = MODEL_SECRET | USER_SECRET;

const BITS: Readonly<Record<Label, Secrecy>> = {
  public: PUBLIC,
  'model-secret': MODEL_SECRET,
  'user-secret': USER_SECRET,
};

export function secrecyOf(...labels: readonly Label[]): Secrecy {
  return labels.reduce((all, label) => all | BITS[label], PUBLIC);
}

/** A result is as secret as everything it was computed from. */
export function join(a: Secrecy, b: Secrecy): Secrecy {
  return a | b;
}

/** Whether data may be where only `clearance` is cleared. */
export function within(data: Secrecy, clearance: Secrecy): boolean {
  return (data & ~clearance) === 0;
}

/** `model-secret + user-secret`, or `public`. */
export function formatSecrecy(secrecy: Secrecy): string {
  const names = LABELS.filter((label) => label !== 'public' && (secrecy & BITS[label]) !== 0);
  return names.length > 0 ? names.join(' + ') : 'public';
}
