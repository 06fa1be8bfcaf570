/** Bundled descriptions, read and parsed once per worker; a test of reading itself makes its own. */
import { fileSources } from '../../src/load.ts';

export const sources = fileSources();
