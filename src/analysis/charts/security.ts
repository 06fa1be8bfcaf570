/** Who reads and writes what in which memory, how secret it is, and whether it may: regions and flows of a protected run. */

import type { Run } from '../../engine/run.ts';
import {
  type AuditRow,
  type AuditVerdict,
  type SecurityAudit,
  tamperings,
} from '../../engine/secure-audit.ts';
import { type Figure, label, openFigure, path, tooltip, WIDTH } from './figure.ts';
import { px } from './series.ts';
import { fitText } from './text.ts';
import { GREY } from './theme.ts';
import { formatValue } from './units.ts';

const LEFT = 16;
const BOX = 150;
const RIGHT = WIDTH - LEFT - BOX;
/** From one line of text in a box to the next. */
const LINE = 14;
const ROW = 34;
const GAP = 12;
/** Thickness of a flow by its bytes: these many powers of ten from the thinnest to the thickest. */
const DECADES = 12;
const THICKEST = 9;

/** Hue by verdict; a leak takes the alarm colour. */
const HUES: Readonly<Record<AuditVerdict, number | 'alarm'>> = {
  protected: 2,
  public: GREY,
  released: 0,
  unpromised: 1,
  refused: 5,
  leak: 'alarm',
};
const MEANINGS: Readonly<Record<AuditVerdict, string>> = {
  protected: 'secret, where it is cleared',
  public: 'no secret',
  released: 'given up in a declared step',
  unpromised: 'secret that this strategy does not keep',
  refused: 'refused by a gate',
  leak: 'leak',
};

interface Flow extends Pick<AuditRow, 'initiator' | 'access' | 'tensor' | 'region' | 'label'> {
  readonly verdict: AuditVerdict;
  bytes: number;
  accesses: number;
}

export function renderSecurity(run: Run): string | undefined {
  const { audit } = run;
  if (!audit || audit.flows.length === 0) return undefined;
  const flows = collectFlows(audit.flows);
  const regions = [...new Set(flows.map(({ region }) => region))];
  const verdicts = [...new Set(flows.map(({ verdict }) => verdict))];
  const figure = openFigure({
    name: 'security',
    title: 'Regions and flows',
    subtitle: subtitleOf(audit),
    description: flows
      .map(
        (flow) =>
          `${flow.initiator} ${flow.access}s ${flow.tensor} (${flow.label}) in ${flow.region} memory: ${formatValue(flow.bytes, 'B')}, ${MEANINGS[flow.verdict]}`,
      )
      .join('; '),
    bodyHeight: 26 + flows.length * ROW + regions.length * GAP,
    legend: verdicts.map((verdict) => {
      const hue = HUES[verdict];
      const text = MEANINGS[verdict];
      return hue === 'alarm' ? { label: text, hue: GREY, fill: 'alarm' } : { label: text, hue };
    }),
  });
  label(figure.root, LEFT, figure.top + 12, 'Who', { style: 'm t' });
  label(figure.root, RIGHT, figure.top + 12, 'Memory', { style: 'm t' });
  let top = figure.top + 22;
  for (const region of regions) {
    const own = flows.filter((flow) => flow.region === region);
    drawRegion(figure, audit, region, top, own.length * ROW);
    drawInitiators(figure, own, top);
    for (const [i, flow] of own.entries()) drawFlow(figure, flow, top + (i + 0.5) * ROW);
    top += own.length * ROW + GAP;
  }
  return figure.svg.print();
}

function subtitleOf({ preset, promises, attacks, leakedBytes, checks }: SecurityAudit): string {
  const noun = attacks.length === 1 ? 'attack' : 'attacks';
  const tried = attacks.length === 0 ? '' : ` ${attacks.length} ${noun} tried.`;
  const end =
    leakedBytes > 0
      ? `${formatValue(leakedBytes, 'B')} leaked.`
      : 'No promised secret came below its clearance.';
  const forged = tamperings({ attacks });
  const broken = forged ? ` Integrity was broken by ${forged}.` : '';
  return `Preset ${preset} keeps ${promises}. ${checks} accesses, each checked. ${end}${broken}${tried}`;
}

