import { defineConfig } from 'vitest/config';

/** Long, and for a quiet machine: see host-repeats.ts. */
export default defineConfig({
  test: {
    root: new URL('../..', import.meta.url).pathname,
    include: ['test/validation/host-repeats.ts'],
  },
});
