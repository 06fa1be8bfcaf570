/** Small works for graphs that tests make up. */
import type { Work } from '../../src/base/work.ts';
import {
  attentionWork as attention,
  matmulWork as matmul,
  normWork as norm,
} from '../../src/workload/operator-cost.ts';
import { format } from './workload-tables.ts';

export { activationWork, addWork, moveWork } from '../../src/workload/operator-cost.ts';

export interface StepShape {
  readonly kind: 'product' | 'sum' | 'silu' | 'norm' | 'attention' | 'copy';
  readonly rows: number;
}

export function matmulWork(rows: number, width: number): Work {
  return matmul({ m: rows, n: width, k: width }, format('fp16'), 'fp16');
}

export function normWork(rows: number, width: number): Work {
  return norm({ rows, width, kind: 'layer' }, format('fp16'), 'fp16');
}

export function attentionWork(rows: number, width: number): Work {
  return attention(
    {
      heads: 1,
      kvHeads: 1,
      queries: rows,
      context: rows,
      headDim: width,
      valueDim: width,
      causal: false,
    },
    'fp16',
  );
}
