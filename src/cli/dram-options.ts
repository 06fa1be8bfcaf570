/** The options of the DRAM commands, and the memory and traffic they stand for. */
import { type Fault, SpecError } from '../base/errors.ts';
import { pick } from '../base/registry.ts';
import { NANO } from '../base/units.ts';
import { loadLpddrPreset } from '../calibration/lpddr-presets.ts';
import { buildAddressMap } from '../hardware/dram/address-map.ts';
import { type ControllerConfig, NEVER } from '../hardware/dram/controller-config.ts';
import { CONTROLLERS } from '../hardware/dram/controllers.ts';
import { buildDevice } from '../hardware/dram/device.ts';
import type { LpddrPreset } from '../hardware/dram/preset.ts';
import { ACCESS_BYTES, parseRequesters, type Requester } from '../hardware/dram/requester.ts';
import type { TrafficOptions } from '../hardware/dram/simulate.ts';
import { type AccessTrace, parseTrace } from '../hardware/dram/trace.ts';
import { readUserFile, type TextFile } from '../load.ts';
import type { Args, OptionSpec } from './command.ts';

const PATTERNS = ['stream', 'strided', 'random', 'mixed'] as const;
type Pattern = (typeof PATTERNS)[number];

/** They bring the accesses that a pattern would make. */
const OWN_TRAFFIC = ['requesters', 'trace'];

export const dramOptions: Readonly<Record<string, OptionSpec>> = {
  preset: {
    type: 'string',
    summary: 'speed bin, such as LPDDR5-6400 or LPDDR5T-9600, or a YAML file of one',
    value: 'NAME',
    default: 'LPDDR5X-8533',
  },
  channels: { type: 'number', summary: 'x16 channels', default: 4 },
  ranks: { type: 'number', summary: 'ranks of each channel', default: 1 },
  density: { type: 'string', summary: 'per channel and rank, such as 16Gb', value: 'SIZE' },
  mode: { type: 'string', summary: 'bank organisation of the preset', value: 'NAME' },
  temperature: {
    type: 'number',
    summary: 'of the case in degC; hot DRAM refreshes more',
    default: 25,
    idleWith: ['refresh=none'],
  },
  controller: {
    type: 'string',
    summary: 'whose rules: our own, or those of a peer',
    choices: Object.keys(CONTROLLERS),
    default: 'mobile',
  },
  'read-queue': { type: 'number', summary: 'bursts the controller sees; its own by default' },
  'write-queue': { type: 'number', summary: 'bursts it holds back to write; its own by default' },
  map: {
    type: 'string',
    summary: 'address map: a name, or fields from the lowest bit such as co1,bg2,ch2,co5,ba2,ro',
    value: 'MAP',
    default: 'A',
  },
  page: {
    type: 'string',
    summary: 'rows stay open, or close once no hit waits (adaptive: and a conflict does)',
    choices: ['open', 'closed', 'open-adaptive'],
  },
  refresh: {
    type: 'string',
    summary: 'which banks refresh at once; as the controller does by default',
    choices: ['all', 'per-bank', 'none'],
  },
  'power-down': {
    type: 'number',
    summary:
      'idle nanoseconds after which a rank closes its rows and powers down; never by default',
    value: 'NS',
  },
  'self-refresh': {
    type: 'number',
    summary: 'idle nanoseconds after which a rank refreshes itself; never by default',
    value: 'NS',
  },
  pattern: {
    type: 'string',
    summary: 'where accesses go',
    choices: PATTERNS,
    default: 'stream',
    idleWith: OWN_TRAFFIC,
  },
  'read-share': {
    type: 'number',
    summary: 'of the accesses, 0 to 1',
    default: 1,
    idleWith: OWN_TRAFFIC,
  },
  streams: {
    type: 'number',
    summary: 'requesters side by side',
    default: 1,
    idleWith: OWN_TRAFFIC,
  },
  stride: {
    type: 'number',
    summary: 'bytes from one access to the next if strided; 4096 by default',
    idleWith: OWN_TRAFFIC,
  },
  requesters: {
    type: 'string',
    summary: 'instead of a pattern: kind;key=value;… | …, kinds seq stride rand chunk',
    value: 'TEXT',
  },
  trace: {
    type: 'string',
    summary: 'instead of a pattern: a file of lines "address R|W [cycle]"',
    value: 'FILE',
  },
  rate: {
    type: 'number',
    summary: 'share of peak at which accesses arrive; as fast as they are served by default',
  },
  window: {
    type: 'number',
    summary: 'accesses under way without a rate; 64 per channel by default',
    idleWith: ['load-latency'],
  },
  requests: {
    type: 'number',
    summary: 'accesses of 64 bytes',
    default: 200_000,
    idleWith: ['trace'],
  },
  seed: {
    type: 'number',
    summary: 'of random addresses and writes',
    default: 1,
    idleWith: OWN_TRAFFIC,
  },
};

