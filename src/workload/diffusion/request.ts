/** Requests to an image or video generator: prompt encoding, denoising calls, decoding. */
import type { Bytes } from '../../base/units.ts';
import type { DType } from '../../base/work.ts';
import type { Phase, RequestPlan } from '../graph.ts';
import { peakActivationBytes } from '../graph-totals.ts';
import type { WeightFormat } from '../models/weight-format.ts';
import type { Network, NetworkSettings } from '../network/network-builder.ts';
import { buildDecoder, buildEncoder } from './autoencoder.ts';
import type { Autoencoder, Denoiser, TextEncoder } from './component.ts';
import { buildDit } from './dit.ts';
import { buildMmdit } from './mmdit.ts';
import { buildTextEncoder } from './text-encoder.ts';
import { buildUnet } from './unet.ts';

/** `batched`: both guidance passes in one call. `separate`: two calls per step. `none`: one pass. */
type Guidance = 'none' | 'batched' | 'separate';

export interface DiffusionRequest {
  readonly name: string;
  readonly textEncoders: readonly { readonly name: string; readonly model: TextEncoder }[];
  readonly denoiser: { readonly name: string; readonly model: Denoiser };
  readonly autoencoder: { readonly name: string; readonly model: Autoencoder };
  readonly textFormat: WeightFormat;
  readonly denoiserFormat: WeightFormat;
  readonly autoencoderFormat: WeightFormat;
  readonly activationDType: DType;
  /** Denoising steps that are computed. */
  readonly steps: number;
  readonly guidance: Guidance;
  /** Pixels. */
  readonly height: number;
  readonly width: number;
  readonly frames: number;
  /** Start from a given image, which is encoded first. */
  readonly startImage: boolean;
  /** Run sums and activations inside the operators they follow. */
  readonly fuse: boolean;
}

interface Part {
  readonly phase: string;
  readonly network: Network;
  readonly steps: number;
  readonly outputsPerStep: number;
}

export function buildDiffusionRequest(request: DiffusionRequest): RequestPlan {
  const { autoencoder, guidance } = request;
  const size = { height: request.height, width: request.width };
  const settings = (weights: WeightFormat, batch: number): NetworkSettings => ({
    weights,
    activation: request.activationDType,
    batch,
    fuse: request.fuse,
    // The exports for phones, such as those of Qualcomm AI Hub and Apple, split attention into heads.
    headwise: true,
  });
  const prompts = guidance === 'none' ? 1 : 2;
  const image = settings(request.autoencoderFormat, 1);
  const parts: Part[] = request.textEncoders.map(({ name, model }) => ({
    phase: 'text-encoder',
    network: buildTextEncoder(name, model, settings(request.textFormat, prompts)),
    steps: 1,
    outputsPerStep: 0,
  }));
  if (request.startImage)
    parts.push({
      phase: 'vae-encoder',
      network: buildEncoder(`${autoencoder.name}/encoder`, autoencoder.model, image, size),
      steps: request.frames,
      outputsPerStep: 0,
    });
  parts.push({
    phase: request.denoiser.model.type,
    network: buildDenoiser(
      request,
      settings(request.denoiserFormat, guidance === 'batched' ? 2 : 1),
    ),
    steps: request.steps * (guidance === 'separate' ? 2 : 1),
    outputsPerStep: 0,
  });
  parts.push({
    phase: 'vae-decoder',
    network: buildDecoder(`${autoencoder.name}/decoder`, autoencoder.model, image, size),
    steps: request.frames,
    outputsPerStep: 1,
  });
  return joinParts(request.name, parts);
}

/** One call of the denoiser. */
function buildDenoiser(request: DiffusionRequest, settings: NetworkSettings): Network {
  const { denoiser, autoencoder, frames } = request;
  const { name, model } = denoiser;
  const height = request.height / autoencoder.model.downsample;
  const width = request.width / autoencoder.model.downsample;
  switch (model.type) {
    case 'unet':
      return buildUnet(name, model, settings, { height, width }, frames);
    case 'dit': {
      const stride = model.temporalStride ?? 1;
      return buildDit(name, model, settings, {
        frames: Math.floor((frames - 1) / stride) + 1,
        height,
        width,
      });
    }
    case 'mmdit':
      return buildMmdit(name, model, settings, { height, width });
  }
}

function joinParts(name: string, parts: readonly Part[]): RequestPlan {
  const phases = parts.map(
    ({ phase, network, steps, outputsPerStep }): Phase => ({
      name: phase,
      graph: network.graph,
      steps,
      contextStart: 0,
      contextStride: 0,
      outputsPerStep,
    }),
  );
  const weights: Bytes = parts.reduce((sum, { network }) => sum + network.weightBytes, 0);
  return {
    name,
    phases,
    memory: {
      weights,
      kvCache: 0,
      activations: Math.max(...phases.map((phase) => peakActivationBytes(phase))),
    },
    promptTokens: 0,
    generatedTokens: 0,
  };
}
