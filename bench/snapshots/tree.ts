/** The tree of files that snapshots and images are measured with, and how their figures are made. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BenchFigure } from '../results.js';

export const WHOLE_FILES = 100_000;
export const FILE_BYTES = Math.floor(2 ** 31 / WHOLE_FILES);
const FILES_PER_DIRECTORY = 500;

export function makeTree(top: string, files: number): void {
  const content = Buffer.alloc(FILE_BYTES, 'content ');
  for (let i = 0; i < files; i++) {
    const directory = join(top, `d${Math.floor(i / FILES_PER_DIRECTORY)}`);
    if (i % FILES_PER_DIRECTORY === 0) mkdirSync(directory, { recursive: true });
    content.writeUInt32LE(i, 0);
    writeFileSync(join(directory, `file-${i}`), content);
  }
}

/** What comes now, on standard error: a whole run takes minutes. */
export function tell(what: string): void {
  process.stderr.write(`${(performance.now() / 1000).toFixed(0).padStart(4)} s: ${what}\n`);
}

export function median(numbers: readonly number[]): number {
  return [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)]!;
}

export async function timed(work: () => unknown): Promise<number> {
  const begun = performance.now();
  await work();
  return performance.now() - begun;
}

/** Of a tree of so many files; its value is the median. */
export function figureOf(
  files: number,
  group: string,
  contender: string,
  unit: string,
  rounds: readonly number[],
): BenchFigure {
  const name = `${files} files, ${Math.round((files * FILE_BYTES) / 2 ** 20)} MiB`;
  return { group, name, contender, unit, value: median(rounds), rounds: [...rounds] };
}
