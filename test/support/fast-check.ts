/** Properties draw the same examples in every run, so that a green suite stays green; FC_SEED explores others. */
import fc from 'fast-check';

fc.configureGlobal({ seed: Number(process.env['FC_SEED'] ?? 20261125) });
