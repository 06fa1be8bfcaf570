/** Domains and ticks of logarithmic axes. */

/** Smallest domain on a 1–2–5 grid around the positive values, with a little air; two decades' floor not forced. */
export function logDomain(values: readonly number[]): readonly [number, number] {
  const positive = values.filter((value) => value > 0 && Number.isFinite(value));
  if (positive.length === 0) return [1, 10];
  const low = floorStep(Math.min(...positive) / 1.15);
  const high = ceilStep(Math.max(...positive) * 1.15);
  return high > low ? [low, high] : [low / 2, low * 2];
}

/** At most about `most` ticks: powers of ten where the domain is wide, 1–2–5 where it is narrow. */
export function decadeTicks(domain: readonly [number, number], most: number): readonly number[] {
  const [low, high] = domain;
  const first = Math.floor(Math.log10(low));
  const last = Math.ceil(Math.log10(high));
  const steps = last - first > most / 2 ? [1] : STEPS;
  const stride = Math.max(1, Math.ceil((last - first) / most));
  const ticks: number[] = [];
  for (let power = first; power <= last; power += stride) {
    for (const step of steps) ticks.push(Number(`${step}e${power}`));
  }
  return ticks.filter((tick) => tick >= low * (1 - SLACK) && tick <= high * (1 + SLACK));
}

const STEPS = [1, 2, 5];
const SLACK = 1e-9;

function floorStep(value: number): number {
  const power = Math.floor(Math.log10(value));
  const step = STEPS.findLast((s) => Number(`${s}e${power}`) <= value * (1 + SLACK)) ?? 1;
  return Number(`${step}e${power}`);
}

function ceilStep(value: number): number {
  const power = Math.floor(Math.log10(value));
  const step = STEPS.find((s) => Number(`${s}e${power}`) >= value * (1 - SLACK));
  return step === undefined ? Number(`1e${power + 1}`) : Number(`${step}e${power}`);
}
