import { describe, expect, it } from 'vitest';
import {
  assignHues,
  causeStyle,
  DARK,
  DARK_HUES,
  GREY,
  LIGHT,
  LIGHT_HUES,
  STYLE,
} from '../../../../src/analysis/charts/theme.ts';
import { CAUSES } from '../../../../src/engine/run.ts';

type Triple = readonly [number, number, number];

function linear(hex: string): Triple {
  const channel = (at: number): number => {
    const share = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  };
  return [channel(1), channel(3), channel(5)];
}

/** Severity-1 matrices of Machado, Oliveira and Fernandes, "A Physiologically-based Model for Simulation of Color Vision Deficiency", 2009. */
const VISION: Readonly<Record<string, readonly Triple[]>> = {
  normal: [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ],
  protanopia: [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
  ],
  deuteranopia: [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.01182, 0.04294, 0.968881],
  ],
  tritanopia: [
    [1.255528, -0.076749, -0.178779],
    [-0.078411, 0.930809, 0.147602],
    [0.004733, 0.691367, 0.3039],
  ],
};

function see(colour: Triple, matrix: readonly Triple[]): Triple {
  return matrix.map(([a, b, c]) =>
    Math.min(1, Math.max(0, a * colour[0] + b * colour[1] + c * colour[2])),
  ) as never as Triple;
}

/** Oklab (Ottosson 2020): Euclidean distance approximates perceived difference; about 0.02 is just noticeable. */
function oklab([r, g, b]: Triple): Triple {
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
  ];
}

function closest(hues: readonly string[], vision: string): number {
  const seen = hues.map((hue) => oklab(see(linear(hue), VISION[vision]!)));
  const gaps = seen.flatMap((a, i) =>
    seen.slice(i + 1).map((b) => Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2])),
  );
  return Math.min(...gaps);
}

/** Contrast as WCAG 2 defines it. */
function contrast(a: string, b: string): number {
  const luminance = (hex: string): number => {
    const [red, green, blue] = linear(hex);
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y) as [number, number];
  return (high + 0.05) / (low + 0.05);
}

describe('palette', () => {
  it.each(Object.keys(VISION))('keeps every two hues apart under %s', (vision) => {
    expect(closest(LIGHT_HUES, vision)).toBeGreaterThan(0.08);
    expect(closest(DARK_HUES, vision)).toBeGreaterThan(0.08);
  });

  it('stands out from the page', () => {
    expect(Math.min(...LIGHT_HUES.map((hue) => contrast(hue, LIGHT.surface)))).toBeGreaterThan(2.5);
    expect(Math.min(...DARK_HUES.map((hue) => contrast(hue, DARK.surface)))).toBeGreaterThan(3);
  });

  it.each([LIGHT, DARK])('has text that meets WCAG AA on its surface', (theme) => {
    expect(contrast(theme.ink, theme.surface)).toBeGreaterThan(7);
    expect(contrast(theme.muted, theme.surface)).toBeGreaterThan(4.5);
    expect(contrast(theme.alarm, theme.surface)).toBeGreaterThan(4.5);
  });
});

describe('assignHues', () => {
  it('gives a unit the same hue whatever stands beside it', () => {
    const alone = assignHues(['npu']).get('npu');
    expect(assignHues(['board', 'gpu', 'npu', 'dram']).get('npu')).toBe(alone);
  });

  it('repeats no hue while hues last, then turns grey', () => {
    const names = Array.from({ length: 9 }, (_, i) => `part ${i}`);
    const hues = [...assignHues(names).values()];
    expect(new Set(hues.slice(0, 7)).size).toBe(7);
    expect(hues.slice(7)).toEqual([GREY, GREY]);
  });

  it('gives two clusters of one kind different hues', () => {
    const hues = assignHues(['cpu-big', 'cpu-little']);
    expect(hues.get('cpu-big')).not.toBe(hues.get('cpu-little'));
  });
});

describe('style', () => {
  it('names every cause and gives each its own hue', () => {
    const hues = CAUSES.map((cause) => causeStyle(cause).hue);
    expect(new Set(hues).size).toBe(CAUSES.length);
  });

  it('switches by the reader’s preference and holds nothing that XML forbids', () => {
    expect(STYLE).toContain('prefers-color-scheme:dark');
    expect(STYLE).not.toMatch(/[<&]/);
  });
});
