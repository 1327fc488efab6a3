import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

// The examples import the package by its name, as programs do; unit tests run them over the sources.
export const unitAlias = { 'ramdrive/winfsp': new URL('./src/winfsp/index.ts', import.meta.url).pathname };

// The build of the native library that takes scripted requests; what ships does not. A library that is named already
// stays.
const testLibraryPath = fileURLToPath(
  new URL('./native/winfsp-linux/build/libwinfsp-test.so', import.meta.url),
);
export const testLibrary: Record<string, string> =
  process.platform === 'linux' && !process.env.RAMDRIVE_WINFSP_LIBRARY && existsSync(testLibraryPath)
    ? { RAMDRIVE_WINFSP_LIBRARY: testLibraryPath }
    : {};

/** Each takes longer than ten seconds, most of them a minute or more: `npm run test:long`. */
const LONG = [
  'tests/integration/{chaos,torture}/**/*.test.ts',
  'tests/integration/{bench,coherence,cycles,last-good-image,leak-proof,package}.test.ts',
];

/** Real drives, mounted with the compiled program. A test touches only what it made, so files run side by side. */
const mounted = {
  globalSetup: ['tests/global-setup.ts', 'tests/clear-mounts.ts'],
  // Generous: they end hangs, they do not judge speed.
  testTimeout: 240_000,
  hookTimeout: 120_000,
};

// Four projects. `unit` runs from the sources and touches nothing outside the process; so does `spec`, which walks
// through whole state spaces and takes longer. `integration` and `long` mount drives, after the other tests.
export default defineConfig({
  test: {
    // Vitest leaves one processor free: of two, half of the machine.
    maxWorkers: availableParallelism(),
    projects: [
      {
        resolve: { alias: unitAlias },
        test: {
          name: 'unit',
          // Workers always run compiled code.
          globalSetup: ['tests/global-setup.ts'],
          env: testLibrary,
          include: ['tests/unit/**/*.test.ts', 'tests/conformance/**/*.test.ts'],
          testTimeout: 60_000,
          // For tests that measure the heap. Asking V8 for it later fails now and then, where other threads run.
          execArgv: ['--expose-gc'],
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: 'spec',
          include: ['tests/spec/**/*.test.ts'],
          // They count states, they do not judge speed.
          testTimeout: 300_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: 'integration',
          include: ['tests/integration/**/*.test.ts'],
          exclude: LONG,
          ...mounted,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: 'long',
          include: LONG,
          ...mounted,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
