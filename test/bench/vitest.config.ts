import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const root = fileURLToPath(new URL('../..', import.meta.url));

/**
 * Figures, not verdicts: `npm run bench` prints them, nothing here fails on a slow machine.
 *
 * They are of what users run: imports of `src` go to the built files, loaded by Node itself. Modules that the test
 * runner transforms reach each other through getters, which costs hot loops up to half of their speed.
 */
export default defineConfig({
  resolve: {
    alias: [{ find: /^(?:\.\.\/)+src\/(.*)\.ts$/, replacement: `${root}dist/$1.js` }],
  },
  test: {
    root,
    include: ['test/bench/**/*.test.ts'],
    testTimeout: 900_000,
    fileParallelism: false,
    pool: 'forks',
    disableConsoleIntercept: true,
    server: { deps: { external: [/\/dist\//] } },
  },
});
