import { describe, expect, it } from 'vitest';
import { checkNpuRows } from '../../../src/cli/npu-rows.ts';

const SCALE_HEAD =
  'run_id,tool,family,layer,op,M,N,K,ifmap_h,ifmap_w,filt_h,filt_w,channels,num_filters,stride,' +
  'array_rows,array_cols,dataflow,ifmap_sram_kb,filter_sram_kb,ofmap_sram_kb,bw_mode,bw_words_per_cycle,' +
  'total_cycles,no_stall_cycles,dram_ifmap_reads,dram_filter_reads,dram_ofmap_writes,sram_ifmap_reads,sram_filter_reads';
/** SCALE-Sim 2.0.2, run ss0101 of the reference collection. */
const STALLED =
  'ss0101,SCALE-Sim v2.0.2,attn,pv_head_dec_ctx512,gemm,1,128,512,,,,,,,,32,32,os,64,64,64,USER,10,' +
  '10963,2295,16390,131080,128,2048,65536';

describe('rows of simulator runs', () => {
  it('are repeated by the rule of their tool', () => {
    const report = checkNpuRows(`${SCALE_HEAD}\n${STALLED}\n`, 'runs.csv');
    const byQuantity = Object.fromEntries(report.rows.map((row) => [row.quantity, row]));
    expect(byQuantity['total_cycles']).toMatchObject({
      id: 'ss0101',
      predicted: 10_963,
      reference: 10_963,
      error: 0,
      group: 'SCALE-Sim USER attn',
    });
    expect(byQuantity['dram_bytes']?.predicted).toBe(16_390 + 131_080 + 128);
    expect(byQuantity['sram_read_bytes']?.predicted).toBe(2048 + 65_536);
    expect(byQuantity['total_cycles']?.columns?.['layer']).toBe('pv_head_dec_ctx512');
  });

  it('need no buffer sizes where the closed form alone was evaluated', () => {
    const closed =
      'sf0001,SCALE-Sim v2 fold formula,llm_prefill,x,gemm,128,4096,4096,,,,,,,,128,128,os,,,,CALC,,139199,139199,,,,,';
    const { rows } = checkNpuRows(`${SCALE_HEAD}\n${closed}\n`, 'runs.csv');
    expect(rows.map((row) => [row.quantity, row.error])).toEqual([
      ['total_cycles', 0],
      ['no_stall_cycles', 0],
    ]);
  });

  it('follow an array they do not know by saying so', () => {
    const odd = STALLED.replace(',os,', ',rs,');
    const report = checkNpuRows(`${SCALE_HEAD}\n${odd}\n`, 'runs.csv');
    expect(report.unmapped).toEqual([{ id: 'ss0101', reason: 'dataflow "rs" is not known' }]);
  });

  it('leave out what is no single product of a known rule', () => {
    const head =
      'run_id,tool,kind,family,layer,M,N,K,array_rows,array_cols,onchip_kb,dram_bytes_per_cycle,cycles,stall_free_cycles';
    const report = checkNpuRows(
      [
        head,
        'ot1,ZigZag 3.8.5,gemm_cycles,llm_prefill,a,128,512,512,64,64,1024,76.75,8450,8192',
        'ot2,MAESTRO,gemm_cycles,llm_prefill,a,128,512,512,64,64,1024,77,10194,',
        'ot3,LLM-Viewer,llm_e2e,llm_e2e,a,,,,,,,,,',
        '',
      ].join('\n'),
      'other.csv',
    );
    expect(report.rows.map(({ id }) => id)).toEqual(['ot1', 'ot1']);
    expect(report.unmapped.map(({ reason }) => reason)).toEqual([
      'MAESTRO depends on a mapping written by hand',
      'llm_e2e is not one product',
    ]);
  });

  it('name every cell that is not a number, and a table that is something else', () => {
    const broken = STALLED.replace(',1,128,512,', ',,128,many,');
    expect(() => checkNpuRows(`${SCALE_HEAD}\n${broken}\n`, 'runs.csv')).toThrow(
      /runs\.csv:2: K \(column 8\): not a number that it may hold \(expected a whole number from 1 to 1048576, got "many"\)\s+runs\.csv:2: M \(column 6\): is empty \(expected a whole number/,
    );
    expect(() => checkNpuRows('run_id,tool,family,layer,M,N,K\n', 'x.csv')).toThrow(
      /not a table of simulator runs/,
    );
    expect(() => checkNpuRows('a,b\n', 'x.csv')).toThrow(
      /another table, or none \(expected the columns run_id, tool/,
    );
  });

  const scale = (change: (cells: Record<string, string>) => Record<string, string>) => {
    const names = SCALE_HEAD.split(',');
    const cells = Object.fromEntries(STALLED.split(',').map((text, i) => [names[i] ?? '', text]));
    const changed = { ...cells, ...change(cells) };
    const line = names.map((name) => changed[name]).join(',');
    return checkNpuRows(`${SCALE_HEAD}\n${line}\n`, 'runs.csv');
  };

  it('refuse arrays, memories and rates that no machine has', () => {
    const faults = [
      ['array_rows', '0'],
      ['array_cols', 'Infinity'],
      ['array_cols', '1.5'],
      ['ifmap_sram_kb', '0x40'],
      ['bw_words_per_cycle', '-1'],
      ['N', '1e9'],
      ['total_cycles', '0'],
    ] as const;
    for (const [name, text] of faults) {
      const place = new RegExp(`runs\\.csv:2: ${name} \\(column \\d+\\): `);
      expect(() => scale(() => ({ [name]: text }))).toThrow(place);
    }
  });

  it('refuse a convolution that is not the product beside it', () => {
    const window = { ifmap_h: '10', ifmap_w: '10', filt_h: '3', filt_w: '3', channels: '8' };
    const product = { M: '64', N: '16', K: '72', num_filters: '16', stride: '1' };
    expect(scale(() => ({ ...window, ...product })).rows.length).toBeGreaterThan(0);
    expect(() => scale(() => ({ ...window, ...product, M: '65' }))).toThrow(
      /M \(column 6\): does not go with the convolution, which gives 64 \(got "?65/,
    );
    expect(() => scale(() => ({ ...window, ...product, filt_h: '11' }))).toThrow(
      'the filter is larger than its input',
    );
  });

  it('leave out tools and modes without a rule, and say so', () => {
    expect(scale(() => ({ tool: 'Timeloop 4' })).unmapped[0]?.reason).toBe(
      'Timeloop 4 has no rule here',
    );
    expect(scale(() => ({ bw_mode: 'FAST' })).unmapped[0]?.reason).toContain('"FAST"');
    expect(scale(() => ({ bw_words_per_cycle: '' })).unmapped[0]?.reason).toContain('empty');
  });

  it('take spreadsheets: byte-order mark, carriage returns, quotes, columns in any order', () => {
    const names = SCALE_HEAD.split(',');
    const cells = STALLED.split(',');
    const turned = [...names.keys()].reverse();
    const quoted = (text: string | undefined) => `"${text}"`;
    const text = `\uFEFFmine,${turned.map((i) => names[i]).join(',')}\r\nx,${turned.map((i) => quoted(cells[i])).join(',')}\r\n`;
    const plain = checkNpuRows(`${SCALE_HEAD}\n${STALLED}\n`, 'runs.csv');
    const exported = checkNpuRows(text, 'runs.csv');
    expect(exported.rows.map(({ quantity, predicted }) => [quantity, predicted])).toEqual(
      plain.rows.map(({ quantity, predicted }) => [quantity, predicted]),
    );
  });

  it('name a column that is missing', () => {
    const head = SCALE_HEAD.replace(',array_rows', ',array_row');
    expect(() => checkNpuRows(`${head}\n${STALLED}\n`, 'runs.csv')).toThrow(
      /runs\.csv:1: column "array_rows" is missing.*"array_row"/,
    );
  });
});
