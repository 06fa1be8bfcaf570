import { describe, expect, it } from 'vitest';
import { SpecError } from '../../../src/base/errors.ts';
import { parseSpecFile } from '../../../src/base/spec-file.ts';
import { parseSoc } from '../../../src/hardware/soc-spec.ts';
import {
  buildClockDomain,
  type DomainSpec,
  domainSpec,
  referencePoint,
  voltageAt,
} from '../../../src/hardware/spec/domain-spec.ts';
import { wholeSocText } from '../../support/whole-soc.ts';

const text = wholeSocText;

function faults(changed: string) {
  try {
    parseSoc(parseSpecFile(changed, 'soc.yaml'));
  } catch (error) {
    if (error instanceof SpecError) return error.faults;
    throw error;
  }
  return [];
}
function change(from: string | RegExp, to: string) {
  const changed = text.replace(from, to);
  expect(changed).not.toBe(text);
  return faults(changed);
}
const lineOf = (start: string) => text.split('\n').findIndex((line) => line.startsWith(start)) + 1;

const sourced = <T>(is: T) => ({ is, from: 'x', trust: 'estimated' as const });
/** A domain of round numbers, so that voltages can be worked out by hand. */
function domain(parts: Record<string, unknown> = {}): DomainSpec {
  const watts = sourced('1 W');
  return domainSpec.parse({
    clock: sourced('1 GHz'),
    voltage: {
      max: sourced('1 V'),
      at: sourced('1 GHz'),
      shape: sourced([0.5, 0.2, 0.3]),
      floor: sourced('0.6 V'),
    },
    transition: sourced('50 us'),
    power: {
      idle: watts,
      stalled: watts,
      matrix: watts,
      vector: watts,
      leakage: {
        power: watts,
        temperature: sourced('60 °C'),
        doubling: sourced('25 K'),
        gated: sourced(0.1),
      },
    },
    ...parts,
  });
}
const table = {
  points: sourced('500 1000 MHz'),
  voltage: { table: sourced('0.6 0.9 V') },
};

