/** What distinguishes one decoder layer of a model from another; layers alike share their works. */
import type { GraphBuilder } from '../graph-builder.ts';
import type { LlmModel } from '../models/llm-model.ts';

/**
 * Appends one layer's attention, or what stands in its place, under `prefix`, reading operator `input`;
 * @returns the output projection.
 */
export type AttentionPart = (graph: GraphBuilder, prefix: string, input: number) => number;

export interface LayerKind {
  /** Mixes tokens by a state of fixed size: neither attention nor a cache that grows. */
  readonly recurrent: boolean;
  /** Tokens that the layer sees; undefined for all of them. */
  readonly window: number | undefined;
  readonly headDim: number;
  readonly valueDim: number;
  /** Whether the layer computes and stores keys and values of its own. */
  readonly ownsCache: boolean;
  /** Key and value weights that a checkpoint holds although the layer reuses another layer's cache. */
  readonly idleKv: boolean;
  /** Width of the dense feed-forward part. */
  readonly ffn: number;
  /** Experts instead of a dense part. */
  readonly sparse: boolean;
}

function layerKind(model: LlmModel, layer: number): LayerKind {
  const { window, experts } = model;
  const local = window !== undefined && layer % (window.local + window.global) < window.local;
  const wide = window !== undefined && !local ? model.globalHeadDim : undefined;
  const late = layer >= model.kvLayers;
  const recurrent = model.recurrent !== undefined && !model.recurrent.attending.includes(layer);
  return {
    recurrent,
    window: local ? window.tokens : undefined,
    headDim: wide ?? model.headDim,
    valueDim: wide ?? model.valueDim,
    ownsCache: layer % model.kvShare === 0 && !late && !recurrent,
    idleKv: late && !recurrent,
    ffn: late ? model.lateFfn : model.ffn,
    sparse: experts !== undefined && layer >= experts.denseFirst,
  };
}

/** Every kind that the model has, with the number of layers of it. */
export function layerKinds(
  model: LlmModel,
): { readonly kind: LayerKind; readonly count: number }[] {
  const kinds = new Map<string, { kind: LayerKind; count: number }>();
  for (let layer = 0; layer < model.layers; layer++) {
    const kind = layerKind(model, layer);
    const key = keyOf(kind);
    kinds.set(key, { kind, count: (kinds.get(key)?.count ?? 0) + 1 });
  }
  return [...kinds.values()];
}

/** A part for each layer, made once per kind. */
export function byLayer<T>(model: LlmModel, make: (kind: LayerKind) => T): (layer: number) => T {
  const made = new Map<string, T>();
  return (layer) => {
    const kind = layerKind(model, layer);
    const key = keyOf(kind);
    if (!made.has(key)) made.set(key, make(kind));
    return made.get(key) as T;
  };
}

function keyOf(kind: LayerKind): string {
  return Object.values(kind).join('/');
}
