/**
 * The program that uses the drives under measurement where there is no POSIX for client.c: the same words, the same
 * files, the same checks of every page that is read, the same JSON. Of the words of client.c it lacks the modes `cold`
 * and `mmap`, and `run`.
 *
 *     node node-client.js <directory> <server> <processes> <milliseconds> <what>
 *
 * It differs in what it measures with: a call costs Node.js some microseconds that C does not pay, the same for every
 * contender, so ratios are nearer to 1 than client.c's. It cannot see the CPU time of another process, so `serverCpuNs`
 * is null and only the clock counts.
 *
 * Not run on Windows; under Wine (tests/wine/bench-client.ts) and on Linux.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  constants,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { pageAligned } from '../../src/winfsp/memory/native-memory.js';

const MAX_PROCESSES = 16;
/** Every page of a file begins with its offset. */
const STAMP_BYTES = 4096;
/** Files that a `step` prepares and uses up before it looks at the clock again. */
const BATCH = 512;
/** libuv maps this to FILE_FLAG_NO_BUFFERING, but Node.js has no name for it on Windows. */
const WINDOWS_DIRECT = 0x02000000;
const DIRECT = constants.O_DIRECT ?? WINDOWS_DIRECT;
/** Says to a process that it is one of several, and which. */
const NUMBER_VARIABLE = 'RAMDRIVE_BENCH_CLIENT';

class UsageError extends Error {
  constructor() {
    super('see the heads of client.c and node-client.ts for what can be asked');
  }
}

/** What one process has measured, as it is sent to the one that adds up. */
interface Result {
  bytes: number;
  nanoseconds: number;
  clientCpuNs: number;
  latenciesNs: number[];
}

const nowNs = () => performance.now() * 1e6;

/** One process and its measurement. */
class Client {
  readonly result: Result = { bytes: 0, nanoseconds: 0, clientCpuNs: 0, latenciesNs: [] };
  #startedNs = 0;
  #cpuAtStart = process.cpuUsage();
  #random = 88172645;

  constructor(
    readonly directory: string,
    readonly number: number,
    readonly limitNs: number,
  ) {}

  /** All processes begin together: each says when it is prepared, and waits for the others. Returns the time. */
  async begin(): Promise<number> {
    if (process.send !== undefined) {
      const everybody = once(process, 'message');
      process.send('ready');
      await everybody;
    }
    return this.start();
  }

  /** What happens from here to the next `stop` is measured; what lies between is not. */
  start(): number {
    this.#cpuAtStart = process.cpuUsage();
    this.#startedNs = nowNs();
    return this.#startedNs;
  }

