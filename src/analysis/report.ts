/** One run as a self-contained page: no script, no request, light and dark, printable. */
import type { Run } from '../engine/run.ts';
import type { ChartOptions } from './charts/index.ts';
import type { ChartName } from './charts/summaries.ts';
import { STYLE } from './charts/theme.ts';
import { CAPTIONS } from './report/captions.ts';
import { type Html, html } from './report/html.ts';
import { renderSecurityTables } from './report/security.ts';
import { PAGE_STYLE } from './report/style.ts';
import {
  renderInputs,
  renderMetrics,
  renderPhases,
  renderTiles,
  renderTrust,
} from './report/tables.ts';
import { renderCloud, renderSwaps, renderWorkloads } from './report/workloads.ts';

/** Drawn charts by name; see `drawCharts`. */
export type DrawnCharts = ReadonlyMap<ChartName, string>;

interface Section {
  readonly id: string;
  readonly title: string;
  readonly body: Html;
}

const TIME_CHARTS: readonly ChartName[] = ['ledger', 'timeline', 'rate'];
const SECURITY_CHARTS: readonly ChartName[] = ['security'];
const MEASURED_CHARTS: readonly ChartName[] = ['overlay'];
const MEMORY_CHARTS: readonly ChartName[] = ['roofline', 'bandwidth', 'memory'];
const POWER_CHARTS: readonly ChartName[] = [
  'power',
  'energy',
  'temperature',
  'heatmap',
  'frequency',
];

/** Draws every chart that the run has data for. Loads d3 on first use. */
export async function drawCharts(run: Run, options: ChartOptions = {}): Promise<DrawnCharts> {
  const { charts } = await import('./charts/index.ts');
  const drawn = new Map<ChartName, string>();
  for (const name of Object.keys(charts) as ChartName[]) {
    const svg = charts[name].render(run, options);
    if (svg !== undefined) drawn.set(name, svg);
  }
  return drawn;
}

/** @returns the HTML text; the same run gives the same bytes. */
export function renderReport(run: Run, drawn: DrawnCharts): string {
  const { inputs } = run;
  const title = `${inputs.workload} on ${inputs.soc}`;
  const sections = listSections(run, drawn).filter(({ body }) => body.html !== '');
  const links = sections.map(({ id, title: name }) => html`<a href="#${id}">${name}</a>`);
  const bodies = sections.map(
    ({ id, title: name, body }) => html`<section id="${id}"><h2>${name}</h2>\n${body}</section>\n`,
  );
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="socsim ${inputs.version}">
<title>${title} · socsim</title>
<style>${raw(PAGE_STYLE)}\n${raw(STYLE)}</style>
</head>
<body>
<main>
<h1>${title}</h1>
<p class="lead">${describeSetup(run)}</p>
<nav>${links}</nav>
${renderTiles(run)}
${bodies}
<footer>Written by socsim ${inputs.version}. A simulation: figures are predictions, and the section on sources says what they rest on.</footer>
</main>
</body>
</html>
`;
  return page.html;
}

function listSections(run: Run, drawn: DrawnCharts): readonly Section[] {
  return [
    {
      id: 'phases',
      title: 'Phases',
      body: html`<p class="why">A language model first reads the prompt (prefill, heavy on arithmetic), then writes one token at a time (decode, heavy on memory traffic). “Limited by” names what held the phase for most of its time, and for which share of it. Power and energy are those of the whole phone meanwhile.</p>
${renderPhases(run)}`,
    },
    {
      id: 'workloads',
      title: 'Workloads side by side',
      body: html`${renderWorkloads(run)}${renderSwaps(run)}${renderCloud(run)}`,
    },
    { id: 'time', title: 'Time', body: renderFigures(drawn, TIME_CHARTS) },
    { id: 'memory', title: 'Arithmetic and memory', body: renderFigures(drawn, MEMORY_CHARTS) },
    { id: 'power', title: 'Power, heat and clocks', body: renderFigures(drawn, POWER_CHARTS) },
    {
      id: 'protection',
      title: 'Protection',
      body: html`${renderFigures(drawn, SECURITY_CHARTS)}${renderSecurityTables(run)}`,
    },
    { id: 'measured', title: 'Measured', body: renderFigures(drawn, MEASURED_CHARTS) },
    { id: 'metrics', title: 'All metrics', body: renderMetrics(run) },
    {
      id: 'sources',
      title: 'Sources and notes',
      body: html`<p class="why">Every number in the descriptions of SoC and phone has a source and a level of trust; <code>socsim show ${run.inputs.soc}</code> lists them.</p>
${renderTrust(run)}
${renderNotes(run)}`,
    },
    {
      id: 'inputs',
      title: 'Inputs',
      body: html`<p class="why">The same inputs give the same run, bit for bit.</p>\n${renderInputs(run)}`,
    },
  ];
}

function describeSetup({ inputs, requests }: Run): string {
  const count = requests.length === 1 ? 'one request' : `${requests.length} requests`;
  const setup = `${inputs.phone} · ${count} · policy ${inputs.policy} · governor ${inputs.governor} · thermal ${inputs.thermalGovernor} · runtime ${inputs.runtime} · ${inputs.fidelity}`;
  return inputs.overrides.length === 0 ? setup : `${setup} · with ${inputs.overrides.join(', ')}`;
}

function renderFigures(drawn: DrawnCharts, names: readonly ChartName[]): Html {
  const figures = names.flatMap((name): Html[] => {
    const svg = drawn.get(name);
    if (svg === undefined) return [];
    const picture = raw(inlineSvg(svg));
    return [
      html`<figure id="chart-${name}">\n${picture}<figcaption>${CAPTIONS[name]}</figcaption>\n</figure>\n`,
    ];
  });
  return html`${figures}`;
}

/** The page carries the style sheet once; each picture scales to the column. */
function inlineSvg(svg: string): string {
  return svg.replace(/<style>[\s\S]*?<\/style>\n?/, '');
}

function renderNotes({ notes }: Run): Html {
  if (notes.length === 0) return html``;
  const items = notes.map((note) => html`<li>${note.charAt(0).toUpperCase()}${note.slice(1)}</li>`);
  return html`<p>Before quoting a figure:</p><ul>${items}</ul>`;
}

function raw(text: string): Html {
  return { html: text };
}
