import { existsSync } from 'node:fs';
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

// Three projects. `unit` runs from the sources, in parallel, and touches nothing outside the process; so does `spec`,
// which walks through whole state spaces and takes longer. `integration` mounts real drives with the compiled program:
// one file at a time, after the other tests, so that mounts, memory and CPU are one test's alone.
export default defineConfig({
  test: {
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
          globalSetup: ['tests/global-setup.ts'],
          fileParallelism: false,
          // Generous: they end hangs, they do not judge speed.
          testTimeout: 240_000,
          hookTimeout: 120_000,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
