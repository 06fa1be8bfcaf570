/** Request traces of three origins become the same requests; every bad line is told with its place. */
import { describe, expect, it } from 'vitest';
import { type Fault, SpecError } from '../../../src/base/errors.ts';
import { parseRequestTrace } from '../../../src/workload/request-trace.ts';

function faultsOf(text: string): readonly Fault[] {
  try {
    parseRequestTrace(text, 'trace');
  } catch (error) {
    if (error instanceof SpecError) return error.faults;
    throw error;
  }
  return [];
}

const REQUESTS = [
  { arrival: 0, promptTokens: 374, generatedTokens: 44, line: 2 },
  { arrival: 1.5, promptTokens: 396, generatedTokens: 109, line: 3 },
];

describe('a request trace', () => {
  it('of plain seconds starts at its first request', () => {
    const text = 'arrival_s,prompt_tokens,generated_tokens\n10,374,44\n11.5,396,109\n';
    expect(parseRequestTrace(text, 'trace')).toEqual(REQUESTS);
  });

  it('of Azure has time stamps with seven decimals, and may cross midnight', () => {
    const text =
      'TIMESTAMP,ContextTokens,GeneratedTokens\n' +
      '2023-11-16 23:59:59.2500000,374,44\n2023-11-17 00:00:00.7500000,396,109\n';
    const read = parseRequestTrace(text, 'trace');
    expect(read.map(({ arrival: _, ...rest }) => rest)).toEqual(
      REQUESTS.map(({ arrival: _, ...rest }) => rest),
    );
    expect(read.map(({ arrival }) => arrival)).toEqual([0, expect.closeTo(1.5, 6)]);
  });

  it('of Mooncake has milliseconds, one object to the line', () => {
    const text =
      '{"timestamp": 2000, "input_length": 374, "output_length": 44, "hash_ids": [1]}\n' +
      '{"timestamp": 3500, "input_length": 396, "output_length": 109, "hash_ids": []}\n';
    expect(parseRequestTrace(text, 'trace')).toEqual(
      REQUESTS.map((request) => ({ ...request, line: request.line - 1 })),
    );
  });

  it('is put in order of arrival, equal times in order of lines', () => {
    const text = 'arrival_s,prompt_tokens,generated_tokens\n5,1,1\n2,2,2\n5,3,3\n';
    const read = parseRequestTrace(text, 'trace');
    expect(read.map(({ promptTokens, arrival }) => [promptTokens, arrival])).toEqual([
      [2, 0],
      [1, 3],
      [3, 3],
    ]);
  });
});

describe('a bad trace', () => {
  const HEAD = 'arrival_s,prompt_tokens,generated_tokens\n';

  it.each([
    ['a count of nothing', `${HEAD}0,0,5\n`, 2, 'prompt_tokens'],
    ['half a token', `${HEAD}0,5,1.5\n`, 2, 'generated_tokens'],
    ['an empty cell', `${HEAD}0,5,5\n1,,5\n`, 3, 'prompt_tokens'],
    ['a time that is none', `${HEAD}noon,5,5\n`, 2, 'arrival_s'],
    ['a time before the first', `${HEAD}-1,5,5\n`, 2, 'arrival_s'],
    [
      'text for milliseconds',
      '{"timestamp":"x","input_length":1,"output_length":1}',
      1,
      'timestamp',
    ],
    ['no milliseconds', '{"timestamp":null,"input_length":1,"output_length":1}', 1, 'timestamp'],
    ['a missing key', '{"timestamp":1,"input_length":1}', 1, 'output_length'],
  ])('with %s names line and column', (_, text, line, path) => {
    expect(faultsOf(text)).toEqual([expect.objectContaining({ file: 'trace', line, path })]);
  });

  it('reports all bad lines at once', () => {
    const text =
      '{"timestamp":1,"input_length":1,"output_length":1}\n\n[1]\n{oops\n{"timestamp":1}\n';
    expect(faultsOf(text).map(({ line }) => line)).toEqual([2, 3, 4, 5, 5]);
  });

  it('without a known header shows the nearest', () => {
    expect(faultsOf('TIMESTAMPS,Context,Generated\n1,2,3\n')).toEqual([
      expect.objectContaining({ line: 1, hint: expect.stringContaining('TIMESTAMP') }),
    ]);
  });

  it('without a request says so', () => {
    expect(faultsOf(HEAD)).toEqual([
      expect.objectContaining({ message: 'the trace holds no request' }),
    ]);
  });
});
