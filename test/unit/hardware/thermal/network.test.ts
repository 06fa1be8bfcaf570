import { describe, expect, it } from 'vitest';
import { SpecError } from '../../../../src/base/errors.ts';
import {
  checkNetwork,
  conductanceMatrix,
  networkFaults,
  nodeIndex,
} from '../../../../src/hardware/thermal/network.ts';
import { chain } from '../../../support/thermal.ts';

const messages = (spec: Parameters<typeof networkFaults>[0]) =>
  networkFaults(spec).map(({ path, message }) => `${path}: ${message}`);

describe('network checks', () => {
  const good = chain([1, 2], [3], 0.5);

  it('accepts a chain', () => expect(networkFaults(good)).toEqual([]));

  it('finds a part that no path leads out of', () => {
    const spec = { ...good, nodes: ['a', 'b', 'c', 'd'], capacities: [1, 1, 1, 1] };
    const island = { ...spec, links: [...spec.links, { a: 2, b: 3, conductance: 1 }] };
    expect(messages(island)).toEqual([
      'nodes.2: node "c" is disconnected: no path leads its heat to ambient',
      'nodes.3: node "d" is disconnected: no path leads its heat to ambient',
    ]);
  });

  it('finds a network without any way to the air', () => {
    expect(messages({ ...good, ambientLinks: [] })).toHaveLength(2);
  });

  it('reports every bad number in one go', () => {
    const spec = {
      ...good,
      nodes: ['a', 'a'],
      capacities: [0, Number.POSITIVE_INFINITY],
      links: [
        { a: 0, b: 5, conductance: -1 },
        { a: 1, b: 1, conductance: 1 },
      ],
      ambientLinks: [{ node: 1.5, conductance: 0 }],
    };
    expect(messages(spec)).toEqual([
      'nodes.1: node "a" is given twice',
      'capacity.0: capacity of "a" must be above zero',
      'capacity.1: capacity of "a" must be above zero',
      'links.0: no such node',
      'links.0: conductance must be above zero',
      'links.1: a link needs two different nodes',
      'ambient_links.0: no such node',
      'ambient_links.0: conductance must be above zero',
    ]);
    expect(() => checkNetwork(spec)).toThrow(SpecError);
  });

  it('wants one capacity per node', () => {
    expect(messages({ ...good, capacities: [1] })).toEqual([
      'capacity: one capacity per node is needed (2)',
    ]);
  });

  it('builds a symmetric matrix whose rows sum to the way out', () => {
    expect([...conductanceMatrix(good)]).toEqual([3, -3, -3, 3.5]);
  });

  it('names the nearest node', () => {
    expect(nodeIndex(['skin-front', 'battery'], 'battery')).toBe(1);
    expect(() => nodeIndex(['skin-front', 'battery'], 'skin-frnt')).toThrow(/skin-front/);
  });
});