/** Phases added up, by region, then by who. */
function collectFlows(rows: readonly AuditRow[]): Flow[] {
  const sums = new Map<string, Flow>();
  for (const row of rows) {
    const { initiator, access, region, label: secrecy, verdict, bytes, accesses } = row;
    const tensor = row.workload === undefined ? row.tensor : `${row.tensor} of ${row.workload}`;
    const key = [region, initiator, tensor, access, secrecy, verdict].join('\n');
    const sum = sums.get(key);
    if (sum) {
      sum.bytes += bytes;
      sum.accesses += accesses;
    } else
      sums.set(key, {
        initiator,
        access,
        tensor,
        region,
        label: secrecy,
        verdict,
        bytes,
        accesses,
      });
  }
  const order = (flow: Flow) =>
    `${flow.region === 'normal' ? 1 : 0} ${flow.region} ${flow.initiator}`;
  return [...sums.values()].sort((a, b) => order(a).localeCompare(order(b)) || b.bytes - a.bytes);
}

function drawRegion(
  figure: Figure,
  audit: SecurityAudit,
  kind: string,
  top: number,
  height: number,
): void {
  box(figure, RIGHT, top, height);
  const used = audit.regions
    .filter((region) => region.kind === kind)
    .reduce((sum, region) => sum + region.used, 0);
  const clearance = audit.regions.find((region) => region.kind === kind)?.clearance ?? 'public';
  const cleared =
    clearance === 'public' ? ['cleared for no secret'] : ['cleared for', ...clearance.split(' + ')];
  const middle = top + height / 2;
  const lines = [`${kind} memory`, `holds ${formatValue(used, 'B')}`, ...cleared];
  const shown = height < lines.length * LINE + 6 ? lines.slice(0, 2) : lines;
  for (const [i, text] of shown.entries()) {
    const y = middle + 4 + (i - (shown.length - 1) / 2) * LINE;
    const style = i === 0 ? 'b t' : 'm t';
    label(figure.root, RIGHT + 8, y, fitText(text, BOX - 14, 11), { style });
  }
}

function drawInitiators(figure: Figure, flows: readonly Flow[], top: number): void {
  for (let i = 0; i < flows.length; ) {
    const { initiator } = flows[i]!;
    let count = 1;
    while (flows[i + count]?.initiator === initiator) count++;
    box(figure, LEFT, top + i * ROW + 2, count * ROW - 4);
    const y = top + (i + count / 2) * ROW + 4;
    label(figure.root, LEFT + 8, y, fitText(initiator, BOX - 14, 11), { style: 'b t' });
    i += count;
  }
}

/** A bar as thick as its bytes, with a head where they go to. */
function drawFlow(figure: Figure, flow: Flow, y: number): void {
  const from = LEFT + BOX + 6;
  const to = RIGHT - 6;
  const share = flow.bytes > 0 ? Math.min(1, Math.log10(flow.bytes + 1) / DECADES) : 0;
  const half = Math.max(0.6, (share * THICKEST) / 2);
  const head = half + 3;
  const bar = y + 7;
  const [tail, tip] = flow.access === 'read' ? [to, from] : [from, to];
  const neck = tip + Math.sign(tail - tip) * 2 * head;
  const d =
    `M${px(tail)} ${px(bar - half)}H${px(neck)}V${px(bar - head)}L${px(tip)} ${px(bar)}` +
    `L${px(neck)} ${px(bar + head)}V${px(bar + half)}H${px(tail)}Z`;
  const hue = HUES[flow.verdict];
  const style = hue === 'alarm' ? 'alarm' : `f${hue} bar`;
  const text = `${flow.access} ${flow.tensor} · ${flow.label} · ${formatValue(flow.bytes, 'B')}`;
  tooltip(
    path(figure.root, style, d),
    `${text}, ${flow.accesses} accesses, ${MEANINGS[flow.verdict]}`,
  );
  const room = to - from - 24;
  label(figure.root, (from + to) / 2, y - 3, fitText(text, room, 11), {
    style: 't',
    anchor: 'middle',
  });
}

function box(figure: Figure, left: number, top: number, height: number): void {
  path(figure.root, 'lane', `M${px(left)} ${px(top)}h${BOX}v${px(height)}h${-BOX}Z`);
}
