/** Phones as a whole: what belongs to the SoC is the same in every phone that is sold with it. */
import { describe, expect, it } from 'vitest';
import { parsePhone } from '../../src/hardware/thermal/phone-spec.ts';
import { descriptions, listBundled } from '../../src/load.ts';

const { read } = descriptions();
const phones = listBundled('socs/phones', '.yaml').map((id) => ({
  id,
  phone: parsePhone(read('phone', id)),
}));
const bySoc = new Map<string, typeof phones>();
for (const one of phones) {
  bySoc.set(one.phone.soc, [...(bySoc.get(one.phone.soc) ?? []), one]);
}
const shared = [...bySoc].filter(([, own]) => own.length > 1);

describe('phones with one SoC', () => {
  it('are several for the best known ones', () => {
    expect(shared.map(([soc]) => soc)).toEqual(
      expect.arrayContaining(['snapdragon-8-gen-3', 'snapdragon-8-elite-gen-5']),
    );
  });

  it.each(shared)('%s: have the same die, whose paths are silicon and package', (_soc, own) => {
    const paths = own.map(({ phone: { thermal } }) =>
      [thermal.dieThickness, thermal.dieToDram, thermal.dieToPackage].map(({ is }) => is),
    );
    expect(new Set(paths.map((one) => one.join(' '))).size).toBe(1);
  });
});
