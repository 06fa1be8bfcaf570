/** A SoC description that takes nothing from others, for tests that change its text. */
import { readFileSync } from 'node:fs';

export const wholeSocText = readFileSync(new URL('./whole-soc.yaml', import.meta.url), 'utf8');
