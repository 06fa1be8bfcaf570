/**
 * Which blocks of keys a block-sparse mask lets each block of queries see.
 *
 * Model    compressed rows, one set per layout, layouts dealt to heads in turn: pairs of a token are those of the blocks
 *          its row names, up to the token itself
 * Ignores  masks that are data: nothing is known of them but that they cover the context
 * Valid    square blocks, every row that is in use naming a block it may see
 * Source   ONNX Runtime, docs/ContribOperators.md, SparseAttention
 * Checked  test/unit/workload/onnx/decoder-attention-faults.test.ts, test/unit/workload/onnx/decoder-attention.test.ts
 */
import { at, headCount, inputFault } from './attention-view.ts';
import { inputAt, type NodeView, type Value } from './node-view.ts';

const ROWS = 5;
const COLUMNS = 6;

interface Csr {
  readonly layouts: number;
  readonly block: number;
  readonly rows: Value;
  readonly columns: Value;
  /** Rows of blocks in every layout. */
  readonly grid: number;
}

/** Pairs of one head on average over the layouts; nothing where the mask is no constant. */
export function maskedPairs(view: NodeView, past: number, context: number): number | undefined {
  const mask = maskOf(view, context);
  if (!mask.rows.data || !mask.columns.data) return undefined;
  let pairs = 0;
  for (let layout = 0; layout < mask.layouts; layout++) {
    const rows = rowsOf(view, mask, layout);
    for (let token = past; token < context; token++) {
      const seen = (rows[Math.floor(token / mask.block)] as readonly number[]).reduce(
        (sum, column) => sum + Math.max(0, Math.min(mask.block, token + 1 - column * mask.block)),
        0,
      );
      if (seen === 0) throw blindRow(view, Math.floor(token / mask.block));
      pairs += seen;
    }
  }
  return pairs / mask.layouts;
}

/** @throws SpecError where the mask does not fit the heads or ends before the context does. */
function maskOf(view: NodeView, context: number): Csr {
  const [rows, columns] = [inputAt(view, ROWS), inputAt(view, COLUMNS)];
  const block = headCount(view, 'sparse_block_size');
  const heads = headCount(view, 'num_heads');
  const [layouts, grid] = [at(rows.dims, 0), at(rows.dims, 1) - 1];
  if (layouts < 1 || heads % layouts !== 0 || at(columns.dims, 0) !== layouts) {
    const got = `${layouts} in the row offsets, ${at(columns.dims, 0)} in the columns`;
    throw inputFault(view, ROWS, 'layouts do not fit', `as many as divide ${heads} heads`, got);
  }
  if (grid * block < context) {
    const least = Math.ceil(context / block) + 1;
    throw inputFault(
      view,
      ROWS,
      `the mask ends before the ${context} tokens attended to`,
      `${least} row offsets at least, for blocks of ${block}`,
      String(grid + 1),
    );
  }
  return { layouts, block, rows, columns, grid };
}

/** Columns of every row of one layout. */
function rowsOf(view: NodeView, mask: Csr, layout: number): readonly (readonly number[])[] {
  const [starts, width] = [mask.grid + 1, at(mask.columns.dims, 1)];
  const offsets = mask.rows.data?.slice(layout * starts, (layout + 1) * starts) ?? [];
  const columns = mask.columns.data?.slice(layout * width, (layout + 1) * width) ?? [];
  const rising = offsets.every((end, i) => Number.isInteger(end) && end >= (offsets[i - 1] ?? 0));
  if (!rising || offsets[0] !== 0 || (offsets.at(-1) as number) > columns.length) {
    const expected = `ascending from 0 to at most the ${columns.length} columns`;
    throw inputFault(
      view,
      ROWS,
      'row offsets of the mask do not point into its columns',
      expected,
      listed(offsets),
    );
  }
  return Array.from({ length: mask.grid }, (_, row) => {
    const named = columns.slice(offsets[row], offsets[row + 1]);
    const inside = named.every((c) => Number.isInteger(c) && c >= 0 && c < mask.grid);
    if (inside && new Set(named).size === named.length) return named;
    const expected = `columns 0 to ${mask.grid - 1}, each once in a row`;
    throw inputFault(
      view,
      COLUMNS,
      `row ${row} of the mask names no such blocks`,
      expected,
      listed(named),
    );
  });
}

function blindRow(view: NodeView, row: number) {
  const expected = 'a column up to the row at least';
  return inputFault(view, COLUMNS, `row ${row} of the mask lets its tokens see nothing`, expected);
}

const MOST_LISTED = 12;

/** The first of many. */
export function listed(values: readonly number[]): string {
  const more = values.length > MOST_LISTED ? ', …' : '';
  return `[${values.slice(0, MOST_LISTED).join(', ')}${more}]`;
}