  stop(): void {
    this.result.nanoseconds += nowNs() - this.#startedNs;
    const { user, system } = process.cpuUsage(this.#cpuAtStart);
    this.result.clientCpuNs += (user + system) * 1000;
  }

  note(ns: number): void {
    this.result.latenciesNs.push(ns);
  }

  pathOf(kind: string, index: number, directory = this.directory): string {
    return `${directory}${path.sep}${kind}-${this.number}-${index}`;
  }

  randomBelow(below: number): number {
    this.#random ^= this.#random << 13;
    this.#random ^= this.#random >>> 17;
    this.#random ^= this.#random << 5;
    return (this.#random >>> 0) % below;
  }
}

// ---- data
// -------------------------------------------------------------------------------------------------------------------

function stamp(block: Buffer, offset: number): void {
  for (let at = 0; at < block.length; at += STAMP_BYTES) {
    block.writeUInt32LE((offset + at) % 2 ** 32, at);
    block.writeUInt32LE(Math.floor((offset + at) / 2 ** 32), at + 4);
  }
}

function check(block: Buffer, offset: number): void {
  for (let at = 0; at < block.length; at += STAMP_BYTES) {
    if (block.readUInt32LE(at) + block.readUInt32LE(at + 4) * 2 ** 32 !== offset + at) {
      throw new Error(`wrong data at offset ${offset + at}`);
    }
  }
}

/** At an address that unbuffered reads and writes accept: a multiple of the sector size. */
function alignedBlock(bytes: number): Buffer {
  const { buffer, byteOffset, length } = pageAligned(bytes);
  return Buffer.from(buffer, byteOffset, length);
}

type Transfer = (file: number, block: Buffer, at: number, length: number, offset: number) => number;

/** All of a block or an error. */
function move(transfer: Transfer, file: number, block: Buffer, offset: number): void {
  const bytes = transfer(file, block, 0, block.length, offset);
  if (bytes !== block.length) throw new Error(`${bytes} bytes of ${block.length} at offset ${offset}`);
}

function prepareFile(name: string, block: Buffer, fileBytes: number): void {
  if (statSync(name, { throwIfNoEntry: false })?.size === fileBytes) return;
  const file = openSync(name, 'w');
  for (let at = 0; at < fileBytes; at += block.length) {
    stamp(block, at);
    move(writeSync, file, block, at);
  }
  closeSync(file);
}

async function io(client: Client, [pattern, direction, mode, ...sizes]: string[]): Promise<void> {
  const [blockBytes, fileBytes] = sizes.map(Number) as [number, number];
  const [isRandom, writes] = [pattern === 'rand', direction === 'write'];
  if (mode !== 'buffered' && mode !== 'direct') throw new UsageError();
  const blocks = Math.floor(fileBytes / blockBytes);
  const name = client.pathOf('io', fileBytes);
  const block = alignedBlock(blockBytes).fill(7);
  prepareFile(name, block, fileBytes);
  const file = openSync(name, constants.O_RDWR | (mode === 'direct' ? DIRECT : 0));
  // Into the cache.
  for (let i = 0; mode === 'buffered' && !writes && i < blocks; i++)
    move(readSync, file, block, i * blockBytes);
  const began = await client.begin();
  let end = began;
  for (let at = 0; end - began < client.limitNs || at === 0; at++) {
    const offset = (isRandom ? client.randomBelow(blocks) : at % blocks) * blockBytes;
    if (writes) stamp(block, offset);
    const before = nowNs();
    move(writes ? writeSync : readSync, file, block, offset);
    end = nowNs();
    client.note(end - before);
    if (!writes) check(block, offset);
  }
  client.stop();
  client.result.bytes = client.result.latenciesNs.length * blockBytes;
  closeSync(file);
}

// ---- names
// ------------------------------------------------------------------------------------------------------------------

const content = Buffer.alloc(4096);

function makeFile(name: string, bytes: number): void {
  const file = openSync(name, 'wx');
  if (bytes > 0) move(writeSync, file, content.subarray(0, bytes), 0);
  closeSync(file);
}

async function cycle(client: Client): Promise<void> {
  const began = await client.begin();
  let end = began;
  do {
    const before = nowNs();
    const name = client.pathOf('cycle', client.result.latenciesNs.length);
    makeFile(name, content.length);
    if (statSync(name).size !== content.length) throw new Error(`${name} has a wrong size`);
    unlinkSync(name);
    end = nowNs();
    client.note(end - before);
  } while (end - began < client.limitNs);
  client.stop();
}

const STEPS: Readonly<Record<string, (name: string) => void>> = {
  create: (name) => makeFile(name, 0),
  stat: statSync,
  open: (name) => closeSync(openSync(name, 'r')),
  unlink: unlinkSync,
};

/** One kind of call alone: what it needs is prepared, and removed again, outside of the measured time. */
async function step(client: Client, [what]: string[]): Promise<void> {
  const work = STEPS[what!];
  if (work === undefined) throw new UsageError();
  const names = Array.from({ length: BATCH }, (_, index) => client.pathOf('step', index));
  await client.begin();
  do {
    if (what !== 'create') for (const name of names) makeFile(name, 0);
    client.start();
    for (const name of names) {
      const before = nowNs();
      work(name);
      client.note(nowNs() - before);
    }
    client.stop();
    if (what !== 'unlink') names.forEach(unlinkSync);
  } while (client.result.nanoseconds < client.limitNs);
}

/** Makes it if it is not there. */
function directoryOf(client: Client, files: number): string {
  const place = path.join(client.directory, `many-${files}`);
  if (statSync(client.pathOf('file', files - 1, place), { throwIfNoEntry: false }) === undefined) {
    mkdirSync(place, { recursive: true });
    for (let i = 0; i < files; i++) closeSync(openSync(client.pathOf('file', i, place), 'a'));
  }
  return place;
}

async function list(client: Client, [count]: string[]): Promise<void> {
  const files = Number(count);
  const place = directoryOf(client, files);
  const seen = () => {
    const { length } = readdirSync(place);
    if (length !== files) throw new Error(`${length} entries instead of ${files}`);
  };
  seen();
  const began = await client.begin();
  let end = began;
  do {
    const before = nowNs();
    seen();
    end = nowNs();
    client.note(end - before);
  } while (end - began < client.limitNs);
  client.stop();
}

async function scale(client: Client, [what, count]: string[]): Promise<void> {
  if (what !== 'create' && what !== 'absent') throw new UsageError();
  const files = Number(count);
  const place = directoryOf(client, files);
  const began = await client.begin();
  let end = began;
  do {
    // A name that was never asked for, so that no cache of the kernel can know the answer; spread over the order of
    // names.
    const name = `${client.pathOf('file', client.randomBelow(files), place)}x${Math.round(end)}`;
    const before = nowNs();
    if (what === 'create') {
      makeFile(name, 0);
      unlinkSync(name);
    } else if (statSync(name, { throwIfNoEntry: false }) !== undefined) {
      throw new Error(`${name} is there`);
    }
    end = nowNs();
    client.note(end - before);
  } while (end - began < client.limitNs);
  client.stop();
}

async function fill(client: Client, [count]: string[]): Promise<void> {
  directoryOf(client, Number(count));
}

/** By their first word, with the number of words that follow it. */
const WORK: Readonly<Record<string, { words: number; run(client: Client, words: string[]): Promise<void> }>> =
  {
    io: { words: 5, run: io },
    cycle: { words: 0, run: cycle },
    step: { words: 1, run: step },
    list: { words: 1, run: list },
    scale: { words: 2, run: scale },
    fill: { words: 1, run: fill },
  };

// ---- processes
// --------------------------------------------------------------------------------------------------------------

/** Starts the same program several times over and lets all begin at once. */
async function runSeveral(processes: number, args: string[]): Promise<Result[]> {
  const children = Array.from({ length: processes }, (_, number) =>
    fork(fileURLToPath(import.meta.url), args, {
      env: { ...process.env, [NUMBER_VARIABLE]: String(number) },
    }),
  );
  const message = (child: (typeof children)[number]) =>
    new Promise<unknown>((resolve, reject) => {
      child.once('message', resolve);
      child.once('exit', (code) => reject(new Error(`one of ${processes} processes ended with ${code}`)));
    });
  try {
    await Promise.all(children.map(message));
    const results = Promise.all(children.map(message));
    for (const child of children) child.send('go');
    return (await results) as Result[];
  } finally {
    for (const child of children) child.kill();
  }
}

function summaryOf(results: readonly Result[]) {
  const latencies = Float64Array.from(results.flatMap(({ latenciesNs }) => latenciesNs)).sort();
  const sum = (value: (result: Result) => number) => results.reduce((total, one) => total + value(one), 0);
  const perSecond = (value: (result: Result) => number) =>
    sum((one) => (one.nanoseconds > 0 ? (value(one) * 1e9) / one.nanoseconds : 0));
  const percentile = (part: number) => Math.round(latencies[Math.floor(latencies.length * part)] ?? 0);
  return {
    operations: latencies.length,
    bytes: sum(({ bytes }) => bytes),
    operationsPerSecond: perSecond(({ latenciesNs }) => latenciesNs.length),
    bytesPerSecond: perSecond(({ bytes }) => bytes),
    clientCpuNs: sum(({ clientCpuNs }) => clientCpuNs),
    serverCpuNs: null,
    nsP50: percentile(0.5),
    nsP99: percentile(0.99),
    nsP999: percentile(0.999),
  };
}

async function main(args: string[]): Promise<void> {
  const [directory, , processWord, millisecondsWord, what, ...words] = args;
  const processes = Number(processWord);
  const work = WORK[what ?? ''];
  const isSensible = Number.isInteger(processes) && processes >= 1 && processes <= MAX_PROCESSES;
  if (!isSensible || work?.words !== words.length) throw new UsageError();
  const number = process.env[NUMBER_VARIABLE];
  if (processes > 1 && number === undefined) {
    return print(summaryOf(await runSeveral(processes, args)));
  }
  const client = new Client(directory!, Number(number ?? 0), Number(millisecondsWord) * 1e6);
  await work.run(client, words);
  if (number === undefined) return print(summaryOf([client.result]));
  process.send!(client.result);
}

/** writeSync: under Wine the streams of standard output do not work on pipes. */
const print = (value: unknown) => void writeSync(1, `${JSON.stringify(value)}\n`);

try {
  await main(process.argv.slice(2));
} catch (error) {
  writeSync(2, `client: ${(error as Error).message}\n`);
  process.exitCode = error instanceof UsageError ? 2 : 1;
  // A parent that waits for this process must not wait for its next message.
  process.disconnect?.();
}
