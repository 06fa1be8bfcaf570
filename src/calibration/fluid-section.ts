/** The `fluid` section of a preset file as text: what `socsim fit dram` writes and people read. */
import { formatQuantity } from '../base/quantity.ts';
import type { FluidTable } from '../hardware/dram/preset.ts';

const HEAD =
  '# Written by `socsim fit dram` from the transaction model; everything below is replaced by the next fit.';

/** The file's text with its fluid section replaced, or added at the end. */
export function withFluidSection(text: string, table: FluidTable): string {
  const at = text.indexOf(HEAD);
  const body = (at < 0 ? text : text.slice(0, at)).trimEnd();
  return `${body}\n${formatFluidSection(table)}`;
}

function formatFluidSection(table: FluidTable): string {
  const { efficiency, refreshFactor, latency, idleLatency, waiting, fullWindows, residuals } =
    table;
  const list = (values: readonly number[]) => `[${values.join(', ')}]`;
  const block = (rows: readonly (readonly number[])[], indent: string) =>
    rows.map((row) => `${indent}- ${list(row)}`).join('\n');
  const grid = efficiency.is.map(
    (rows, index) =>
      `      # Streams: ${table.streams[index]}\n      - ${block(rows, '        ').trimStart()}`,
  );
  const time = (seconds: number) => formatQuantity(seconds, 'time', 4);
  const times = (rows: readonly (readonly number[])[]) =>
    rows
      .map((row) => `        - [${row.map((value) => `"${time(value)}"`).join(', ')}]`)
      .join('\n');
  const pairs = (values: Readonly<Record<string, number>>) =>
    Object.entries(values)
      .map(([key, value]) => `${key}: ${value}`)
      .join(', ');
  return `${HEAD}
fluid:
  # Bytes of one visit to a row (columns), share of reads (rows), streams side by side (blocks).
  visits: ${list(table.visits)}
  readShares: ${list(table.readShares)}
  streams: ${list(table.streams)}
  efficiency:
    from: fit
    trust: fitted
    is:
${grid.join('\n')}
  # What is left of it at twice and at four times the refresh rate, by visit.
  refreshFactor:
    from: fit
    trust: fitted
    is:
${block(refreshFactor.is, '      ')}
  # Read latency at random arrivals by share of the rate (rows) and load (columns, of what is achieved at that rate).
  clocks: ${list(table.clocks)}
  loads: ${list(table.loads)}
  latency:
    from: fit
    trust: fitted
    is:
      oneRank:
${times(latency.is.oneRank)}
      twoRanks:
${times(latency.is.twoRanks)}
  # Of one rank at its full rate, idle and as load comes to count: the scales of what follows.
  idleLatency: { is: "${time(idleLatency.is)}", from: fit, trust: fitted }
  waiting: { is: "${time(waiting.is)}", from: fit, trust: fitted }
  # Of idle latency, waiting and the cost of mixing, what ports with full windows see; writes by their share.
  fullWindows:
    from: fit
    trust: fitted
    is:
      oneRank: { ${pairs(fullWindows.is.oneRank)} }
      twoRanks: { ${pairs(fullWindows.is.twoRanks)} }
  residuals:
    efficiency: { ${pairs(residuals.efficiency)} }
    latency: { ${pairs(residuals.latency)} }
    fullWindows: { ${pairs(residuals.fullWindows)} }
`;
}
