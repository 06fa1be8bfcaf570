import { describe, expect, it } from 'vitest';
import { charts } from '../../../../src/analysis/charts/index.ts';
import type { Run } from '../../../../src/engine/run.ts';
import type { Counter } from '../../../../src/engine/timeline.ts';
import { sampleRun } from '../../../support/sample-run.ts';
import { readSvg } from '../../../support/svg-document.ts';

function words(svg: string | undefined): string {
  return readSvg(svg ?? '')
    .texts.map(({ text }) => text)
    .join(' ');
}

function withCounters(change: (counters: readonly Counter[]) => readonly Counter[]): Run {
  const run = sampleRun({ detail: 'step' });
  return { ...run, timeline: { ...run.timeline, counters: change(run.timeline.counters) } };
}

/** As `counter`, under another name. */
function copy(counter: Counter, subject: string, scale = 1): Counter {
  return {
    ...counter,
    subject,
    name: `${subject} ${counter.quantity}`,
    value: counter.value.map((v) => v * scale),
  };
}

const find = (counters: readonly Counter[], name: string) => counters.find((c) => c.name === name)!;

describe('stacks', () => {
  it('do not count a total beside its parts', () => {
    const plain = sampleRun({ detail: 'step' });
    const doubled = withCounters((all) => [...all, copy(find(all, 'npu bandwidth'), 'dram', 5)]);
    expect(words(charts.bandwidth.render(doubled))).toBe(words(charts.bandwidth.render(plain)));
  });

  it('draw a lone total', () => {
    const lone = withCounters((all) => [copy(find(all, 'npu bandwidth'), 'dram')]);
    expect(words(charts.bandwidth.render(lone))).toContain('DRAM');
  });

  it('add up what exceeds the palette', () => {
    const many = withCounters((all) =>
      Array.from({ length: 12 }, (_, i) => copy(find(all, 'npu power'), `part ${i}`)),
    );
    expect(words(charts.power.render(many))).toContain('6 others');
  });

  it('leave out parts that drew nothing', () => {
    const idle = withCounters((all) => [...all, copy(find(all, 'npu bandwidth'), 'camera', 0)]);
    expect(words(charts.bandwidth.render(idle))).not.toContain('Camera');
  });

  it('tell a limit in words where it would flatten the curve', () => {
    const weak = withCounters((all) =>
      all.filter((c) => c.quantity === 'bandwidth').map((c) => copy(c, c.subject, 0.01)),
    );
    expect(words(charts.bandwidth.render(weak))).toContain('LPDDR5T peak: 76.8 GB/s.');
  });
});

describe('temperature', () => {
  it('draws the hottest nodes and always the skin, and says so', () => {
    const hot = withCounters((all) => [
      ...all,
      ...Array.from({ length: 30 }, (_, i) =>
        copy(find(all, 'npu temperature'), `block ${i}`, 1.01 + i / 100),
      ),
    ]);
    const text = words(charts.temperature.render(hot));
    expect(text).toContain('The 8 hottest of 33 nodes are drawn.');
    expect(text).toMatch(/Skin \d/);
    expect(text).toContain('Block 29');
    expect(text).not.toContain('Block 1 ');
  });
});

describe('frequency', () => {
  it('shows when and why clocks were held back', () => {
    const run = sampleRun({ requests: 5, generatedTokens: 1000, detail: 'step', gapSeconds: 1 });
    expect(run.timeline.marks.length).toBeGreaterThan(0);
    const svg = charts.frequency.render(run) ?? '';
    expect(words(svg)).toMatch(/skin limit \(\d+×\)/);
    expect(svg).toContain('alarm held');
  });
});

