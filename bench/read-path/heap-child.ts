/**
 * Bytes that one request allocates on the JavaScript heap, as JSON on standard output. A process of its own, because it
 * takes a collector on demand and a young generation so large that nothing is collected while it counts:
 *
 *     node --expose-gc --min-semi-space-size=256 --max-semi-space-size=256 dist/bench/read-path/heap-child.js
 */
import { Chain } from './chain.js';
import { RequestBlock } from './requests.js';

const MIB = 2 ** 20;
const FILE_BYTES = 16 * MIB;
const BLOCK_BYTES = 4096;
const COUNT = FILE_BYTES / BLOCK_BYTES;
/** Until everything is compiled for good. */
const WARM_UP_PASSES = 60;
const PASSES = 10;

const collect = globalThis.gc;
if (collect === undefined) throw new Error('heap-child: start node with --expose-gc');
const chain = new Chain(64 * MIB, FILE_BYTES);
const context = chain.volume.contextOf(chain.file('\\file', FILE_BYTES));
const address = chain.buffer.baseAddress;

function measure(fill: (requests: RequestBlock, index: number) => void): number {
  const requests = new RequestBlock(COUNT);
  for (let i = 0; i < COUNT; i++) fill(requests, i);
  for (let pass = 0; pass < WARM_UP_PASSES; pass++) chain.serve(requests);
  // A pass makes a dispatcher; one without requests tells how much of the growth is its own.
  const nothing = new RequestBlock(1);
  nothing.ofContext(0, 'QueryInformation', context);
  const perPass = grown(nothing) / PASSES;
  const bytes = (grown(requests) / PASSES - perPass) / COUNT;
  requests.free();
  nothing.free();
  return Math.max(0, bytes);
}

function grown(requests: RequestBlock): number {
  collect!();
  const before = process.memoryUsage().heapUsed;
  for (let pass = 0; pass < PASSES; pass++) chain.serve(requests);
  return process.memoryUsage().heapUsed - before;
}

const result = {
  'Read 4 KiB': measure((requests, i) =>
    requests.transfer(i, 'Read', context, address, i * BLOCK_BYTES, BLOCK_BYTES),
  ),
  'Write 4 KiB': measure((requests, i) =>
    requests.transfer(i, 'Write', context, address, i * BLOCK_BYTES, BLOCK_BYTES),
  ),
  QueryInformation: measure((requests, i) => requests.ofContext(i, 'QueryInformation', context)),
  'open or close': measure((requests, i) => {
    if (i % 2 === 0) requests.open(i, '\\file');
    else requests.ofContext(i, 'Close', context);
  }),
};
console.log(JSON.stringify(result));
chain.dispose();
