import { defineConfig } from 'vitest/config';

/** Long validation against published and third-party results; writes test/validation/ACCURACY.md. */
export default defineConfig({
  test: {
    root: new URL('../..', import.meta.url).pathname,
    include: ['test/validation/**/*.test.ts'],
    globalSetup: 'test/validation/write-accuracy.ts',
    testTimeout: 600_000,
    fileParallelism: true,
  },
});
