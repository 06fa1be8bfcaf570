/** Every model that a workload may name: whole ones, parts of image generators, and stand-ins for what nobody has published. */
import { GIGA } from '../base/units.ts';
import { fileSources } from '../load.ts';
import { llmParameters } from '../workload/llm/parameters.ts';
import type { CatalogueEntry } from './catalogue-entry.ts';

export async function modelEntries(): Promise<readonly CatalogueEntry[]> {
  const { tables } = fileSources();
  const { llm, visionLanguage, audioLanguage, speech, diffusion, vision } = tables;
  const language = Object.values(llm.models).map((model) => {
    const experts = model.experts
      ? `, ${model.experts.topK} of ${model.experts.count} experts`
      : '';
    const size = `${Number((llmParameters(model) / GIGA).toPrecision(3))}B parameters`;
    return entry(model.id, 'llm', `${size}, ${model.layers} layers of ${model.hidden}${experts}`);
  });
  const standIns = Object.entries(llm.standIns).map(([name, shape]) =>
    entry(name, 'llm', `stand-in with the shape of ${shape}: its own is not published`),
  );
  const pictures = Object.entries(visionLanguage).map(([name, model]) =>
    entry(name, 'vision-language', `${model.encoder} before ${model.llm}`),
  );
  const sounds = Object.entries(audioLanguage).map(([name, model]) =>
    entry(name, 'audio-language', `${model.encoder} before ${model.llm}`),
  );
  return [
    ...language,
    ...standIns,
    ...pictures,
    ...sounds,
    ...Object.keys(speech).map((name) => entry(name, 'speech', 'speech to text')),
    ...Object.keys(vision).map((name) => entry(name, 'vision', 'encoder of pictures')),
    ...Object.entries(diffusion).map(([name, part]) =>
      entry(name, 'diffusion', `${part.type} of an image generator`),
    ),
  ].toSorted((a, b) => a.name.localeCompare(b.name, 'en'));
}

function entry(name: string, family: string, summary: string): CatalogueEntry {
  return { name, summary, facts: { family } };
}
