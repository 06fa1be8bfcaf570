import { describe, expect, it } from 'vitest';
import { coloursFor, counted, renderTable, startProgress } from '../../../src/cli/terminal.ts';

const plain = { isTTY: false, columns: 60 };

describe('renderTable', () => {
  it('sets columns under a rule, without a frame or trailing space', () => {
    const text = renderTable(
      [{ header: 'name' }, { header: 'count', align: 'right' }],
      [
        ['npu', '4'],
        ['a longer one', '16'],
      ],
      plain,
    );
    expect(text.split('\n')).toEqual([
      'name          count',
      '────────────  ─────',
      'npu               4',
      'a longer one     16',
    ]);
  });

  it('puts numbers and units in line, and leaves other text alone', () => {
    const text = renderTable(
      [{ header: 'value', align: 'quantity' }],
      [['76.8 GB/s'], ['8533 MT/s'], ['4'], ['-0.5 W'], ['lpddr5x'], ['1 … 4 GHz (3 points)']],
      plain,
    );
    expect(text.split('\n').slice(2)).toEqual([
      '76.8 GB/s',
      '8533 MT/s',
      '   4',
      '-0.5 W',
      'lpddr5x',
      '1 … 4 GHz (3 points)',
    ]);
  });

  it('breaks the column that may wrap at the width of the terminal', () => {
    const note = 'many words that do not fit into the sixty columns of this small terminal';
    const lines = renderTable(
      [{ header: 'path' }, { header: 'note', wrap: true }],
      [['memory.rate', note]],
      plain,
    ).split('\n');
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(60);
    expect(lines.slice(2).join(' ').replace(/\s+/g, ' ')).toBe(`memory.rate ${note}`);
  });

  it('leaves out columns that hold nothing', () => {
    const text = renderTable([{ header: 'a' }, { header: 'b' }], [['1', '']], plain);
    expect(text).not.toContain('b');
  });

  it('shows the header alone without rows', () => {
    expect(renderTable([{ header: 'a' }], [], plain)).toBe('a\n─');
  });

  it('colours on a terminal only', () => {
    const rows = [['x']];
    expect(renderTable([{ header: 'a' }], rows, plain)).not.toContain('\u001b');
    expect(coloursFor({ isTTY: false }).red('x')).toBe('x');
  });
});

describe('startProgress', () => {
  it('prints nothing where standard error is no terminal', () => {
    const progress = startProgress('points', 10);
    progress.update(5);
    progress.stop();
    expect(process.stderr.isTTY).not.toBe(true);
  });
});

describe('counted', () => {
  it('puts a noun into the number it is counted with', () => {
    expect([0, 1, 2].map((count) => counted(count, 'operator'))).toEqual([
      '0 operators',
      '1 operator',
      '2 operators',
    ]);
    expect(counted(1, 'launch')).toBe('1 launch');
    expect(counted(3, 'launch')).toBe('3 launches');
  });
});
