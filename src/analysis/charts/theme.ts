/** Colours and type of every chart, light and dark, as one style sheet that travels inside each SVG. */
import { CAUSES, type Cause } from '../../engine/run.ts';

/**
 * Seven hues that stay apart under protanopia, deuteranopia and tritanopia (Machado 2009 simulation),
 * found by search; `test/unit/analysis/charts/theme.test.ts` measures the distance.
 */
export const LIGHT_HUES = [
  '#3d50b5',
  '#dd8b16',
  '#2fb0a2',
  '#a5417c',
  '#587a2c',
  '#7a1c22',
  '#ae82f4',
] as const;
export const DARK_HUES = [
  '#5570ee',
  '#eba64a',
  '#8fe3dc',
  '#ea5990',
  '#dde03a',
  '#a35f38',
  '#b3a4f7',
] as const;
const HUE_COUNT = LIGHT_HUES.length;
/** Hue index of "everything else". */
export const GREY = HUE_COUNT;

export const LIGHT = {
  surface: '#ffffff',
  ink: '#1b1f27',
  muted: '#5b6472',
  axis: '#a9b0bc',
  grid: '#e7e9ee',
  alarm: '#c02626',
} as const;
export const DARK = {
  surface: '#15171b',
  ink: '#eceef2',
  muted: '#a3abb8',
  axis: '#5d6674',
  grid: '#2a2e36',
  alarm: '#ff7b72',
} as const;
const GREYS = { light: '#8d95a3', dark: '#7d8694' } as const;

/** Units keep their hue from chart to chart; anything else takes the next free one. */
const KNOWN_SUBJECTS: readonly (readonly [RegExp, number])[] = [
  [/^(npu|apu)/i, 0],
  [/^gpu/i, 1],
  [/^(cpu|little)/i, 2],
  [/^(dram|memory|ddr)/i, 3],
  [/^(skin|display)/i, 4],
];

/** @returns a hue index per subject, distinct while hues last, then grey. */
export function assignHues(subjects: readonly string[]): ReadonlyMap<string, number> {
  const hues = new Map<string, number>();
  const free = new Set(LIGHT_HUES.keys());
  for (const subject of subjects) {
    const known = KNOWN_SUBJECTS.find(([pattern]) => pattern.test(subject))?.[1];
    if (known === undefined || !free.delete(known)) continue;
    hues.set(subject, known);
  }
  for (const subject of subjects) {
    if (hues.has(subject)) continue;
    const [next] = free;
    if (next !== undefined) free.delete(next);
    hues.set(subject, next ?? GREY);
  }
  return hues;
}

export interface CauseStyle {
  readonly label: string;
  readonly hue: number;
  /** What the cause means, for a reader new to it. */
  readonly meaning: string;
}

const CAUSE_STYLES: Readonly<Record<string, CauseStyle>> = {
  compute: { label: 'Compute', hue: 0, meaning: 'the unit’s arithmetic was the bottleneck' },
  bandwidth: { label: 'DRAM bandwidth', hue: 1, meaning: 'the unit waited for memory' },
  launch: { label: 'Launch', hue: 2, meaning: 'dispatch and synchronisation' },
  transfer: { label: 'Transfer', hue: 4, meaning: 'copies between units, and reads from storage' },
  queue: { label: 'Queue', hue: 6, meaning: 'waiting for a unit that was busy' },
  thermal: { label: 'Thermal', hue: 5, meaning: 'clocks held back by heat or by the battery' },
  secure: { label: 'Protection', hue: 3, meaning: 'waiting for what protects data' },
  network: { label: 'Network', hue: GREY, meaning: 'under way to a cloud, or waiting for it' },
};

/** A cause added to the engine later still gets a name and a hue. */
export function causeStyle(cause: Cause): CauseStyle {
  const spare = { label: sentence(cause), hue: CAUSES.indexOf(cause) % HUE_COUNT, meaning: cause };
  return CAUSE_STYLES[cause] ?? spare;
}

/** `npu-frequency` → `Npu frequency`. */
function sentence(name: string): string {
  const words = name.replaceAll(/[-_]/g, ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}

function variables(colours: Readonly<Record<string, string>>, hues: readonly string[]): string {
  const named = Object.entries(colours).map(([name, value]) => `--${name}:${value}`);
  return [...named, ...hues.map((value, index) => `--c${index}:${value}`)].join(';');
}

/** A literal first for renderers that know no custom properties; the rest take the second. */
function colour(property: string, name: string, fallback: string): string {
  return `${property}:${fallback};${property}:var(--${name})`;
}

function buildStyle(): string {
  const light = [...LIGHT_HUES, GREYS.light];
  const dark = [...DARK_HUES, GREYS.dark];
  const hues = light.map(
    (value, index) =>
      `.sc .f${index}{${colour('fill', `c${index}`, value)}}.sc .s${index}{fill:none;${colour('stroke', `c${index}`, value)}}`,
  );
  return [
    `.sc{${variables(LIGHT, light)}}`,
    `@media (prefers-color-scheme:dark){.sc{${variables(DARK, dark)}}}`,
    `.sc .bg{${colour('fill', 'surface', LIGHT.surface)}}`,
    `.sc text{font-size:12px;${colour('fill', 'ink', LIGHT.ink)};font-variant-numeric:tabular-nums}`,
    `.sc .m{${colour('fill', 'muted', LIGHT.muted)}}`,
    '.sc .h{font-size:16px;font-weight:600}',
    '.sc .t{font-size:11px}',
    '.sc .b{font-weight:600}',
    '.sc .on{fill:#fff}',
    `.sc .grid{fill:none;${colour('stroke', 'grid', LIGHT.grid)}}`,
    `.sc .axis{fill:none;${colour('stroke', 'axis', LIGHT.axis)}}`,
    `.sc .lane{${colour('fill', 'grid', LIGHT.grid)};opacity:.55}`,
    `.sc .limit{fill:none;${colour('stroke', 'alarm', LIGHT.alarm)};stroke-width:1.2;stroke-dasharray:5 3}`,
    `.sc .alarm{${colour('fill', 'alarm', LIGHT.alarm)}}`,
    `.sc .ring{${colour('stroke', 'surface', LIGHT.surface)};stroke-width:1}`,
    `.sc .halo{paint-order:stroke;${colour('stroke', 'surface', LIGHT.surface)};stroke-width:3px;stroke-linejoin:round}`,
    '.sc .line{stroke-width:1.8;stroke-linejoin:round;stroke-linecap:round}',
    '.sc .thin{stroke-width:1.1}',
    `.sc .frame{fill:none;${colour('stroke', 'ink', LIGHT.ink)}}`,
    '.sc .dash{stroke-dasharray:5 3}',
    '.sc .area{opacity:.9}',
    '.sc .held{opacity:.12}',
    '.sc .bar{opacity:.82}',
    '.sc .band{opacity:.2}',
    '.sc .band2{opacity:.5}',
    `.sc .outer{${colour('fill', 'grid', LIGHT.grid)};opacity:.75}`,
    `.sc .inner{${colour('fill', 'axis', LIGHT.axis)};opacity:.45}`,
    ...hues,
  ].join('\n');
}

/** The style sheet: custom properties, dark values by `prefers-color-scheme`, and the classes below them. */
export const STYLE = buildStyle();
