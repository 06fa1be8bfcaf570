/** Schema of socs/<soc>.yaml: a phone SoC, each number with unit, source and trust. */
import { checkReferences } from '../base/provenance.ts';
import { formatQuantity } from '../base/quantity.ts';
import { nearestHint } from '../base/registry.ts';
import { type CrossFault, checkSpec, type Infer, sourced, z } from '../base/schema.ts';
import type { SpecFile, SpecPath } from '../base/spec-file.ts';
import { initiatorPlaces, regionPlaces, securitySpec } from './secure/security-spec.ts';
import { domainSpec } from './spec/domain-spec.ts';
import {
  backgroundSpec,
  fabricSpec,
  floorplanSpec,
  limitsSpec,
  memorySpec,
  systemCacheSpec,
} from './spec/platform-spec.ts';
import { blocksOutside, floorplanFaults, floorplanOf } from './thermal/floorplan.ts';
import { cpuShape, gpuShape, npuShape } from './units/unit-spec.ts';

/** How much bandwidth a unit can draw: min(bandwidth, outstanding / memory latency). */
const port = z.strictObject({
  /** Width × interconnect clock. */
  bandwidth: sourced('bandwidth'),
  /** Bytes in flight that the unit's outstanding requests cover. */
  outstanding: sourced('size'),
});

/** Energy of one byte read from or written to the unit's local memory. */
const sramEnergy = sourced('energy-per-byte', { min: 0 });

/** Key of `domains` whose clock the unit runs on; a CPU names one per cluster. */
const domain = z.string();

const unit = z.discriminatedUnion('kind', [
  z.strictObject({ ...npuShape, domain, port, sramEnergy }),
  z.strictObject({ ...gpuShape, domain, port, sramEnergy }),
  z.strictObject({ ...cpuShape, port, sramEnergy }),
]);

export const socSpec = z.strictObject({
  version: z.literal(1),
  name: z.string(),
  vendor: z.string(),
  summary: z.string(),
  /** Phone under socs/phones that carries it, unless a scenario names another: body, memory size, storage, screen. */
  phone: z.string(),
  process: z.string(),
  /** Other names in tables of measurements, each with what taking it for this SoC assumes; another chip's starts with `stand-in:`. */
  aliases: z.record(z.string(), z.string()).optional(),
  /** Sources that `from` names. */
  references: z.record(
    z.string(),
    z.strictObject({ title: z.string(), url: z.string().optional() }),
  ),
  domains: z.record(z.string(), domainSpec),
  /** In the order in which tables list them. */
  units: z.record(z.string(), unit),
  memory: memorySpec,
  systemCache: systemCacheSpec.optional(),
  fabric: fabricSpec,
  background: backgroundSpec.optional(),
  floorplan: floorplanSpec.optional(),
  limits: limitsSpec,
  /** Where the SoC can protect data from its own software. */
  security: securitySpec.optional(),
});

export type SocSpec = Infer<typeof socSpec>;
export type SocUnitSpec = SocSpec['units'][string];

/**
 * Checks a SoC description.
 * @throws SpecError with every fault of the file in one go.
 */
export function parseSoc(spec: SpecFile): SocSpec {
  return checkSpec(spec, socSpec, [
    checkReferences,
    checkDomains,
    checkRails,
    checkAffinity,
    checkShares,
    checkFloorplan,
    checkRegions,
  ]);
}

type Loose = Readonly<Record<string, unknown>>;

/** Units name domains that are there, and no domain is left without a unit. */
function checkDomains(data: unknown): CrossFault[] {
  const names = Object.keys(mapOf(data, 'domains'));
  const used = Object.entries(mapOf(data, 'units')).flatMap(([name, value]) =>
    domainsOfUnit(['units', name], value),
  );
  const unknown = used
    .filter(({ name }) => !names.includes(name))
    .map(({ path, name }) => ({
      path,
      message: `"${name}" is not a key of domains`,
      hint: nearestHint(name, names),
    }));
  const unused = names
    .filter((name) => !used.some((use) => use.name === name))
    .map((name) => ({ path: ['domains', name], message: 'no unit runs on this domain' }));
  return [...unknown, ...unused];
}

