/** Architecture of language models: one row of `workloads/models/llm.csv` as a typed record. */
import { parseCsv } from '../../base/csv.ts';
import { type Fault, SpecError } from '../../base/errors.ts';
import { pick } from '../../base/registry.ts';
import { openRow, type RowCells, refuseDuplicate } from './table-cells.ts';

/** Shape of a decoder-only transformer, from which weights, arithmetic and cache follow. */
export interface LlmModel {
  readonly id: string;
  readonly family: string;
  readonly layers: number;
  readonly hidden: number;
  readonly heads: number;
  readonly kvHeads: number;
  /** Width of one query and key head. */
  readonly headDim: number;
  /** Width of one value head; differs from `headDim` in latent attention only. */
  readonly valueDim: number;
  /** Multi-head latent attention: the cache holds `rank` + `ropeDim` elements per layer and token. */
  readonly latent: { readonly rank: number; readonly ropeDim: number } | undefined;
  /** Layers that mix tokens by a state of fixed size instead of attention; none where absent. */
  readonly recurrent: RecurrentLayers | undefined;
  /** Attention is gated by a further projection of its input before it leaves the heads. */
  readonly attentionGate: boolean;
  /** Every n-th layer owns a key–value cache, the layers between reuse it (cross-layer attention); 1 is usual. */
  readonly kvShare: number;
  /** Layers from this one on reuse the cache of earlier ones; their own key and value weights lie idle. */
  readonly kvLayers: number;
  /** Head width of layers that see everything, in models whose other layers are local. */
  readonly globalHeadDim: number;
  readonly ffn: number;
  /** Feed-forward width of the layers that reuse a cache. */
  readonly lateFfn: number;
  /** Width of the embedding that every layer looks up for itself. */
  readonly perLayerWidth: number | undefined;
  /** Rank of the residual beside attention. */
  readonly lowRankResidual: number | undefined;
  /** Parallel residual streams, mixed before and after every layer. */
  readonly parallelStreams: number | undefined;
  readonly gated: boolean;
  readonly activation: 'silu' | 'gelu';
  readonly vocab: number;
  readonly tied: boolean;
  readonly qkvBias: boolean;
  readonly outputBias: boolean;
  readonly mlpBias: boolean;
  readonly headBias: boolean;
  readonly norm: 'rms' | 'layer';
  /** 1: attention and feed-forward run in parallel from one norm. 2: usual. 4: norms after both parts as well. */
  readonly normsPerLayer: 1 | 2 | 4;
  readonly qkNorm: 'none' | 'per-head' | 'full-width';
  /** Share of head dimensions (averaged over layers) that are rotated; 0 where positions are added otherwise. */
  readonly rotaryShare: number;
  readonly maxContext: number;
  readonly window: SlidingWindow | undefined;
  readonly experts: ExpertShape | undefined;
  readonly source: string;
}

/** Token mixers whose memory does not grow with the context. */
export interface RecurrentLayers {
  /** The layers that attend; all others are recurrent. */
  readonly attending: readonly number[];
  readonly mixer: GatedDelta | ShortConvolution;
}

/** Gated delta rule: a matrix of `keyDim` × `valueDim` per value head, behind a causal convolution of what enters it. */
export interface GatedDelta {
  readonly kind: 'gated-delta';
  readonly keyHeads: number;
  readonly valueHeads: number;
  readonly keyDim: number;
  readonly valueDim: number;
  /** Taps of the convolution. */
  readonly taps: number;
}

/** A causal convolution between two gates, as wide as the model. */
export interface ShortConvolution {
  readonly kind: 'short-conv';
  readonly taps: number;
}

/** Local layers see the last `tokens` only; the pattern repeats `local` local layers, then `global` full ones. */
interface SlidingWindow {
  readonly tokens: number;
  readonly local: number;
  readonly global: number;
}

/** Mixture of experts in place of the dense feed-forward part. */
export interface ExpertShape {
  readonly count: number;
  readonly topK: number;
  readonly ffn: number;
  /** Width of the expert that every token visits; 0 when there is none. */
  readonly sharedFfn: number;
  readonly sharedGate: boolean;
  /** This many first layers stay dense. */
  readonly denseFirst: number;
}

/** All rows: models with a shape, and names whose shape is unpublished with the model that stands in for them. */
export interface LlmTable {
  readonly models: Readonly<Record<string, LlmModel>>;
  readonly standIns: Readonly<Record<string, string>>;
}

const COLUMNS = ['id', 'family', 'kind', 'n_layers', 'hidden', 'n_heads', 'n_kv_heads', 'head_dim'];

/** Parses the table; a user adds a model by adding a row. */
export function parseLlmTable(text: string, file: string): LlmTable {
  const faults: Fault[] = [];
  const models: Record<string, LlmModel> = {};
  const standIns: Record<string, string> = {};
  const pending: { cells: RowCells; standIn: string }[] = [];
  for (const row of parseCsv(text, file, COLUMNS).rows) {
    const cells = openRow(row, file, faults);
    const id = cells.text('id');
    refuseDuplicate({ ...models, ...standIns }, id, cells, 'id');
    if (cells.oneOf('kind', ['dense', 'moe', 'unpublished']) === 'unpublished') {
      standIns[id] = cells.text('stand_in');
      pending.push({ cells, standIn: cells.text('stand_in') });
    } else models[id] = readModel(cells, id);
  }
  for (const { cells, standIn } of pending) {
    if (!Object.hasOwn(models, standIn))
      cells.fail('stand_in', 'no such model', 'the id of a row with a shape');
  }
  if (faults.length > 0) throw new SpecError(faults);
  return { models, standIns };
}

