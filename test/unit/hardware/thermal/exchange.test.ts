import { describe, expect, it } from 'vitest';
import { faceOf } from '../../../../src/hardware/thermal/environment.ts';
import { type Face, faceConductance, faceHeat } from '../../../../src/hardware/thermal/exchange.ts';

const face: Face = {
  area: 0.0257,
  length: 0.079,
  emissivity: 0.9,
  forcedCoefficient: 0,
  coverResistance: 0,
};

describe('exchange with the air', () => {
  // Published working for a 163 × 79 mm phone: 9.3 W/m²K at 5 K over 25 °C air, 11.7 at 25 K.
  it.each([
    [5, 9.3],
    [25, 11.7],
  ])('at %d K over the air takes %d W/m²K', (rise, coefficient) => {
    expect(faceHeat(face, 25 + rise, 25) / rise / face.area).toBeCloseTo(coefficient, 1);
  });

  it('gives the 3.6 K/W of both faces at 15 K', () => {
    expect(1 / faceConductance(face, 25, 15)).toBeCloseTo(3.6, 1);
  });

  it('is zero at ambient and turns round below it', () => {
    expect(faceHeat(face, 25, 25)).toBe(0);
    expect(faceHeat(face, 15, 25)).toBeLessThan(0);
    expect(faceHeat(face, 15, 25)).toBeCloseTo(-faceHeat(face, 35, 25), 0);
  });

  it('is half radiation', () => {
    const black = faceHeat(face, 40, 25);
    const mirror = faceHeat({ ...face, emissivity: 0 }, 40, 25);
    expect((black - mirror) / black).toBeGreaterThan(0.5);
    // ε·σ·(T⁴ − Ta⁴) at 40 and 25 °C by hand: 0.9 · 5.6704e-8 · (313.15⁴ − 298.15⁴) = 87.5 W/m².
    expect((black - mirror) / face.area).toBeCloseTo(87.5, 0);
  });

  it('a fan bounds convection from below', () => {
    const blown = { ...face, forcedCoefficient: 20 };
    const radiation = faceHeat({ ...face }, 30, 25) - faceHeat({ ...face, emissivity: 0 }, 30, 25);
    expect(faceHeat(blown, 30, 25)).toBeCloseTo(radiation + 20 * 5 * face.area, 6);
  });

  it('a case is a resistance in series with the outer surface', () => {
    const covered = { ...face, coverResistance: 0.05 };
    const heat = faceHeat(covered, 45, 25);
    const surface = 45 - (heat / face.area) * 0.05;
    expect(faceHeat(face, surface, 25)).toBeCloseTo(heat, 4);
    expect(heat).toBeLessThan(faceHeat(face, 45, 25));
  });
});

describe('surroundings', () => {
  const at = (where: 'front' | 'back' | 'edge', environment: object) =>
    faceOf({ ambient: 25, ...environment }, where, 0.01, 0.075, 0.9);

  it('a table covers most of the back, a hand part of it', () => {
    expect(at('back', { placement: 'table' }).area).toBeLessThan(
      at('back', { placement: 'held' }).area,
    );
    expect(at('front', { placement: 'table' }).area).toBe(0.01);
  });

  it('a case leaves the screen free', () => {
    expect(at('front', { case: true }).coverResistance).toBe(0);
    expect(at('back', { case: true }).coverResistance).toBeGreaterThan(0);
  });

  it('a fan blows at the back', () => {
    expect(at('back', { fan: 'clip-on' }).forcedCoefficient).toBeGreaterThan(0);
    expect(at('front', { fan: 'clip-on' }).forcedCoefficient).toBe(0);
  });
});