describe('ledger', () => {
  it('names the largest cause with its share of all unit time', () => {
    const run = sampleRun();
    const seconds = (cause: 'compute' | 'bandwidth') =>
      run.ledger.reduce((all, row) => all + row.seconds[cause], 0);
    const total = run.ledger.reduce(
      (all, row) => all + Object.values(row.seconds).reduce((a, b) => a + b, 0),
      0,
    );
    const share = ((100 * seconds('bandwidth')) / total).toPrecision(3);
    expect(seconds('bandwidth')).toBeGreaterThan(seconds('compute'));
    expect(words(charts.ledger.render(run))).toContain(
      `${Number(share)} % of it is DRAM bandwidth`,
    );
  });

  it('leaves rows without time to the energy chart', () => {
    const run = sampleRun();
    const [row] = run.ledger;
    const none = {
      compute: 0,
      bandwidth: 0,
      launch: 0,
      transfer: 0,
      queue: 0,
      thermal: 0,
      secure: 0,
      network: 0,
    };
    const more = {
      ...run,
      ledger: [...run.ledger, { ...row!, phase: 'leakage', seconds: none, joules: 3 }],
    };
    expect(words(charts.ledger.render(more))).not.toContain('leakage');
    expect(words(charts.energy.render(more))).toContain('Leakage');
  });
});

describe('timeline', () => {
  it('looks closer only where spans are dense', () => {
    expect(words(charts.timeline.render(sampleRun()))).toMatch(
      /A.*first decode steps.*B.*prefill.*C.*decode/,
    );
    const coarse = words(charts.timeline.render(sampleRun({ detail: 'step', generatedTokens: 4 })));
    expect(coarse).not.toContain('first decode steps');
  });

  it('says where operators were no longer recorded', () => {
    const run = sampleRun({ requests: 10, generatedTokens: 40, detail: 'step' });
    const { spans } = run.timeline;
    const length = Math.floor(spans.length / 3);
    const part = { ...run.timeline, spans: { ...spans, length } };
    expect(words(charts.timeline.render({ ...run, timeline: part }))).toContain(
      'not recorded from here on',
    );
    expect(words(charts.timeline.render(run))).not.toContain('not recorded');
  });
});

describe('roofline', () => {
  it('puts no mark above its roof and counts what has no place', () => {
    const text = words(charts.roofline.render(sampleRun()));
    expect(text).toContain('NPU INT8: 33 TOP/s, 62 GB/s');
    expect(text).toContain('Not shown: 6 kinds of operator');
  });

  it('is absent without arithmetic', () => {
    const run = sampleRun();
    const points = run.roofline.points.map((point) => ({ ...point, macs: 0 }));
    expect(
      charts.roofline.render({ ...run, roofline: { ...run.roofline, points } }),
    ).toBeUndefined();
  });
});

describe('roofline of several requests', () => {
  const marks = (run: Run) =>
    [...charts.roofline.render(run)!.matchAll(/>([^<>]*): ([^<>]*), ([^<>,]*) in (\d+) calls/g)]
      .map(([, name, place, , calls]) => [name, place, Number(calls)] as const)
      .sort();

  it('has one mark where an operator comes again, in its place and with all its calls', () => {
    const run = sampleRun();
    const once = marks(run);
    const points = [...run.roofline.points, ...run.roofline.points];
    const twice = marks({ ...run, roofline: { ...run.roofline, points } });
    expect(once.length).toBeGreaterThan(2);
    expect(twice).toEqual(once.map(([name, place, calls]) => [name, place, 2 * calls]));
  });
});

describe('rate', () => {
  it('of more requests than there are colours is their sum', () => {
    const one = find(sampleRun({ detail: 'step' }).timeline.counters, 'npu bandwidth');
    const rate = {
      ...one,
      quantity: 'rate' as const,
      unit: '1/s',
      value: one.value.map(() => 2.5),
    };
    const many = withCounters(() => Array.from({ length: 20 }, (_, i) => copy(rate, `r${i}`)));
    // Twenty at 2.5.
    expect(words(charts.rate.render(many))).toContain('50 tokens/s at best');
  });

  it('follows from the phases where no counter was kept', () => {
    const run = sampleRun({ counters: false });
    const decode = run.phases.find(({ phase }) => phase === 'decode')!;
    const rate = decode.outputs / (decode.endSeconds - decode.startSeconds);
    expect(words(charts.rate.render(run))).toContain(
      `${Number(rate.toPrecision(3))} tokens/s at best`,
    );
  });
});
