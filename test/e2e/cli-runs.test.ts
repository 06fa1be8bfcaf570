import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { builtCli, socsim, socsimProcess } from '../support/cli.ts';

const folder = () => mkdtempSync(join(tmpdir(), 'socsim-'));
const chat = ['--soc', 'dimensity-9300', '--workload', 'llama-2-7b-chat'];
/** A short answer keeps the suite quick; the path through the code is the same. */
const short = [...chat, '--set', 'workload.generatedTokens=8'];

describe('socsim run', () => {
  it('tells rates, limits and temperatures, and writes every file', async () => {
    const out = join(folder(), 'result');
    const { code, stdout } = await socsim(['run', ...chat, '--out', out]);
    expect(code).toBe(0);
    for (const text of ['prefill', 'decode', 'bandwidth', 'tok/s', 'J/tok', '°C', 'GB/s'])
      expect(stdout).toContain(text);
    expect(readdirSync(out)).toEqual(expect.arrayContaining(['report.html', 'run.json', 'charts']));
    expect(readdirSync(out).some((name) => name.startsWith('trace.'))).toBe(true);
    const run = JSON.parse(readFileSync(join(out, 'run.json'), 'utf8'));
    expect(run.metrics.decode_tokens_per_second).toBeGreaterThan(5);
    expect(run.inputs.hashes['socs/dimensity-9300.yaml']).toMatch(/^[0-9a-f]{64}$/);
    const report = readFileSync(join(out, 'report.html'), 'utf8');
    expect(report).not.toMatch(/(src|href)="https?:/);
  });

  it('gives the same bytes twice, in a fresh process and in one that has run others', async () => {
    const fresh = socsimProcess(['run', ...short, '--json']);
    expect(fresh.code).toBe(0);
    expect((await socsim(['run', ...short, '--json'])).stdout).toBe(fresh.stdout);
  });

  it('reads a scenario file, options laid over it', async () => {
    const dir = folder();
    writeFileSync(
      join(dir, 'mine.yaml'),
      'version: 1\nsoc: dimensity-9300\nworkload: llama-2-7b-chat\nset: [workload.promptTokens=128]\n',
    );
    const { stdout, code } = await socsim(['run', 'mine.yaml', '--unit', 'gpu', '--json'], dir);
    expect(code).toBe(0);
    const run = JSON.parse(stdout);
    expect(run.requests[0].promptTokens).toBe(128);
    expect(run.phases[0].units).toEqual(['gpu']);
  });

  it('answers a what-if: twice the prompt takes about twice as long to the first token', async () => {
    const seconds = async (prompt: number) => {
      const prompts = ['--set', `workload.promptTokens=${prompt}`];
      const { stdout } = await socsim(['run', ...short, '--json', ...prompts]);
      return JSON.parse(stdout).metrics.time_to_first_token_seconds;
    };
    const ratio = (await seconds(1024)) / (await seconds(512));
    expect(ratio).toBeGreaterThan(1.9);
    expect(ratio).toBeLessThan(2.4);
  });
});

describe('measurements', () => {
  it('lays a log of a phone over a run and tells the gap of each curve', async () => {
    const dir = folder();
    const log = 't_s,back_skin_c,npu_mhz,soc_c\n0,25,1465,40\n10,25.5,1465,45\n';
    writeFileSync(join(dir, 'log.csv'), log);
    const overlay = ['--overlay', 'log.csv', '--match', 'soc_c=npu temperature', '--out', 'out'];
    const { stdout, code } = await socsim(['run', ...chat, ...overlay], dir);
    expect(code).toBe(0);
    expect(stdout).toMatch(/back_skin_c +skin-back temperature +2 /);
    expect(stdout).toMatch(/npu_mhz +npu frequency +2 +0 MHz/);
    expect(readdirSync(join(dir, 'out', 'charts'))).toContain('overlay.svg');
  });

  it('takes several models behind one --check', async () => {
    const { code, stderr } = await socsim([
      'calibrate',
      'host',
      '--check',
      'a.onnx',
      'b.onnx',
      '--quick',
    ]);
    expect(stderr).toContain('a.onnx');
    expect(stderr).toContain('b.onnx');
    expect(stderr).not.toContain('unexpected');
    expect(code).toBe(2);
  });

  it('turns results of llama-bench into rows that are compared with what is predicted', async () => {
    const dir = folder();
    const test = { backends: 'CPU', model_filename: 'Llama-3.2-3B-Instruct-Q4_0.gguf' };
    const rates = { n_prompt: 0, n_gen: 64, avg_ts: 17, model_n_params: 3.2e9 };
    writeFileSync(join(dir, 'bench.json'), JSON.stringify([{ ...test, ...rates }]));
    const soc = ['--soc', 'Snapdragon 8 Gen 3', '--out', 'rows.csv'];
    expect(await socsim(['import', 'bench.json', ...soc], dir)).toMatchObject({ code: 0 });
    const { stdout } = await socsim(['calibrate', 'device', 'rows.csv', '--check', '--json'], dir);
    expect(JSON.parse(stdout).rows).toMatchObject([{ quantity: 'decode', reference: 17 }]);
  });
});

describe('bad input ends with one clear message and exit 2', () => {
  const cases: [string, string[], RegExp][] = [
    [
      'unknown SoC',
      ['run', '--soc', 'dimensity-9301', '--workload', 'llama-2-7b-chat'],
      /unknown soc "dimensity-9301".*did you mean "dimensity-9300"/,
    ],
    [
      'unknown workload',
      ['run', '--soc', 'dimensity-9300', '--workload', 'llama-2-7b-chatt'],
      /unknown workload.*did you mean "llama-2-7b-chat"/,
    ],
    [
      'unknown path in --set',
      ['run', ...chat, '--set', 'npu.clok=1GHz'],
      /no such path "npu.clok".*did you mean "npu.clock"/,
    ],
    [
      'wrong unit',
      ['run', ...chat, '--set', 'memory.rate=8533 GB'],
      /--set memory.rate=8533 GB.*"GB" measures size, expected transfer-rate/,
    ],
    ['zero size', ['run', ...chat, '--set', 'npu.sram.size=0 MiB'], /must be above zero/],
    ['negative tokens', ['run', ...chat, '--set', 'workload.promptTokens=-5'], /promptTokens/],
    ['unknown unit', ['run', ...chat, '--unit', 'tpu'], /no unit "tpu"/],
    ['missing workload', ['run', '--soc', 'dimensity-9300'], /--workload is missing/],
    ['unknown option', ['run', ...chat, '--polcy', 'heft'], /unknown option --polcy.*--policy/],
    [
      'sweep over an unknown path',
      ['sweep', ...chat, '--axis', 'npu.clok=1 GHz,2 GHz'],
      /no such path/,
    ],
    [
      'sweep with a broken formula',
      ['sweep', ...chat, '--axis', 'npu.clock=npu.clock *'],
      /cannot compute/,
    ],
    [
      'sweep into an unknown kind of file',
      ['sweep', ...chat, '--axis', 'npu.clock=1 GHz', '--out', 'x.xlsx'],
      /\.csv or \.parquet/,
    ],
    ['compare with one name', ['compare', 'dimensity-9300'], /at least two/],
    [
      'unknown trace',
      ['play', 'azure-llm-2023-conv-sampel', ...chat],
      /unknown trace.*did you mean/,
    ],
  ];
  it.each(cases)('%s', async (_, args, message) => {
    const { code, stderr } = await socsim(args);
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/\n\s+at /);
    expect(code).toBe(2);
  });

  it('names every malformed line of a trace and uses none of it', async () => {
    const dir = folder();
    writeFileSync(
      join(dir, 'bad.csv'),
      'arrival_s,prompt_tokens,generated_tokens\n0,100,20\n1,-3,5\nsoon,5,5\n',
    );
    const { code, stderr, stdout } = await socsim(['play', 'bad.csv', ...chat], dir);
    expect(code).toBe(2);
    expect(stderr).toMatch(/bad\.csv:3: prompt_tokens/);
    expect(stderr).toMatch(/bad\.csv:4: arrival_s/);
    expect(stdout).toBe('');
  });

  it('refuses an empty line in a trace', async () => {
    const dir = folder();
    writeFileSync(
      join(dir, 'gap.csv'),
      'arrival_s,prompt_tokens,generated_tokens\n0,100,20\n\n1,50,5\n',
    );
    const { code, stderr } = await socsim(['play', 'gap.csv', ...chat], dir);
    expect([code, stderr]).toEqual([2, expect.stringMatching(/gap\.csv:3: empty line/)]);
  });

  it('names an output folder that cannot be written, before simulating', async () => {
    const dir = folder();
    writeFileSync(join(dir, 'taken'), '');
    const { code, stderr, stdout } = await socsim(['run', ...chat, '--out', join(dir, 'taken')]);
    expect(code).toBe(2);
    expect(stderr).toContain('taken');
    expect(stdout).toBe('');
  });
});

