import { describe, expect, it } from 'vitest';
import { escapeHtml, html, renderTable } from '../../../src/analysis/report/html.ts';
import { drawCharts, renderReport } from '../../../src/analysis/report.ts';
import { metrics } from '../../../src/engine/metrics.ts';
import { sampleRun } from '../../support/sample-run.ts';

const run = sampleRun({ requests: 2, detail: 'step' });
const drawn = await drawCharts(run);
const page = renderReport(run, drawn);

/** Elements that HTML closes by itself. */
const VOID = new Set(['meta', 'br', 'link', 'img', 'hr', 'input', '!doctype']);

/** Every tag is closed, in order; an unescaped `<` breaks this. */
function unbalanced(text: string): string | undefined {
  const open: string[] = [];
  const body = text.replaceAll(/<style>[\s\S]*?<\/style>/g, '');
  for (const [, slash, name = '', , self] of body.matchAll(
    /<(\/?)([!a-zA-Z][\w-]*)((?:\s[^<>]*?)?)(\/?)>/g,
  )) {
    if (VOID.has(name.toLowerCase()) || self) continue;
    if (!slash) open.push(name);
    else if (open.pop() !== name) return name;
  }
  return open.at(-1);
}

describe('report', () => {
  it('asks for nothing from outside and runs nothing', () => {
    const addresses = [...page.matchAll(/(?:https?:)?\/\/[^\s"'<)]+/g)].map(([address]) => address);
    expect(new Set(addresses)).toEqual(new Set(['http://www.w3.org/2000/svg']));
    expect(page).not.toMatch(/<script|<link|<img|<iframe|@import|url\(|\son\w+=/i);
  });

  it('is well-formed', () => {
    expect(unbalanced(page)).toBeUndefined();
    expect(page.startsWith('<!doctype html>')).toBe(true);
  });

  it('holds every chart that was drawn, each explained in words', () => {
    expect(drawn.size).toBe(11);
    for (const name of drawn.keys()) {
      const [, figure = ''] = page.split(`<figure id="chart-${name}">`);
      expect(figure).toMatch(/^\s*<svg[\s\S]*?<\/svg>\s*<figcaption>[^<]{40,}/);
    }
  });

  it('uses each id once, so that pictures do not name each other', () => {
    const ids = [...page.matchAll(/\sid="([^"]+)"/g)].map(([, id]) => id);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('tells every metric with its meaning', () => {
    for (const id of Object.keys(run.metrics)) {
      expect(page).toContain(`<code>${id}</code>`);
      expect(page).toContain(escapeHtml(metrics[id as keyof typeof metrics].meaning));
    }
  });

  it('names phases, inputs with hashes, trust and notes', () => {
    expect(page).toContain('request 2');
    for (const [file, hash] of Object.entries(run.inputs.hashes)) {
      expect(page).toContain(file);
      expect(page).toContain(hash);
    }
    expect(page).toMatch(/datasheet<\/td><td class="n">34 %/);
    expect(page).toContain(run.notes[0]!);
    expect(page).toContain('prompt_tokens=512');
  });

  it('follows the reader’s light or dark preference', () => {
    expect(page).toContain('color-scheme:light dark');
    expect(page.match(/prefers-color-scheme:dark/g)?.length).toBe(2);
  });

  it('shortens a long run to its first and last phases', () => {
    const long = sampleRun({
      requests: 20,
      generatedTokens: 2,
      promptTokens: 4,
      detail: 'step',
      counters: false,
    });
    const text = renderReport(long, new Map());
    expect(text).toContain('… 26 more in run.json');
    expect(text).toContain('request 1<');
    expect(text).toContain('request 20<');
    expect(text).not.toContain('request 10<');
  });

  it('stands without charts and with hostile names', () => {
    const hostile = {
      ...run,
      notes: ['<script>alert(1)</script>'],
      inputs: { ...run.inputs, workload: '"><b>x' },
    };
    const text = renderReport(hostile, new Map());
    expect(text).not.toContain('<script>');
    expect(text).toContain('&quot;&gt;&lt;b&gt;x');
    expect(text).not.toContain('<figure');
    expect(unbalanced(text)).toBeUndefined();
  });

  it('is the same every time', async () => {
    expect(renderReport(run, await drawCharts(run)) === page).toBe(true);
  });
});

describe('html pieces', () => {
  it('escape values and pass HTML through', () => {
    expect(html`<p>${'a<b>&"\''} ${3} ${html`<i>x</i>`}</p>`.html).toBe(
      '<p>a&lt;b&gt;&amp;&quot;&#39; 3 <i>x</i></p>',
    );
  });

  it('align numeric columns', () => {
    const { html: text } = renderTable(
      [{ header: 'a' }, { header: 'n', numeric: true }],
      [['x', '1']],
    );
    expect(text).toContain('<td>x</td><td class="n">1</td>');
  });
});
