/** Diffusion requests: phases, guidance, sizes, and what is refused. */
import { describe, expect, it } from 'vitest';
import { parseSpecFile } from '../../../../src/base/spec-file.ts';
import { sumGraph } from '../../../../src/workload/graph-totals.ts';
import { buildWorkload, parseWorkload } from '../../../../src/workload/workload-spec.ts';
import { tables } from '../../../support/workload-tables.ts';

const BASE = {
  version: '1',
  family: 'diffusion',
  summary: 'a test',
  textEncoders: '[clip-vit-l-14-text]',
  denoiser: 'sd15-unet',
  autoencoder: 'sd-vae',
  weightFormat: 'fp16',
  steps: '20',
};

function parse(changes: Record<string, string> = {}) {
  const text = Object.entries({ ...BASE, ...changes })
    .map(([key, value]) => `${key}: ${value}\n`)
    .join('');
  return parseWorkload(parseSpecFile(text, 'mine.yaml'), tables);
}

function plan(changes?: Record<string, string>) {
  return buildWorkload(parse(changes), tables, 'mine');
}

function phase(changes: Record<string, string>, name: string) {
  const found = plan(changes).phases.find((candidate) => candidate.name === name);
  if (!found) throw new Error(`no phase ${name}`);
  return found;
}

describe('a request for an image', () => {
  it('encodes the prompt, denoises, decodes', () => {
    expect(
      plan().phases.map(({ name, steps, outputsPerStep }) => [name, steps, outputsPerStep]),
    ).toEqual([
      ['text-encoder', 1, 0],
      ['unet', 20, 0],
      ['vae-decoder', 1, 1],
    ]);
  });

  it('holds all three networks', () => {
    // 1,032,071,623 published, and 20 of the convolution that the published figure leaves out.
    expect(plan().memory.weights).toBe(2 * (1_032_071_623 + 20));
  });

  it('pays for guidance in batches or in calls', () => {
    const macs = (guidance: string) => {
      const { graph, steps } = phase({ guidance }, 'unet');
      return steps * sumGraph(graph, 0).macs;
    };
    expect(macs('batched')).toBe(2 * macs('none'));
    expect(macs('separate')).toBe(macs('batched'));
    expect(phase({ guidance: 'separate' }, 'unet').steps).toBe(40);
    expect(sumGraph(phase({ guidance: 'none' }, 'text-encoder').graph, 0).macs * 2).toBe(
      sumGraph(phase({}, 'text-encoder').graph, 0).macs,
    );
  });

  it('starts from an image when it has a strength', () => {
    const edit = plan({ strength: '0.6' });
    expect(edit.phases.map(({ name }) => name)).toContain('vae-encoder');
    expect(edit.phases.find(({ name }) => name === 'unet')?.steps).toBe(12);
  });

  it('draws other sizes', () => {
    const wide = phase({ width: '1024', height: '512', guidance: 'none' }, 'unet');
    const square = phase({ guidance: 'none' }, 'unet');
    const convs = (graph: typeof wide.graph) => sumGraph(graph, 0).macsByOperator['Conv'] ?? 0;
    expect(convs(wide.graph)).toBe(2 * convs(square.graph));
  });

  it('decodes a video frame by frame', () => {
    const clip = plan({
      denoiser: 'animatediff-v2-unet',
      frames: '16',
      width: '256',
      height: '256',
    });
    expect(clip.phases.at(-1)).toMatchObject({ steps: 16, outputsPerStep: 1 });
  });
});

describe('a bad request for an image', () => {
  it.each([
    [{ denoiser: 'sd15-unnet' }, /denoiser: unknown denoiser.*did you mean "sd15-unet"/],
    [{ denoiser: 'sd-vae' }, /denoiser: unknown denoiser "sd-vae"/],
    [
      { textEncoders: '[clip, t5-v1.1-xxl-encoder]' },
      /textEncoders\.0: unknown text encoder "clip"/,
    ],
    [{ textEncoders: '[]' }, /textEncoders/],
    [{ autoencoder: 'vae' }, /autoencoder: unknown autoencoder "vae"/],
    [{ width: '500' }, /width: sd15-unet cannot draw this size.*a multiple of 64 pixels, got 500/],
    [{ width: '-64' }, /width/],
    [{ steps: '0' }, /steps/],
    [{ strength: '1.5' }, /strength/],
    [{ frames: '16' }, /frames: sd15-unet makes single images/],
    [{ guidance: 'twice' }, /guidance: not one of the allowed values/],
    [{ weightFormat: 'fp15' }, /weightFormat: unknown weight format "fp15"; did you mean "fp16"/],
  ])('%j is refused', (changes, message) => {
    expect(() => parse(changes as Record<string, string>)).toThrow(message);
  });
});
