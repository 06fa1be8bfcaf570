/** Everything a user can name, by kind, with the line that says what it is. */
import { sourcedEntries } from '../base/provenance.ts';
import { formatQuantity } from '../base/quantity.ts';
import { parseSpecFile } from '../base/spec-file.ts';
import {
  type DescriptionKind,
  descriptions,
  FOLDERS,
  listBundled,
  readBundled,
  readTrace,
  SCENARIOS,
  traceNames,
} from '../load.ts';
import type { CatalogueEntry } from './catalogue-entry.ts';

export interface CatalogueKind {
  /** What one of them is called. */
  readonly one: string;
  /** Kind of description file, where it is one. */
  readonly file?: DescriptionKind;
  readonly entries: () => Promise<readonly CatalogueEntry[]>;
}

export const catalogue: Readonly<Record<string, CatalogueKind>> = {
  socs: files('SoC', 'soc'),
  parts: files('part', 'part'),
  phones: files('phone', 'phone'),
  workloads: files('workload', 'workload'),
  models: {
    one: 'model',
    entries: async () => (await import('./model-catalogue.ts')).modelEntries(),
  },
  runtimes: files('runtime', 'runtime'),
  security: files('security preset', 'security'),
  memories: files('memory', 'preset'),
  scenarios: { one: 'scenario', entries: scenarioEntries },
  traces: { one: 'request trace', entries: traceEntries },
  policies: {
    one: 'scheduling policy',
    entries: async () => registry((await import('../runtime/policies/index.ts')).policies),
  },
  governors: {
    one: 'governor',
    entries: async () => {
      const { governors, thermalGovernors } = await import('../runtime/governors/index.ts');
      return [
        ...registry(governors, { controls: 'frequency' }),
        ...registry(thermalGovernors, { controls: 'heat' }),
      ];
    },
  },
  metrics: {
    one: 'metric',
    entries: async () =>
      Object.entries((await import('../engine/metrics.ts')).metrics).map(([name, metric]) => ({
        name,
        summary: metric.meaning,
        facts: { unit: metric.unit },
      })),
  },
  charts: {
    one: 'chart',
    entries: async () => registry((await import('../analysis/charts/index.ts')).charts),
  },
};

/** Names of every kind that is a file, without reading any: cheap enough for hints. */
export function fileNames(): readonly { readonly name: string; readonly kind: DescriptionKind }[] {
  return (Object.keys(FOLDERS) as DescriptionKind[]).flatMap((kind) =>
    listBundled(FOLDERS[kind], '.yaml').map((name) => ({ name, kind })),
  );
}

function files(one: string, kind: DescriptionKind): CatalogueKind {
  return {
    one,
    file: kind,
    entries: async () => {
      const { read } = descriptions();
      return listBundled(FOLDERS[kind], '.yaml').map((name) => {
        const { data } = read(kind, name);
        const numbers = sourcedEntries(data);
        const estimated = numbers.filter(({ trust }) => trust === 'estimated').length;
        const facts: Record<string, string> =
          numbers.length > 0
            ? { numbers: String(numbers.length), estimated: String(estimated) }
            : {};
        return { name, summary: String((data as { summary?: string }).summary ?? ''), facts };
      });
    },
  };
}

/** Bundled scenarios, for socsim run. */
async function scenarioEntries(): Promise<readonly CatalogueEntry[]> {
  return listBundled(SCENARIOS, '.yaml').map((name) => {
    const { file, text } = readBundled(`${SCENARIOS}/${name}.yaml`);
    const { data } = parseSpecFile(text, file);
    return { name, summary: String((data as { summary?: string }).summary ?? ''), facts: { file } };
  });
}

/** Bundled request traces, with what a replay would have to serve. */
async function traceEntries(): Promise<readonly CatalogueEntry[]> {
  const { parseRequestTrace } = await import('../workload/request-trace.ts');
  return traceNames().map((name) => {
    const { file, text } = readTrace(name);
    const requests = parseRequestTrace(text, file);
    const seconds = requests.at(-1)?.arrival ?? 0;
    const mean = (of: (request: (typeof requests)[number]) => number) =>
      Math.round(requests.reduce((sum, request) => sum + of(request), 0) / requests.length);
    return {
      name,
      summary: `${requests.length} requests over ${formatQuantity(seconds, 'time', 3)}, for socsim play`,
      facts: {
        file,
        'prompt tokens': `${mean(({ promptTokens }) => promptTokens)} on average`,
        'generated tokens': `${mean(({ generatedTokens }) => generatedTokens)} on average`,
      },
    };
  });
}

function registry(
  entries: Readonly<Record<string, { readonly summary: string }>>,
  facts: Readonly<Record<string, string>> = {},
): CatalogueEntry[] {
  return Object.entries(entries).map(([name, { summary }]) => ({ name, summary, facts }));
}
