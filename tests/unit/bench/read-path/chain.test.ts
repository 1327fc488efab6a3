/** The benchmark's stand-in for the driver must really drive the host: right bytes, and a failure is no figure. */
import { afterEach, expect, it } from 'vitest';
import { Chain } from '../../../../bench/read-path/chain.js';
import { RequestBlock } from '../../../../bench/read-path/requests.js';
import { copyMemory, liveBlocks, NativeBlock } from '../../../../src/winfsp/index.js';

const PAGE = 4096;
let chain: Chain;
let requests: RequestBlock;
const before = liveBlocks();

afterEach(async () => {
  requests.free();
  chain.dispose();
  // The dispatcher frees its buffers in a microtask.
  await Promise.resolve();
  expect(liveBlocks()).toBe(before);
});

const open = (count: number) => {
  chain = new Chain(1024 * PAGE, 16 * PAGE);
  requests = new RequestBlock(count);
  return chain.volume.contextOf(chain.file('\\file', 8 * PAGE));
};

it('writes what a Write brings and reads it back to where a Read wants it', () => {
  const context = open(2);
  const bytes = new NativeBlock(PAGE);
  bytes.bytes.fill(7);
  copyMemory(chain.buffer.baseAddress, bytes.address, PAGE);
  bytes.bytes.fill(0);
  requests.transfer(0, 'Write', context, chain.buffer.baseAddress, 3 * PAGE, PAGE);
  requests.transfer(1, 'Read', context, bytes.address, 3 * PAGE, PAGE);
  chain.serve(requests);
  expect(bytes.bytes.every((byte) => byte === 7)).toBe(true);
  bytes.free();
});

it('opens and closes by name, again and again', () => {
  const context = open(2);
  requests.open(0, '\\file');
  requests.ofContext(1, 'Close', context);
  chain.serve(requests);
  chain.serve(requests);
  expect(chain.volume.openCount).toBe(1);
});

it('gives no figure for a request that failed', () => {
  const context = open(1);
  requests.transfer(0, 'Read', context, chain.buffer.baseAddress, 8 * PAGE, PAGE);
  expect(() => chain.serve(requests)).toThrow('0xc0000011');
});