describe('parseSoc', () => {
  it('reads the bundled description', () => {
    const soc = parseSoc(parseSpecFile(text, 'soc.yaml'));
    expect(soc.memory.rate.is).toBe(9_600_000_000);
    expect(Object.keys(soc.units)).toEqual(['npu', 'gpu', 'cpu']);
  });

  it('refuses a unit on a domain that is not there', () => {
    const found = change('clock: cpu-prime', 'clock: cpu-prim');
    expect(found).toMatchObject([
      { path: 'domains.cpu-prime', message: 'no unit runs on this domain' },
      { path: 'units.cpu.clusters.2.clock', hint: 'did you mean "cpu-prime"?' },
    ]);
  });

  it('holds threads on clusters that are there', () => {
    expect(faults(text.replace(/^( +)clusters:/m, '$1affinity: prime\n$1clusters:'))).toEqual([]);
    expect(change(/^( +)clusters:/m, '$1affinity: prim\n$1clusters:')).toMatchObject([
      { path: 'units.cpu.affinity', message: '"prim" is not a cluster' },
    ]);
  });

  it('refuses a source that the references do not hold', () => {
    expect(change('from: hynix', 'from: hynx')).toMatchObject([
      { line: lineOf('  density:'), message: '"hynx" is not a key of references' },
    ]);
  });

  it('refuses a die without a place for a domain', () => {
    expect(change(/ {6}gpu: \{ x.*\n/, '')).toMatchObject([
      { path: 'floorplan.blocks.is', message: 'domain "gpu" has no block' },
    ]);
  });

  it('refuses blocks that overlap or leave the die, each at its line', () => {
    const memory = lineOf('      memory: { x');
    const faults = change(/memory: \{ x: 0 mm, y: 0 mm/, 'memory: { x: 1 mm, y: 3 mm');
    expect(faults).toContainEqual(
      expect.objectContaining({
        line: memory,
        path: 'floorplan.blocks.is.memory',
        message: 'block "memory" overlaps block "gpu"',
      }),
    );
    expect(faults).toContainEqual(
      expect.objectContaining({
        line: memory,
        message: 'block "memory" reaches beyond the die',
        expected: expect.stringMatching(/^within [\d.]+ mm x [\d.]+ mm$/),
      }),
    );
  });

  it('refuses points and shares together', () => {
    const both = '    points: { is: 500 1300 MHz, from: estimate, trust: estimated }\n    shares:';
    expect(change(/ {4}shares:/, both)).toMatchObject([
      { path: 'domains.npu.shares', message: expect.stringContaining('keep one') },
    ]);
  });

  it('finds faults in every part of one file', () => {
    const bad = text
      .replace('9600 MT/s', '9600 GB')
      .replace('is: 8 MiB', 'is: -8 MiB')
      .replace('clock: cpu-a720', 'clock: cpu-a721')
      .replace('dataflow: { is: weight-stationary', 'dataflow: { is: weight')
      .replace('vendor: MediaTek\n', '');
    expect(faults(bad).map(({ path }) => path)).toEqual([
      'vendor',
      'domains.cpu-a720',
      'units.npu.matrix.dataflow.is',
      'units.npu.sram.size.is',
      'units.cpu.clusters.0.clock',
      'memory.rate.is',
    ]);
  });
});

describe('buildClockDomain', () => {
  const frequencies = (spec: DomainSpec) =>
    buildClockDomain('x', spec).points.map(({ frequency }) => frequency / 1e6);

  it('takes shares of the clock', () => {
    expect(frequencies(domain({ shares: sourced('0.25 0.5 1') }))).toEqual([250, 500, 1000]);
  });

  it('ends a table at the clock: cut off below it, one point more above', () => {
    const points = sourced('400 800 1000 MHz');
    expect(frequencies(domain({ points }))).toEqual([400, 800, 1000]);
    expect(frequencies(domain({ points, clock: sourced('900 MHz') }))).toEqual([400, 800, 900]);
    expect(frequencies(domain({ points, clock: sourced('1200 MHz') }))).toEqual([
      400, 800, 1000, 1200,
    ]);
  });

  it('has the clock alone where nothing else is given', () => {
    expect(frequencies(domain())).toEqual([1000]);
  });

  it('keeps the transition time, and how much of it the clock stands still', () => {
    const built = buildClockDomain('x', domain({ halt: sourced('20 us') }));
    expect(built.transitionSeconds).toBeCloseTo(50e-6, 12);
    expect(built.haltSeconds).toBeCloseTo(20e-6, 12);
    expect(buildClockDomain('x', domain()).haltSeconds).toBe(0);
    expect(() => domain({ halt: sourced('60 us') })).toThrow(/longer than the transition/);
  });
});

describe('a rail', () => {
  const onRail = (...names: [string, string]) =>
    ['npu', 'gpu'].reduce(
      (changed, domain, i) =>
        changed.replace(
          new RegExp(`^  ${domain}:\n`, 'm'),
          `  ${domain}:\n    rail: { is: ${names[i]}, from: estimate, trust: estimated }\n`,
        ),
      text,
    );

  it('is shared by the domains that name it', () => {
    expect(faults(onRail('logic', 'logic'))).toEqual([]);
  });

  it('that a single domain names is a fault, with the name it may have meant', () => {
    const found = faults(onRail('logic', 'logik'));
    expect(found.map(({ path }) => path)).toEqual(['domains.npu.rail.is', 'domains.gpu.rail.is']);
    expect(found[0]).toMatchObject({
      message:
        'no other domain is on rail "logic"; leave it out where a domain has a rail of its own',
      hint: expect.stringContaining('logik'),
    });
  });
});

describe('voltageAt', () => {
  it('follows the curve and its floor', () => {
    // 0.5 + 0.2 x + 0.3 x²
    expect(voltageAt(domain(), 1e9)).toBeCloseTo(1, 12);
    expect(voltageAt(domain(), 0.8e9)).toBeCloseTo(0.852, 12);
    expect(voltageAt(domain(), 0.1e9)).toBe(0.6);
  });

  it('asks for more voltage above the reference clock, whatever the clock is set to', () => {
    const faster = domain({ clock: sourced('1.2 GHz') });
    expect(voltageAt(faster, 1.2e9)).toBeCloseTo(1.172, 12);
    expect(referencePoint(faster)).toEqual({ frequency: 1e9, voltage: 1 });
  });

  it('runs linearly between the points of a table, level below and on above', () => {
    const tabled = domain(table);
    expect(voltageAt(tabled, 0.5e9)).toBeCloseTo(0.6, 12);
    expect(voltageAt(tabled, 0.75e9)).toBeCloseTo(0.75, 12);
    expect(voltageAt(tabled, 0.1e9)).toBeCloseTo(0.6, 12);
    expect(voltageAt(tabled, 1.1e9)).toBeCloseTo(0.96, 12);
    expect(referencePoint(tabled)).toEqual({ frequency: 1e9, voltage: 0.9 });
  });

  it('refuses a table of another length than the points', () => {
    const result = domainSpec.safeParse({
      ...domain(),
      clock: sourced('1 GHz'),
      points: sourced('1 GHz'),
      voltage: { table: sourced('0.6 0.9 V') },
    });
    expect(result.success).toBe(false);
  });
});
