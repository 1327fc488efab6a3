/** Processes that end while a volume is served: none may hang, whichever way they go. */
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';

const CHILD = new URL('./fixtures/exit-child.mjs', import.meta.url).pathname;
const ROUNDS = 13;

describe('a process ends', () => {
  it.each(['stop', 'exit', 'natural', 'crash'])(
    `by "%s", ${ROUNDS * 2} times, with and without completion threads, and never hangs`,
    async (mode) => {
      for (let round = 0; round < ROUNDS; round++) {
        const ends = await Promise.all(
          ['nest', 'flat'].map((nests) =>
            execa('node', [CHILD, mode, nests], { reject: false, timeout: 20_000, stdin: 'ignore' }),
          ),
        );
        for (const { exitCode, timedOut, stderr } of ends) {
          expect({ mode, round, exitCode, timedOut, stderr }).toEqual({
            mode,
            round,
            exitCode: 7,
            timedOut: false,
            stderr: '',
          });
        }
      }
    },
    120_000,
  );
});
