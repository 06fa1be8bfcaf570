/** A predicted curve with what was measured on it, as SVG beside the accuracy table. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { drawOverlay } from '../../src/analysis/charts/overlay.ts';

const folder = new URL('../validation/charts/', import.meta.url);

export interface Point {
  readonly time: number;
  readonly value: number;
}

export interface OverlaySpec {
  /** File name. */
  readonly name: string;
  readonly title: string;
  readonly subtitle: string;
  readonly quantity: string;
  readonly unit: string;
  /** Each holds from its time to the next. */
  readonly predicted: readonly Point[];
  readonly measured: readonly Point[];
  /** Lowest value shown; 0 for rates. */
  readonly from?: number;
}

/** @returns the markdown that shows it in ACCURACY.md. */
export function writeOverlay(spec: OverlaySpec): string {
  const { name, title, subtitle, quantity, unit, predicted, measured, from = 0 } = spec;
  const panel = { quantity, unit, from, curves: [{ name: quantity, predicted, measured }] };
  mkdirSync(folder, { recursive: true });
  writeFileSync(
    new URL(`${name}.svg`, folder),
    drawOverlay({ name, title, subtitle, panels: [panel] }),
  );
  return `![${title}](charts/${name}.svg)`;
}