describe('what cannot run ends with exit 3, demand, bound and levers', () => {
  it('a model that does not fit', async () => {
    const { code, stderr } = await socsim([
      'run',
      '--soc',
      'dimensity-9300',
      '--workload',
      'llama-2-13b-chat',
      '--set',
      'workload.weightFormat=fp16',
    ]);
    expect(code).toBe(3);
    expect(stderr).toMatch(/needs .* GB of memory/);
    expect(stderr).toMatch(/what would help/);
    expect(stderr).toMatch(/fewer bits per weight/);
  });

  it('an operator that no unit takes', async () => {
    const without = ['npu', 'gpu', 'cpu'].flatMap((unit) => [
      '--set',
      `${unit}.operators.except=[Softmax, GroupQueryAttention]`,
    ]);
    const { code, stderr, stdout } = await socsim(['run', ...chat, ...without]);
    expect(code).toBe(3);
    expect(stdout).toBe('');
    expect(stderr).toMatch(
      /^socsim: no unit of dimensity-9300 can run layer\.0\.\S+ of \S+, a GroupQueryAttention/,
    );
    expect(stderr).toMatch(/demand 387 operators, bound 355 operators: short by 32 operators/);
    expect(stderr).toMatch(/- for gpu, GroupQueryAttention out of operators.except/);
    expect(stderr).not.toMatch(/\n +at /);
  });
});

