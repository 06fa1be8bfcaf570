/** Published figures of SoCs, one per row of a table, against what follows from their descriptions. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseCsv } from '../../src/base/csv.ts';
import { GIGA, MEBI, MEGA, TERA } from '../../src/base/units.ts';
import { parseSoc, type SocSpec } from '../../src/hardware/soc-spec.ts';
import { summariseSoc } from '../../src/hardware/soc-summary.ts';
import { descriptions } from '../../src/load.ts';

const UNITS: Readonly<Record<string, number>> = {
  'GB/s': GIGA,
  TOPS: TERA,
  GOPS: GIGA,
  MHz: MEGA,
  MiB: MEBI,
  mm2: 1e-6,
  cores: 1,
  W: 1,
};

const text = readFileSync(new URL('./data/published-figures.csv', import.meta.url), 'utf8');
const rows = parseCsv(text, 'published-figures.csv').rows.map(({ values }) => ({
  soc: values['soc'] as string,
  figure: values['figure'] as string,
  value: Number(values['value']) * (UNITS[values['unit'] as string] ?? Number.NaN),
}));

const { read } = descriptions();
const socs = new Map(
  [...new Set(rows.map(({ soc }) => soc))].map((name) => [name, parseSoc(read('soc', name))]),
);

function described(soc: SocSpec, figure: string): number | undefined {
  const cluster = /^cluster (\d) (clock|count)$/.exec(figure);
  const { cpu } = soc.units;
  if (cluster && cpu?.kind === 'cpu') {
    const found = cpu.clusters[Number(cluster[1])];
    if (cluster[2] === 'count') return found?.count.is;
    return soc.domains[found?.clock ?? '']?.clock.is;
  }
  const domain = /^(\S+) clock$/.exec(figure)?.[1];
  if (domain) return soc.domains[domain]?.clock.is;
  if (figure === 'cpu l3' && cpu?.kind === 'cpu') return cpu.l3.is;
  if (figure === 'system cache') return soc.systemCache?.size.is;
  return summariseSoc(soc).find(({ name }) => name === figure)?.value;
}

describe('published figures of SoCs', () => {
  it('are a table of known units, with clocks and memory of every SoC in it', () => {
    expect(rows.filter(({ value }) => !(value > 0))).toEqual([]);
    expect(rows.length).toBeGreaterThan(150);
    expect(socs.size).toBeGreaterThan(14);
  });

  it.each(rows)('$soc: $figure', ({ soc, figure, value }) => {
    const found = described(socs.get(soc) as SocSpec, figure);
    expect((found ?? Number.NaN) / value).toBeGreaterThan(0.985);
    expect((found ?? Number.NaN) / value).toBeLessThan(1.02);
  });
});