/** Everything wrong with the options is told at once where one fault does not hide the next. */
export function trafficOptions(args: Args): TrafficOptions {
  checkNumbers(args);
  const preset = loadLpddrPreset(args['preset'] as string);
  const channels = args['channels'] as number;
  const memory = {
    preset,
    channels,
    ranks: args['ranks'] as number,
    density: args['density'] as string | undefined,
    mode: args['mode'] as string | undefined,
    temperature: args['temperature'] as number,
    controller: controllerOption(args, preset),
    map: args['map'] as string,
  };
  const map = buildAddressMap(memory.map, buildDevice(preset, memory), channels);
  const openRate = args['rate'] as number | undefined;
  const trace = args['trace'] as string | undefined;
  const source = trace === undefined ? undefined : readUserFile(trace);
  const traffic = {
    requesters: source ? [] : requestersOption(args, map.capacity, channels),
    trace: source ? traceOption(source, map.capacity) : undefined,
  };
  checkPaces(args, traffic);
  return {
    ...memory,
    plan: {
      ...traffic,
      openRate,
      window:
        openRate === undefined
          ? ((args['window'] as number | undefined) ?? 64 * channels)
          : undefined,
      accesses: args['requests'] as number,
    },
  };
}

/** @throws SpecError for limits that nobody would keep, because accesses come at their own times. */
function checkPaces(
  args: Args,
  { requesters, trace }: Pick<TrafficOptions['plan'], 'requesters' | 'trace'>,
): void {
  const faults: Fault[] = [];
  const common = ['rate', 'load-latency'].find((name) => args[name] !== undefined);
  const own = requesters.some(({ rate, window }) => (rate ?? window) !== undefined);
  if (common !== undefined && own) {
    const message = `w and rate of a requester have no effect with --${common}`;
    faults.push({ path: '--requesters', message, hint: 'it sets one pace for all of them' });
  }
  const timed = trace ? trace.cycle : requesters.every(({ rate }) => rate !== undefined);
  if (args['window'] !== undefined && timed) {
    const message = `has no effect with ${trace ? 'a trace that has cycles' : 'a rate for every requester'}`;
    faults.push({ path: '--window', message });
  }
  if (faults.length > 0) throw new SpecError(faults);
}

function checkNumbers(args: Args): void {
  const faults: Fault[] = [];
  const demand = (name: string, ok: (value: number) => boolean, expected: string) => {
    const value = args[name] as number | undefined;
    if (value === undefined || ok(value)) return;
    faults.push({ path: `--${name}`, message: 'out of range', expected, got: `${value}` });
  };
  const whole = (least: number) => (value: number) => Number.isInteger(value) && value >= least;
  demand('channels', (value) => whole(1)(value) && value <= 64, 'a whole number from 1 to 64');
  // From what LPDDR5 is specified for at the cold end (JESD209-5) to the automotive grade's hot end.
  demand('temperature', (value) => value >= -40 && value <= 125, 'degC from -40 to 125');
  demand('ranks', whole(1), '1 or 2');
  const commands = pick(CONTROLLERS, args['controller'] as string, 'controller').config.structure;
  if (commands !== 'command') {
    const expected = 'a controller with low-power states: mobile or ramulator2.1';
    demand('power-down', () => false, expected);
    demand('self-refresh', () => false, expected);
  }
  demand('power-down', idleTime, 'nanoseconds from 0 to a tenth of a second');
  demand('self-refresh', idleTime, 'nanoseconds from 0 to a tenth of a second');
  const powerDown = (args['power-down'] as number | undefined) ?? 0;
  // A rank in self-refresh is past power-down: the shorter wait would never be waited for.
  demand('self-refresh', (value) => value >= powerDown, `no sooner than --power-down ${powerDown}`);
  demand('streams', (value) => whole(1)(value) && value <= 64, 'a whole number from 1 to 64');
  demand('requests', whole(LEAST_ACCESSES), `a whole number of at least ${LEAST_ACCESSES}`);
  demand('window', whole(1), 'a whole number of at least 1');
  demand('read-queue', whole(1), 'a whole number of at least 1');
  demand('write-queue', whole(1), 'a whole number of at least 1');
  demand('seed', whole(1), 'a whole number of at least 1');
  demand('read-share', (value) => value >= 0 && value <= 1, 'a share from 0 to 1');
  demand('rate', (value) => value > 0, 'a share of peak above 0');
  demand('stride', (value) => whole(64)(value) && value % 64 === 0, 'a multiple of 64 bytes');
  if (faults.length > 0) throw new SpecError(faults);
}