/** A rail is shared: one that a single domain names is likely misspelt. */
function checkRails(data: unknown): CrossFault[] {
  const named = Object.entries(mapOf(data, 'domains')).flatMap(([domain, value]) => {
    const rail = mapOf(value, 'rail')['is'];
    return typeof rail === 'string' ? [{ domain, rail }] : [];
  });
  return named
    .filter(({ rail }, i) => named.every((other, j) => i === j || other.rail !== rail))
    .map(({ domain, rail }) => ({
      path: ['domains', domain, 'rail', 'is'],
      message: `no other domain is on rail "${rail}"; leave it out where a domain has a rail of its own`,
      hint: nearestHint(
        rail,
        named.map((other) => other.rail).filter((other) => other !== rail),
      ),
    }));
}

/** Threads are held on clusters that are there. */
function checkAffinity(data: unknown): CrossFault[] {
  return Object.entries(mapOf(data, 'units')).flatMap(([unit, value]) => {
    const { affinity, clusters } = asMap(value);
    if (typeof affinity !== 'string' || !Array.isArray(clusters)) return [];
    const names = clusters.map((cluster) => String(asMap(cluster)['name']));
    return affinity
      .split(/\s+/)
      .filter((name) => !names.includes(name))
      .map((name) => ({
        path: ['units', unit, 'affinity'],
        message: `"${name}" is not a cluster`,
        expected: names.join(', '),
      }));
  });
}

interface DomainUse {
  readonly path: SpecPath;
  readonly name: string;
}

function domainsOfUnit(path: SpecPath, unitData: unknown): DomainUse[] {
  const { domain: own, clusters } = asMap(unitData);
  const named: readonly unknown[] = Array.isArray(clusters) ? clusters : [];
  return [
    { path: [...path, 'domain'], name: own },
    ...named.map((cluster, index) => ({
      path: [...path, 'clusters', index, 'clock'],
      name: asMap(cluster)['clock'],
    })),
  ].filter((use): use is { path: (string | number)[]; name: string } => {
    return typeof use.name === 'string';
  });
}

/** Shares of the system cache are for units that are there. */
function checkShares(data: unknown): CrossFault[] {
  const names = Object.keys(mapOf(data, 'units'));
  return Object.keys(mapOf(mapOf(data, 'systemCache'), 'shares'))
    .filter((name) => !names.includes(name))
    .map((name) => ({
      path: ['systemCache', 'shares', name],
      message: `"${name}" is not a key of units`,
      hint: nearestHint(name, names),
    }));
}

/** Heat enters the die where the domain's block is, so each has one; blocks lie beside each other, on the die. */
function checkFloorplan(data: unknown): CrossFault[] {
  const floorplan = asMap(data)['floorplan'];
  if (floorplan === undefined) return [];
  const at = ['floorplan', 'blocks', 'is'];
  const blocks = Object.keys(mapOf(mapOf(floorplan, 'blocks'), 'is'));
  const missing = Object.keys(mapOf(data, 'domains'))
    .filter((name) => !blocks.includes(name))
    .map((name) => ({ path: at, message: `domain "${name}" has no block` }));
  const section = floorplanSpec.safeParse(floorplan);
  if (!section.success) return missing;
  const { width, height } = section.data;
  const plan = floorplanOf(section.data.blocks.is);
  const overlaps = floorplanFaults(plan).map((fault) => ({
    ...fault,
    path: [...at, plan[Number(fault.path?.split('.')[1])]?.name ?? ''],
  }));
  const outside = blocksOutside(plan, width.is, height.is).map(({ name }) => ({
    path: [...at, name],
    message: `block "${name}" reaches beyond the die`,
    expected: `within ${formatQuantity(width.is, 'length')} x ${formatQuantity(height.is, 'length')}`,
  }));
  return [...missing, ...overlaps, ...outside];
}

/** Regions of the firewall, as far as the section can be read at all. */
function checkRegions(data: unknown): CrossFault[] {
  const section = securitySpec.safeParse(asMap(data)['security']);
  if (!section.success) return [];
  const units = Object.keys(mapOf(data, 'units'));
  return [...regionPlaces(section.data), ...initiatorPlaces(section.data, units)];
}

function mapOf(data: unknown, key: string): Loose {
  return asMap(asMap(data)[key]);
}

function asMap(data: unknown): Loose {
  return typeof data === 'object' && data !== null ? (data as Loose) : {};
}
