import { defineConfig } from 'vitest/config';

/**
 * Long validation against published and third-party results; writes test/validation/ACCURACY.md.
 * Measurements of this host come last and alone: other work on the machine would spoil them.
 */
const shared = {
  testTimeout: 900_000,
  hookTimeout: 900_000,
  root: new URL('../..', import.meta.url).pathname,
};
const host = ['test/validation/host.test.ts'];

export default defineConfig({
  test: {
    globalSetup: 'test/validation/write-accuracy.ts',
    root: shared.root,
    // All cores: by default one is left idle, which on two halves the speed.
    maxWorkers: '100%',
    projects: [
      {
        test: {
          ...shared,
          name: 'models',
          include: ['test/validation/**/*.test.ts'],
          exclude: host,
          sequence: { groupOrder: 0 },
        },
      },
      { test: { ...shared, name: 'host', include: host, sequence: { groupOrder: 1 } } },
    ],
  },
});
