/**
 * What one request allocates on the JavaScript heap, counted in a process of its own (heap-child.ts). 0 for Read and
 * Write is the aim.
 */
import { fileURLToPath } from 'node:url';
import { must } from '../../scripts/realworld/program.js';
import type { BenchFigure } from '../results.js';

const CHILD = fileURLToPath(new URL('./heap-child.js', import.meta.url));
const NODE_OPTIONS = ['--expose-gc', '--min-semi-space-size=256', '--max-semi-space-size=256'];
const GROUP = 'JavaScript heap allocated by a request';

export async function measureHeap(words: readonly string[]): Promise<BenchFigure[]> {
  if (!words.every((word) => GROUP.includes(word))) return [];
  const bytes = JSON.parse(await must(process.execPath, [...NODE_OPTIONS, CHILD])) as Record<string, number>;
  return Object.entries(bytes).map(([name, value]) => {
    console.log(`${GROUP}: ${name}: ${value.toFixed(1)} bytes`);
    return { group: GROUP, name, value, unit: 'bytes a request' };
  });
}
