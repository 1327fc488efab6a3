/**
 * What each dispatcher costs: reads that another thread submits through the library's script front end, one at a time.
 * Here threads take turns, which is most of the price, so these figures are compared with each other and not with the
 * ones of a single thread.
 *
 * Needs the Linux library, whose script front end this is.
 */
import { Worker } from 'node:worker_threads';
import { NativePageMemory } from '../../src/os/native-page-memory.js';
import {
  loadWinFsp,
  NativeBlock,
  Rsp,
  VolumeReference,
  type VolumeReferenceData,
} from '../../src/winfsp/index.js';
import { median } from '../noise.js';
import { printComparisonRow } from '../print-row.js';
import { SUBJECT } from '../ratios.js';
import type { BenchFigure } from '../results.js';
import type { RunOptions } from '../run-options.js';
import type { DispatcherName, ServerReady } from './dispatcher-worker.js';
import { RequestBlock, SLOT_BYTES } from './requests.js';

/** The first one is what the RAM drive uses. */
const DISPATCHERS: readonly DispatcherName[] = ['inline', 'async', 'native'];
const KIB = 1024;
const SIZES = [4 * KIB, 64 * KIB, 1024 * KIB, 16 * 1024 * KIB];
const GROUP = 'read through a dispatcher, requests from another thread';
const WAIT_MS = 10_000;

type Submit = (volume: number, request: number, size: number, ticket: BigUint64Array) => number;
type Wait = (volume: number, ticket: bigint, timeoutMs: number, answer: number, size: Uint32Array) => number;
type Forget = (volume: number, ticket: bigint) => number;

export async function measureDispatchers(
  { words }: RunOptions,
  rounds: number,
  milliseconds: number,
): Promise<BenchFigure[]> {
  const sizes = SIZES.filter((bytes) => words.every((word) => `${GROUP}: ${nameOf(bytes)}`.includes(word)));
  if (sizes.length === 0) return [];
  if (process.platform === 'win32') {
    console.log(`skipped: ${GROUP}: requests can be scripted with the Linux library only`);
    return [];
  }
  const figures: BenchFigure[] = [];
  const buffer = new NativePageMemory({ pageCount: Math.max(...SIZES) / 4096 });
  buffer.zero(buffer.baseAddress, Math.max(...SIZES));
  const servers: Server[] = [];
  try {
    const module = new URL('./dispatcher-worker.js', import.meta.url);
    for (const name of DISPATCHERS) {
      servers.push(await Server.start(name, module, { name, fileBytes: Math.max(...SIZES) }));
    }
    for (const bytes of sizes) {
      const perSecond = new Map(servers.map((server) => [server, [] as number[]]));
      for (let round = -1; round < rounds; round++) {
        for (const server of round % 2 === 0 ? servers : [...servers].reverse()) {
          const rate = server.readFor(milliseconds, bytes, buffer.baseAddress);
          if (round >= 0) perSecond.get(server)!.push(rate);
        }
      }
      const measured = servers.map(
        (server): BenchFigure => ({
          group: GROUP,
          name: nameOf(bytes),
          contender: server.name === DISPATCHERS[0] ? SUBJECT : server.name,
          unit: 'operations/s',
          value: median(perSecond.get(server)!),
          rounds: perSecond.get(server)!,
          pinned: true,
        }),
      );
      printComparisonRow(measured);
      figures.push(...measured);
    }
  } finally {
    for (const server of servers) await server.end();
    buffer.dispose();
  }
  return figures;
}

function nameOf(bytes: number): string {
  return bytes >= 1024 * KIB ? `${bytes / 1024 / KIB} MiB` : `${bytes / KIB} KiB`;
}

/** A volume in a worker of its own, and the client that asks it for reads. */
export class Server {
  readonly #request = new RequestBlock(1);
  readonly #answer = new NativeBlock(Rsp.SIZE);
  readonly #ticket = new BigUint64Array(1);
  readonly #size = new Uint32Array(1);
  readonly #exited: Promise<void>;

  private constructor(
    readonly name: string,
    readonly worker: Worker,
    readonly reference: VolumeReference,
    readonly context: number,
  ) {
    this.#exited = new Promise((resolve) => worker.once('exit', () => resolve()));
  }

  /** `data` goes to the module of the worker, which answers with a ServerReady and stops when it is told `stop`. */
  static async start(name: string, module: URL, data: unknown): Promise<Server> {
    const worker = new Worker(module, { workerData: data });
    const { reference, context } = await new Promise<ServerReady>((resolve, reject) => {
      worker.once('message', resolve);
      worker.once('error', reject);
    });
    return new Server(
      name,
      worker,
      new VolumeReference(loadWinFsp(), reference as VolumeReferenceData),
      context,
    );
  }

  /** Reads a second. */
  readFor(milliseconds: number, bytes: number, address: number): number {
    const { library, data } = this.reference;
    const pointer = 'uintptr_t';
    const submit = library.optional<Submit>('FspLinuxScriptSubmit', 'int32_t', [
      pointer,
      pointer,
      'uint32_t',
      'void *',
    ])!;
    const wait = library.optional<Wait>('FspLinuxScriptWait', 'int32_t', [
      pointer,
      'uint64_t',
      'uint32_t',
      pointer,
      'void *',
    ])!;
    const forget = library.optional<Forget>('FspLinuxScriptForget', 'int32_t', [pointer, 'uint64_t'])!;
    this.#request.transfer(0, 'Read', this.context, address, 0, bytes);
    const start = performance.now();
    let reads = 0;
    while (performance.now() - start < milliseconds) {
      this.#size[0] = Rsp.SIZE;
      const submitted = submit(data.volumeHandle, this.#request.addressOf(0), SLOT_BYTES, this.#ticket);
      const ticket = this.#ticket[0]!;
      const waited =
        submitted < 0
          ? submitted
          : wait(data.volumeHandle, ticket, WAIT_MS, this.#answer.address, this.#size);
      const read = this.#answer.view.getUint32(Rsp['IoStatus.Information'], true);
      if (waited !== 0 || read !== bytes)
        throw new Error(
          `${this.name}: a read of ${bytes} bytes gave ${read} (0x${(waited >>> 0).toString(16)})`,
        );
      forget(data.volumeHandle, ticket);
      reads++;
    }
    return (reads * 1000) / (performance.now() - start);
  }

  async end(): Promise<void> {
    this.reference.requestStop();
    this.worker.postMessage('stop');
    await this.#exited;
    this.#request.free();
    this.#answer.free();
  }
}