describe('socsim sweep', () => {
  const axes = [
    '--axis',
    'npu.clock=npu.clock * 0.5,npu.clock',
    '--axis',
    'memory.rate=7500 MT/s,9600 MT/s',
  ];

  it('gives the same table on one thread and on two', async () => {
    const dir = folder();
    for (const threads of ['1', '2']) {
      const sweep = ['sweep', ...short, ...axes, '--threads', threads, '--out', `${threads}.csv`];
      expect(await socsim(sweep, dir)).toMatchObject({ code: 0 });
    }
    const [one, two] = ['1.csv', '2.csv'].map((name) => readFileSync(join(dir, name), 'utf8'));
    expect(two).toBe(one);
    expect(one!.trim().split('\n')).toHaveLength(5);
    expect(one).toContain('732.5 MHz');
  });

  it('writes Parquet', async () => {
    const dir = folder();
    const sweep = ['sweep', ...short, '--axis', 'unit=npu,gpu', '--out', 'x.parquet'];
    expect(await socsim(sweep, dir)).toMatchObject({ code: 0 });
    expect(readFileSync(join(dir, 'x.parquet')).subarray(0, 4).toString()).toBe('PAR1');
  });

  it('keeps finished points when interrupted, and exits with 130', async () => {
    const dir = folder();
    const file = join(dir, 'cut.csv');
    const values = Array.from({ length: 400 }, (_, i) => `${1000 + i} MHz`).join(',');
    const child = spawn(
      process.execPath,
      [
        builtCli,
        'sweep',
        ...short,
        '--axis',
        `npu.clock=${values}`,
        '--threads',
        '1',
        '--out',
        file,
      ],
      { stdio: 'ignore' },
    );
    const journal = `${file}.journal.csv`;
    const finished = () =>
      existsSync(journal) ? readFileSync(journal, 'utf8').trim().split('\n').length - 1 : 0;
    while (finished() < 2) await new Promise((resolve) => setTimeout(resolve, 50));
    child.kill('SIGINT');
    const code = await new Promise((resolve) => child.on('exit', resolve));
    expect(code).toBe(130);
    expect(existsSync(file)).toBe(true);
    const rows = readFileSync(file, 'utf8').trim().split('\n').length - 1;
    expect(rows).toBeGreaterThan(1);
    expect(existsSync(journal)).toBe(false);
    expect(rows).toBeLessThan(400);
  });
});

describe('socsim play and compare', () => {
  it('reports percentiles of a real trace', async () => {
    const { code, stdout } = await socsim([
      'play',
      'azure-llm-2023-conv-sample',
      '--soc',
      'dimensity-9300',
      '--workload',
      'llama-3.2-1b-chat',
      '--every',
      '100',
      '--json',
    ]);
    expect(code).toBe(0);
    const { percentiles, requests } = JSON.parse(stdout);
    expect(requests).toHaveLength(5);
    const queue = percentiles.find((row: { id: string }) => row.id === 'queueing_seconds');
    expect(queue.p50).toBeLessThanOrEqual(queue.p99);
  });

  it('sets SoCs side by side', async () => {
    const { code, stdout } = await socsim([
      'compare',
      'dimensity-9300',
      'snapdragon-8-gen-3',
      ...short.slice(2),
    ]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/decode rate.*tok\/s.*×/);
  });
});
