/**
 * The unit tests as StrykerJS runs them (npm run mutation): over mutated sources, in its own copy of the project.
 * Threads that a test starts run compiled code, which is not mutated, so what only they execute is not judged.
 */
import { defineConfig } from 'vitest/config';
import { testLibrary, unitAlias } from './vitest.config.js';

export default defineConfig({
  resolve: { alias: unitAlias },
  test: {
    env: testLibrary,
    // Those of the folder that is mutated.
    include: [process.env.RAMDRIVE_MUTATION_TESTS ?? 'tests/unit/{volume,winfsp,drive}/**/*.test.ts'],
    // Heaps and times are measured there, which mutants' switches change.
    exclude: ['**/heap.test.ts', '**/heap-limit.test.ts'],
    // Loading the sources anew for each file would be most of the time.
    isolate: false,
    fileParallelism: false,
    testTimeout: 60_000,
  },
});
