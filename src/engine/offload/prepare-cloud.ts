/** What a scenario says of its cloud, with the links that it names. */
import { SpecError } from '../../base/errors.ts';
import { nearestHint } from '../../base/registry.ts';
import type { SpecFile } from '../../base/spec-file.ts';
import type { CloudScenario } from '../scenario.ts';
import type { CloudSpec, Signal } from './cloud.ts';
import { parseLinks } from './links.ts';

/** Name of no signal at all. */
const NO_SIGNAL = 'none';

/** @throws SpecError for unknown links, and instants that are not in order. */
export function cloudOf(cloud: CloudScenario, links: SpecFile, seed: number): CloudSpec {
  const known = parseLinks(links);
  const names = [...Object.keys(known), NO_SIGNAL];
  const entries = [{ from: 0, link: cloud.link }, ...cloud.signal];
  const faults = entries.flatMap(
    ({ link, from }, i): { [key: string]: string; message: string }[] => {
      const path = i === 0 ? 'cloud.link' : `cloud.signal.${i - 1}`;
      if (!names.includes(link))
        return [{ path, message: `no link "${link}"`, hint: nearestHint(link, names) ?? '' }];
      if (i === 0 || from > entries[i - 1]!.from) return [];
      return [{ path, message: 'not after the one before', got: `${from} s` }];
    },
  );
  if (entries.every(({ link }) => link === NO_SIGNAL)) {
    const message = 'there is never a signal, so the cloud answers nothing';
    faults.push({ path: 'cloud.link', message, hint: 'leave cloud: out, or name a link' });
  }
  if (faults.length > 0) throw new SpecError(faults);
  return {
    endpoint: {
      firstTokenSeconds: cloud.firstToken,
      tokensPerSecond: cloud.rate,
      queueSeconds: cloud.queue,
    },
    answers: cloud.answers,
    signal: entries.map(({ from, link }): Signal => ({ from, link: known[link] })),
    seed,
  };
}
