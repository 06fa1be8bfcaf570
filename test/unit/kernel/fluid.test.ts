import { describe, expect, it } from 'vitest';
import { Fluid } from '../../../src/kernel/fluid.ts';

describe('fluid', () => {
  it('gives everyone the limit when capacity is ample', () => {
    const fluid = new Fluid(2);
    fluid.open(0, 30);
    fluid.open(1, 20);
    fluid.share(100);
    expect([...fluid.rate]).toEqual([30, 20]);
  });

  it('shares equally when nobody is satisfied', () => {
    const fluid = new Fluid(3);
    for (const flow of [0, 1, 2]) fluid.open(flow, 100);
    fluid.share(60);
    expect([...fluid.rate]).toEqual([20, 20, 20]);
  });

  it('hands what a small flow leaves to the others (Bertsekas & Gallager)', () => {
    const fluid = new Fluid(3);
    fluid.open(0, 10);
    fluid.open(1, 100);
    fluid.open(2, 100);
    fluid.share(90);
    expect([...fluid.rate]).toEqual([10, 40, 40]);
  });

  it('weighs flows', () => {
    const fluid = new Fluid(2);
    fluid.open(0, 100, 3);
    fluid.open(1, 100, 1);
    fluid.share(40);
    expect([...fluid.rate]).toEqual([30, 10]);
  });

  it('serves a smaller priority number first and leaves the rest the remainder', () => {
    const fluid = new Fluid(3);
    fluid.open(0, 100, 1, 1);
    fluid.open(1, 25, 1, 0);
    fluid.open(2, 100, 1, 1);
    fluid.share(65);
    expect([...fluid.rate]).toEqual([20, 25, 20]);
  });

  it('frees capacity on close and takes new terms on re-open', () => {
    const fluid = new Fluid(2);
    fluid.open(0, 100);
    fluid.open(1, 100);
    fluid.close(1);
    fluid.close(1);
    fluid.share(50);
    expect([...fluid.rate]).toEqual([50, 0]);
    fluid.open(0, 10);
    fluid.share(50);
    expect(fluid.length).toBe(1);
    expect(fluid.rate[0]).toBe(10);
  });
});
