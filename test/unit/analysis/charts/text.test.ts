import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  fitText,
  nameOf,
  spreadLabels,
  textWidth,
  wrapText,
} from '../../../../src/analysis/charts/text.ts';
import { dejaVuWidth } from '../../../support/svg-document.ts';

describe('fitText', () => {
  it('leaves alone what fits and shortens what does not', () => {
    expect(fitText('prefill', 200)).toBe('prefill');
    expect(fitText('SkipSimplifiedLayerNormalization', 100)).toMatch(/^Skip\w*…$/);
    expect(fitText('MatMul', 5)).toBe('');
  });

  it('always fits', () => {
    fc.assert(
      fc.property(fc.string(), fc.integer({ min: 0, max: 400 }), (text, room) => {
        expect(textWidth(fitText(text, room))).toBeLessThanOrEqual(room);
      }),
    );
  });
});

describe('textWidth', () => {
  it.each([
    'SkipSimplifiedLayerNormalization (prefill)',
    'Mean clock of each domain, with a band from lowest to highest.',
    '1234567890 1 234.5 GB/s',
    'WWWMMMmmmwww@@@%%%',
    'iiilllttt...',
    'NPU, int4 × fp16: 24 TOP/s, 66.9 GB/s',
  ])('is at least what a wide font needs for %s, and not much more', (text) => {
    const real = dejaVuWidth(text, 12);
    expect(textWidth(text, 12)).toBeGreaterThanOrEqual(0.985 * real);
    expect(textWidth(text, 12)).toBeLessThan(1.2 * real);
  });
});

describe('wrapText', () => {
  it('loses no word and exceeds no line', () => {
    fc.assert(
      fc.property(fc.array(fc.stringMatching(/^[a-z]{1,8}$/), { maxLength: 30 }), (words) => {
        const lines = wrapText(words.join(' '), 120);
        expect(lines.join(' ')).toBe(words.join(' '));
        for (const line of lines) expect(textWidth(line)).toBeLessThanOrEqual(120);
      }),
    );
  });
});

describe('spreadLabels', () => {
  it('keeps the order, the gap and the range', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: -20, max: 320 }), { minLength: 1, maxLength: 15 }),
        (wanted) => {
          const placed = spreadLabels(wanted, 14, 0, 300);
          const sorted = [...placed].sort((a, b) => a - b);
          for (let i = 1; i < sorted.length; i += 1) {
            expect(sorted[i]! - sorted[i - 1]!).toBeGreaterThanOrEqual(14 - 1e-9);
          }
          expect(sorted[0]!).toBeGreaterThanOrEqual(0);
          expect(sorted.at(-1)!).toBeLessThanOrEqual(300);
        },
      ),
    );
  });

  it('moves nothing that has room', () => {
    expect(spreadLabels([10, 100, 50], 14, 0, 300)).toEqual([10, 100, 50]);
  });
});

describe('nameOf', () => {
  it.each([
    ['npu', 'NPU'],
    ['skin-front', 'Skin-front'],
    ['kv cache', 'KV cache'],
    ['cpu_little', 'CPU little'],
  ])('%s → %s', (identifier, name) => {
    expect(nameOf(identifier)).toBe(name);
  });
});