/** The model of that name, or the one that stands in for it; an unknown name fails with the nearest. */
export function findLlm(
  table: LlmTable,
  name: string,
): { readonly model: LlmModel; readonly standsInFor?: string } {
  const standIn = table.standIns[name];
  if (standIn !== undefined && Object.hasOwn(table.standIns, name))
    return { model: table.models[standIn] as LlmModel, standsInFor: name };
  const known = { ...table.models, ...table.standIns } as Record<string, LlmModel>;
  return { model: pick(known, name, 'language model') };
}

function readModel(cells: RowCells, id: string): LlmModel {
  const heads = cells.count('n_heads');
  const kvHeads = cells.count('n_kv_heads');
  if (heads % kvHeads !== 0)
    cells.fail('n_kv_heads', 'does not divide the query heads', `a divisor of ${heads}`);
  const headDim = cells.count('head_dim');
  const rank = cells.countOr('kv_rank', undefined);
  const experts = cells.text('kind') === 'moe' ? readExperts(cells) : undefined;
  const norms = cells.oneOf('norms_per_layer', ['1', '2', '4']);
  const layers = cells.count('n_layers');
  const ffn = experts === undefined || experts.denseFirst > 0 ? cells.count('ffn_hidden') : 0;
  return {
    id,
    family: cells.text('family'),
    layers,
    hidden: cells.count('hidden'),
    heads,
    kvHeads,
    headDim,
    valueDim: cells.countOr('value_dim', headDim),
    latent: rank === undefined ? undefined : { rank, ropeDim: cells.count('rope_dim') },
    recurrent: readRecurrent(cells, layers),
    attentionGate: cells.oneOf('attention_gate', ['', 'yes']) === 'yes',
    kvShare: cells.countOr('kv_share', 1),
    kvLayers: cells.countOr('kv_layers', layers),
    globalHeadDim: cells.countOr('global_head_dim', headDim),
    ffn,
    lateFfn: cells.countOr('late_ffn', ffn),
    perLayerWidth: cells.countOr('per_layer_width', undefined),
    lowRankResidual: cells.countOr('low_rank_residual', undefined),
    parallelStreams: cells.countOr('parallel_streams', undefined),
    gated: cells.flag('ffn_gated'),
    activation: cells.oneOf('activation', ['silu', 'gelu']),
    vocab: cells.count('vocab'),
    tied: cells.flag('tied_embeddings'),
    qkvBias: cells.flag('qkv_bias'),
    outputBias: cells.flag('o_bias'),
    mlpBias: cells.flag('mlp_bias'),
    headBias: cells.flag('lm_head_bias'),
    norm: cells.oneOf('norm', ['rms', 'layer']),
    normsPerLayer: Number(norms) as 1 | 2 | 4,
    qkNorm: cells.oneOf('qk_norm', ['none', 'per-head', 'full-width']),
    rotaryShare:
      cells.oneOf('position', ['rope', 'alibi']) === 'alibi'
        ? 0
        : cells.numberOr('rotary_share', 1),
    maxContext: cells.count('max_context'),
    window: readWindow(cells),
    experts,
    source: cells.text('source'),
  };
}

function readRecurrent(cells: RowCells, layers: number): RecurrentLayers | undefined {
  const mixer = cells.text('mixer');
  if (mixer === '') return undefined;
  const kind = cells.oneOf('mixer', ['gated-delta', 'short-conv']);
  const attending = cells.text('attention_layers').split(/\s+/).filter(Boolean).map(Number);
  if (attending.some((layer) => !Number.isInteger(layer) || layer < 0 || layer >= layers))
    cells.fail('attention_layers', 'not a list of layers', `numbers below ${layers}, as "3 7 11"`);
  const taps = cells.count('mixer_taps');
  if (kind === 'short-conv') return { attending, mixer: { kind, taps } };
  const keyHeads = cells.count('mixer_key_heads');
  const valueHeads = cells.count('mixer_value_heads');
  if (valueHeads % keyHeads !== 0)
    cells.fail('mixer_key_heads', 'does not divide the value heads', `a divisor of ${valueHeads}`);
  const keyDim = cells.count('mixer_key_dim');
  const valueDim = cells.count('mixer_value_dim');
  return { attending, mixer: { kind, keyHeads, valueHeads, keyDim, valueDim, taps } };
}

function readWindow(cells: RowCells): SlidingWindow | undefined {
  const tokens = cells.countOr('sliding_window', undefined);
  if (tokens === undefined) return undefined;
  const pattern = cells.text('local_layers');
  if (pattern === 'all') return { tokens, local: 1, global: 0 };
  const match = /^(\d+):(\d+)$/.exec(pattern);
  if (!match) cells.fail('local_layers', 'not a pattern of layers', 'all, or local:global as 5:1');
  return { tokens, local: Number(match?.[1] ?? 1), global: Number(match?.[2] ?? 0) };
}

function readExperts(cells: RowCells): ExpertShape {
  const count = cells.count('moe_experts');
  const topK = cells.count('moe_topk');
  if (topK > count) cells.fail('moe_topk', 'more than there are experts', `at most ${count}`);
  return {
    count,
    topK,
    ffn: cells.count('moe_expert_ffn'),
    sharedFfn: cells.numberOr('moe_shared_ffn', 0),
    sharedGate: cells.flag('moe_shared_gate'),
    denseFirst: cells.numberOr('moe_dense_first_layers', 0),
  };
}
