/** Room that text takes, estimated without a font so that labels can be placed and never cut off. */

/** Widths in em of a wide sans-serif (DejaVu Sans, the widest of the usual fall-backs), by class of letter. */
const WIDTHS: readonly (readonly [RegExp, number])[] = [
  [/[ijl.,:;'’|!]/, 0.32],
  [/[ftr()[\]/\\\s"-]/, 0.41],
  [/[mMW@%→…←±×−]/, 1],
  [/[w]/, 0.83],
  [/[A-Z&#]/, 0.79],
  [/[+=<>~]/, 0.84],
];
const USUAL = 0.64;

/** Upper estimate of the width of `text` at `size` user units. */
export function textWidth(text: string, size = 12): number {
  let ems = 0;
  for (const letter of text) {
    ems += WIDTHS.find(([pattern]) => pattern.test(letter))?.[1] ?? USUAL;
  }
  return ems * size;
}

/** `text`, shortened with an ellipsis until it fits `room`; empty when nothing legible would be left. */
export function fitText(text: string, room: number, size = 12): string {
  if (textWidth(text, size) <= room) return text;
  for (let length = text.length - 1; length >= 3; length -= 1) {
    const cut = `${text.slice(0, length).trimEnd()}…`;
    if (textWidth(cut, size) <= room) return cut;
  }
  return '';
}

/** Breaks `text` at spaces into lines no wider than `room`; a longer word stands alone, shortened. */
export function wrapText(text: string, room: number, size = 12): readonly string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/\s+/).filter(Boolean)) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (textWidth(longer, size) <= room) line = longer;
    else {
      if (line !== '') lines.push(line);
      line = fitText(word, room, size);
    }
  }
  if (line !== '') lines.push(line);
  return lines;
}

/** Moves label positions apart by at least `gap`, in order, staying between `low` and `high` where they fit. */
export function spreadLabels(
  positions: readonly number[],
  gap: number,
  low: number,
  high: number,
): readonly number[] {
  const order = positions
    .map((_, index) => index)
    .sort((a, b) => at(positions, a) - at(positions, b));
  const placed = positions.map((position) => Math.min(high, Math.max(low, position)));
  let floor = low;
  for (const index of order) {
    placed[index] = Math.max(at(placed, index), floor);
    floor = at(placed, index) + gap;
  }
  let ceiling = high;
  for (const index of order.reverse()) {
    placed[index] = Math.min(at(placed, index), ceiling);
    ceiling = at(placed, index) - gap;
  }
  return placed;
}

function at(values: readonly number[], index: number): number {
  return values[index] as number;
}

const ACRONYMS = /\b(npu|gpu|cpu|apu|dsp|dram|slc|ufs|soc|kv|os|sram|isp|llm|usb|pmic)\b/gi;

/** `npu` → `NPU`, `skin-front` → `Skin-front`: an identifier as a person writes it. */
export function nameOf(identifier: string): string {
  const words = identifier.replaceAll('_', ' ').replaceAll(ACRONYMS, (word) => word.toUpperCase());
  return words.charAt(0).toUpperCase() + words.slice(1);
}
