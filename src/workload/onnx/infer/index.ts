/** Registry of shape inference by operator; `domain.Operator` outside the standard domain. */
import type { OnnxNode } from '../model.ts';
import { attention } from './attention.ts';
import { elementwise } from './elementwise.ts';
import { generators } from './generators.ts';
import type { Inferer } from './inferer.ts';
import { matrix } from './matrix.ts';
import { movement } from './movement.ts';
import { normalisation } from './normalisation.ts';
import { recurrences } from './recurrent.ts';
import { reduction } from './reduction.ts';
import { resampling } from './resampling.ts';
import { windows } from './windows.ts';

export const inferers: Readonly<Record<string, Inferer>> = {
  ...elementwise,
  ...windows,
  ...matrix,
  ...attention,
  ...normalisation,
  ...movement,
  ...reduction,
  ...resampling,
  ...recurrences,
  ...generators,
};

/** `Conv`, `com.microsoft.MatMulNBits`: how registries and messages name an operator. */
export function operatorKey(node: Pick<OnnxNode, 'operator' | 'domain'>): string {
  return node.domain === '' ? node.operator : `${node.domain}.${node.operator}`;
}
