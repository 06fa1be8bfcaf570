/** What a language-model graph is built from, besides the model itself. */
import type { DType } from '../../base/work.ts';
import type { WeightFormat } from '../models/weight-format.ts';

/** How each kind of tensor is stored, and the format that arithmetic sees. */
export interface LlmFormats {
  readonly weights: WeightFormat;
  readonly embedding: WeightFormat;
  readonly head: WeightFormat;
  readonly kv: WeightFormat;
  readonly activation: DType;
}

/** Merges that a phone's graph compiler makes; each can be switched to see what it saves. */
export interface LlmFusion {
  /** Query, key and value projections as one product. */
  readonly qkv: boolean;
  /** Gate and up projections as one product. */
  readonly gateUp: boolean;
  /** Residual sum inside the norm that follows it. */
  readonly residualNorm: boolean;
  /** Scores, softmax and values in one operator whose score matrix stays local. */
  readonly attention: boolean;
  /** Sums and activations inside the products they follow. */
  readonly elementwise: boolean;
}

export const DEFAULT_FUSION: LlmFusion = {
  qkv: false,
  gateUp: false,
  residualNorm: true,
  attention: true,
  elementwise: false,
};

/**
 * Which experts a batch of tokens needs.
 * Called once per graph; the result is what every step of that graph pays for.
 */
export interface ExpertRouting {
  /** @returns how many distinct experts `tokens` tokens visit, each choosing `topK` of `count`. */
  activeExperts(tokens: number, count: number, topK: number): number;
}

/** Independent, evenly spread choices: the expected number of distinct experts. */
export const uniformRouting: ExpertRouting = {
  activeExperts: (tokens, count, topK) => count * (1 - (1 - topK / count) ** tokens),
};

export interface LlmGraphOptions {
  readonly name: string;
  /** New tokens that one step computes. */
  readonly tokens: number;
  /** Tokens whose logits are computed; 0 leaves the output head out. */
  readonly logits: number;
  /** Last layers that only read the caches of earlier ones see the tokens with logits alone, as nothing else of them is used. */
  readonly pruned?: boolean;
  readonly formats: LlmFormats;
  readonly fusion: LlmFusion;
  readonly routing: ExpertRouting;
  /** `causal` skips the half of the score matrix that the mask removes; `full` computes it, as simple kernels do. */
  readonly scores: 'causal' | 'full';
  /** Graphs are compiled for contexts that are multiples of this; attention covers the next one. 1 is exact. */
  readonly contextBucket: number;
}