/** Of a stride, unless told otherwise: that of a page of an operating system. */
const PAGE_BYTES = 4096;

/** Measuring starts after a tenth of the accesses and ends before the last twentieth: fewer leave nothing between. */
export const LEAST_ACCESSES = 20;

/** Idle times that the cycle counters can hold. */
const idleTime = (value: number) => value >= 0 && value <= 1e8;

function traceOption({ text, file }: TextFile, capacity: number): AccessTrace {
  const trace = parseTrace(text, file, capacity);
  const { length } = trace.address;
  if (length >= LEAST_ACCESSES) return trace;
  throw new SpecError([
    {
      file,
      message: 'the trace is too short to measure',
      expected: `at least ${LEAST_ACCESSES} accesses`,
      got: `${length}`,
    },
  ]);
}

function controllerOption(args: Args, preset: LpddrPreset): ControllerConfig {
  const { config } = pick(CONTROLLERS, args['controller'] as string, 'controller');
  const page = args['page'] as string | undefined;
  const refresh = args['refresh'] as string | undefined;
  const cycle = preset.beatsPerClock.is / preset.rate.is;
  const cyclesOf = (name: string) => {
    const time = args[name] as number | undefined;
    return time === undefined ? NEVER : Math.ceil((time * NANO) / cycle);
  };
  return {
    ...config,
    readQueue: (args['read-queue'] as number | undefined) ?? config.readQueue,
    writeQueue: (args['write-queue'] as number | undefined) ?? config.writeQueue,
    page:
      page === 'closed' ? 'close-adaptive' : ((page as ControllerConfig['page']) ?? config.page),
    refresh:
      refresh === 'all' ? 'all-bank' : ((refresh as ControllerConfig['refresh']) ?? config.refresh),
    powerDownAfter: cyclesOf('power-down'),
    selfRefreshAfter: cyclesOf('self-refresh'),
  };
}

function requestersOption(args: Args, capacity: number, channels: number): Requester[] {
  const text = args['requesters'] as string | undefined;
  if (text !== undefined) return parseRequesters(text);
  const streams = args['streams'] as number;
  const pattern = args['pattern'] as Pattern;
  const stride = (args['stride'] as number | undefined) ?? PAGE_BYTES;
  // Each stream in its own part of memory, moved on by a row of every bank group so that they do not march
  // through the same banks together.
  const slice = 2 ** Math.floor(Math.log2(capacity / streams));
  const step = 8192 * channels;
  const longest = streams > 1 ? slice - streams * step : slice;
  if (pattern === 'strided' && stride > longest) {
    const message = 'longer than the part of memory that a stream has';
    const expected = `at most ${longest} bytes`;
    throw new SpecError([{ path: '--stride', message, expected, got: `${stride}` }]);
  }
  return Array.from({ length: streams }, (_, index) => {
    const base = index * slice + (streams > 1 ? index * step : 0);
    const region = Math.max(ACCESS_BYTES, slice - (streams > 1 ? streams * step : 0));
    return {
      ...shapeOf(pattern, index, stride),
      base,
      region,
      writePercent: Math.round(100 * (1 - (args['read-share'] as number))),
      seed: (args['seed'] as number) + index,
    };
  });
}

/** `mixed` takes a stream, 2 KiB chunks and single accesses in turn. */
function shapeOf(
  pattern: Pattern,
  index: number,
  stride: number,
): Pick<Requester, 'kind' | 'stride'> {
  const single = { kind: 'rand', stride: ACCESS_BYTES } as const;
  const stream = { kind: 'seq', stride: ACCESS_BYTES } as const;
  if (pattern === 'random') return single;
  if (pattern === 'strided') return { kind: 'stride', stride };
  if (pattern === 'stream') return stream;
  const turns = [stream, { kind: 'chunk', stride: 2048 } as const, single];
  return turns[index % turns.length] as Pick<Requester, 'kind' | 'stride'>;
}
