import { describe, expect, it } from 'vitest';
import {
  EVERY_SECRET,
  formatSecrecy,
  MODEL_SECRET,
  PUBLIC,
  secrecyOf,
  USER_SECRET,
  within,
} from '../../../../src/base/labels.ts';
import { INITIATORS } from '../../../../src/hardware/secure/initiators.ts';
import {
  clearanceOf,
  mappedFor,
  permits,
  REGION_KINDS,
  regionFaults,
} from '../../../../src/hardware/secure/regions.ts';

describe('labels', () => {
  it('name what data are derived from', () => {
    expect(formatSecrecy(secrecyOf('model-secret', 'user-secret'))).toBe(
      'model-secret + user-secret',
    );
    expect(formatSecrecy(PUBLIC)).toBe('public');
    expect(within(USER_SECRET, MODEL_SECRET)).toBe(false);
    expect(within(PUBLIC, PUBLIC)).toBe(true);
  });
});

describe('firewall', () => {
  it('keeps every master of the normal world out of secure memory', () => {
    const allowed = INITIATORS.filter((name) => permits('secure', name, 'read'));
    expect(allowed).toEqual(['cpu-secure', 'npu-secure', 'crypto']);
  });

  it('keeps the secure world out of a guest, and every CPU off decoded frames', () => {
    expect(permits('protected-vm', 'cpu-secure', 'read')).toBe(false);
    expect(INITIATORS.filter((name) => permits('drm', name, 'read'))).toEqual(['display']);
  });

  it('clears normal memory for nothing, since every master may read it', () => {
    for (const kind of REGION_KINDS) {
      const open = permits(kind, 'cpu-normal', 'read');
      expect(clearanceOf(kind) === PUBLIC, kind).toBe(open);
    }
    expect(clearanceOf('secure')).toBe(EVERY_SECRET);
  });

  it('maps for an initiator what it may use at all', () => {
    expect(mappedFor('gpu')).toEqual(['normal']);
    expect(mappedFor('npu-secure')).toEqual(['normal', 'secure', 'npu-only']);
  });
});

describe('regionFaults', () => {
  const at = (name: string, base: number, size: number) =>
    ({ name, kind: 'secure', base, size }) as const;

  it('finds overlaps and crooked ends', () => {
    expect(regionFaults([at('a', 0, 8192), at('b', 4096, 4096)], 4096)).toEqual([
      { region: 'b', message: 'overlaps region "a"' },
    ]);
    expect(regionFaults([at('a', 100, 4096)], 4096)[0]?.message).toContain('granule of 4096 B');
  });

  it('lets neighbours touch, and passes over empty regions', () => {
    expect(regionFaults([at('a', 0, 4096), at('b', 4096, 4096), at('c', 0, 0)], 4096)).toEqual([]);
  });
});
