import { defineConfig } from 'vitest/config';

/** The quick suite: everything but long validation and benches. */
export default defineConfig({
  test: {
    // Tests keep no state in modules; loading these once per worker instead of once per file saves a minute.
    isolate: false,
    root: new URL('..', import.meta.url).pathname,
    include: ['test/**/*.test.ts'],
    exclude: ['test/validation/**', 'test/bench/**'],
    setupFiles: ['test/support/fast-check.ts'],
    testTimeout: 60_000,
    pool: 'threads',
    // All cores: by default one is left idle, which on two halves the speed.
    maxWorkers: '100%',
  },
});
