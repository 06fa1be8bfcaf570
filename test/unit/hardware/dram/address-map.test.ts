import { describe, expect, it } from 'vitest';
import { ADDRESS_MAPS, buildAddressMap } from '../../../../src/hardware/dram/address-map.ts';
import { deviceOf } from '../../../support/dram.ts';

const device = deviceOf('lpddr5-6400');
const place = (map: ReturnType<typeof buildAddressMap>, address: number) => {
  const burst = address / 32;
  return [map.channel(burst), map.bank(burst), map.row(burst)];
};

describe('address maps', () => {
  it('A rotates bank groups every 64 bytes, then channels, then banks after 8 KiB of each', () => {
    const map = buildAddressMap('A', device, 4);
    expect(place(map, 0)).toEqual([0, 0, 0]);
    expect(place(map, 32)).toEqual([0, 0, 0]);
    // Flat banks count groups first: bank 0 of group 1 is bank 4.
    expect(place(map, 64)).toEqual([0, 4, 0]);
    expect(place(map, 256)).toEqual([1, 0, 0]);
    expect(place(map, 32 * 1024)).toEqual([0, 1, 0]);
    expect(place(map, 128 * 1024)).toEqual([0, 0, 1]);
    expect(map.run).toBe(2);
    expect(map.capacity).toBe(4 * 2 ** 30);
  });

  it('B stays in a row for 2 KiB of one channel', () => {
    const map = buildAddressMap('B', device, 1);
    expect(place(map, 2047 - 31)).toEqual([0, 0, 0]);
    expect(place(map, 2048)).toEqual([0, 4, 0]);
  });

  it('X folds row bits into group and bank', () => {
    const map = buildAddressMap('X', device, 1);
    const row = 32 * 1024;
    expect(place(map, row)).toEqual([0, 4, 1]);
    expect(place(map, 4 * row)).toEqual([0, 1, 4]);
  });

  it('takes text, with the bits spelled out as other tools do', () => {
    const named = buildAddressMap('A', device, 1);
    const spelled = buildAddressMap('co1,bg2,co5,ba2,ro15', device, 1);
    for (const burst of [0, 3, 77, 12345, 999_999]) {
      expect(spelled.bank(burst)).toBe(named.bank(burst));
      expect(spelled.row(burst)).toBe(named.row(burst));
    }
  });

  it.each(Object.keys(ADDRESS_MAPS))('%s reaches every bank of every channel equally', (name) => {
    const map = buildAddressMap(name, device, 2);
    const counts = new Map<string, number>();
    // Every 2^14th burst of the whole memory would miss low bits; a walk by an odd step visits all combinations.
    for (let i = 0; i < 2 ** 14; i++) {
      const burst = (i * 1_048_573) % 2 ** 26;
      const key = `${map.channel(burst)}/${map.bank(burst)}`;
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    expect(counts.size).toBe(32);
    expect(Math.min(...counts.values())).toBeGreaterThan(0.7 * (2 ** 14 / 32));
  });

  it('refuses three channels, unknown fields and maps of the wrong size', () => {
    expect(() => buildAddressMap('A', device, 3)).toThrow('power of two of channels');
    expect(() => buildAddressMap('co1,xy2', device, 1)).toThrow('"xy2" is no field');
    expect(() => buildAddressMap('co6,bg1,ba2,ro', device, 1)).toThrow('does not fit');
  });
});
