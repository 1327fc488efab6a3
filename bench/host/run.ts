/**
 * The host layer: what the library costs to anyone who writes a file system with it, and what a file system written
 * with it costs beside one in C. Needs the Linux library; the second part a Linux that can mount.
 */
import { PLATFORM } from '../platform/platform.js';
import { type ResultFile, writeResults } from '../results.js';
import type { RunOptions } from '../run-options.js';
import { measurePassthrough } from './passthrough.js';
import { measurePrices } from './prices.js';

export async function run(options: RunOptions): Promise<string> {
  const skipped: ResultFile['skipped'] = [];
  const prices = await measurePrices(options);
  // The processes of the second part are pinned one by one.
  PLATFORM.unpinThisProcess();
  const passthrough = await measurePassthrough(options, skipped);
  return writeResults('host', [...prices, ...passthrough], { ...options, skipped });
}
