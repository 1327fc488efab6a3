/**
 * The driver rig from Node (native/driver-rig): starts the genuine driver and library in this process, and gives an NT
 * client. A call with `Now` blocks this thread until the file system, on its own threads, has answered; the others run
 * on a thread of koffi's pool each, so that several programs can be at work at once (UV_THREADPOOL_SIZE).
 *
 * Where things are is told by RIG_LIBRARY, RIG_DRIVER and RIG_WINFSP (scripts/test-driver.mjs).
 */
import koffi from 'koffi';
import { ntStatusName } from '../../src/ntstatus.js';
import { CreateDisposition } from '../../src/winfsp/abi/constants.js';
import { Access, FileClass, Option, Share } from './nt.js';

const environment = (name: string): string => {
  const value = process.env[name];
  if (value === undefined) {
    throw new Error(`${name} is not set: run this with npm run test:driver.`);
  }
  return value;
};

export const WINFSP = environment('RIG_WINFSP');
const rig = koffi.load(environment('RIG_LIBRARY'));

type Native = ReturnType<typeof rig.func>;
/** A function of the rig by its C declaration (native/driver-rig/src/rig.h). */
export const declare = (text: string): Native => rig.func(text);
const native = {
  start: declare('int32_t rig_start(str16 driver, str16 library)'),
  program: declare('int32_t rig_program(str16 path, str16 command)'),
  unload: declare('int32_t rig_unload()'),
  open: declare(
    'int32_t rig_open(str16 path, uint32_t access, uint32_t attributes, uint32_t share, uint32_t disposition, uint32_t options, void *file, void *information)',
  ),
  cleanup: declare('int32_t rig_cleanup(uintptr_t file)'),
  close: declare('int32_t rig_close(uintptr_t file)'),
  read: declare(
    'int32_t rig_read(uintptr_t file, void *buffer, uint32_t length, int64_t offset, void *done)',
  ),
  write: declare(
    'int32_t rig_write(uintptr_t file, void *buffer, uint32_t length, int64_t offset, void *done)',
  ),
  query: declare(
    'int32_t rig_query(uintptr_t file, uint32_t kind, void *buffer, uint32_t length, void *done)',
  ),
  set: declare('int32_t rig_set(uintptr_t file, uint32_t kind, void *buffer, uint32_t length)'),
  rename: declare(
    'int32_t rig_rename(uintptr_t file, str16 target, uintptr_t root, uint32_t kind, uint32_t flags)',
  ),
  directory: declare(
    'int32_t rig_directory(uintptr_t file, void *buffer, uint32_t length, uint32_t kind, str16 pattern, uint32_t flags, void *done)',
  ),
  queryVolume: declare(
    'int32_t rig_query_volume(uintptr_t file, uint32_t kind, void *buffer, uint32_t length, void *done)',
  ),
  setVolume: declare('int32_t rig_set_volume(uintptr_t file, uint32_t kind, void *buffer, uint32_t length)'),
  querySecurity: declare(
    'int32_t rig_query_security(uintptr_t file, uint32_t parts, void *buffer, uint32_t length, void *done)',
  ),
  setSecurity: declare('int32_t rig_set_security(uintptr_t file, uint32_t parts, void *descriptor)'),
  flush: declare('int32_t rig_flush(uintptr_t file)'),
  lock: declare(
    'int32_t rig_lock(uintptr_t file, int64_t offset, int64_t length, uint32_t key, uint32_t flags)',
  ),
  unlock: declare('int32_t rig_unlock(uintptr_t file, int64_t offset, int64_t length, uint32_t key)'),
  control: declare(
    'int32_t rig_control(uintptr_t file, int fs, uint32_t code, void *input, uint32_t inputLength, void *output, uint32_t outputLength, void *done)',
  ),
  notify: declare(
    'int32_t rig_notify(uintptr_t file, uintptr_t buffer, uint32_t length, uint32_t filter, int tree, void *request)',
  ),
  controlStart: declare(
    'int32_t rig_control_start(uintptr_t file, uint32_t code, void *input, uint32_t inputLength, uintptr_t output, uint32_t outputLength, void *request)',
  ),
  requestResult: declare(
    'int32_t rig_request_result(uintptr_t request, int cancel, uint32_t timeout, void *done)',
  ),
  mdlGet: declare(
    'int32_t rig_mdl_get(uintptr_t file, int write, uint32_t length, int64_t offset, void *list, void *address, void *done)',
  ),
  mdlGive: declare(
    'int32_t rig_mdl_give(uintptr_t file, int write, uint32_t length, int64_t offset, uintptr_t list)',
  ),
  dirtyLimit: declare('void rig_dirty_limit(uint32_t pages)'),
  poke: declare('int32_t rig_poke(uintptr_t file, void *data, uint32_t length, int64_t offset)'),
  lazy: declare('void rig_lazy(uint32_t milliseconds)'),
  writeOldEnd: declare('void rig_write_old_end(int on)'),
  perturb: declare('void rig_perturb(uint32_t seed, uint32_t oneIn)'),
  irps: declare('uint32_t rig_irps()'),
  poolBlocks: declare('uint32_t rig_pool_blocks()'),
  poolShow: declare('void rig_pool_show()'),
  poolCount: declare('uint32_t rig_pool_count(uint32_t tag, uint64_t bytes)'),
  nested: declare('uint64_t rig_nested(uint32_t kind, uint32_t write)'),
  counter: declare('uint64_t rig_counter(uint32_t which)'),
};

/** In the order of rig.h. */
const COUNTERS = [
  'transacts',
  'fastTransacts',
  'pageIns',
  'pageOuts',
  'fastReads',
  'fastWrites',
  'fastQueries',
  'perturbed',
  'failedPageOuts',
  'deferredWrites',
] as const;
export type Counter = (typeof COUNTERS)[number];

export const counter = (name: Counter): number => Number(native.counter(COUNTERS.indexOf(name)));
/** Paging reads or writes sent while an answer of this kind was delivered. */
export const nestedPaging = (kind: number, write: boolean): number =>
  Number(native.nested(kind, write ? 1 : 0));
export const irps = (): number => native.irps();
export const poolBlocks = (): number => native.poolBlocks();
/** Blocks of this tag ('FspI') and size. */
export const poolCount = (tag: string, bytes: number): number =>
  native.poolCount(Buffer.from(tag).readUInt32LE(), bytes);
export const showPool = (): void => native.poolShow();
export const unloadDriver = (): number => native.unload();
/** How often the lazy writer runs. */
export const lazyWriterEvery = (milliseconds: number): void => native.lazy(milliseconds);
/** Cached writes are put off while so many pages are dirty; 0: never. */
export const dirtyLimit = (pages: number): void => native.dirtyLimit(pages);
/**
 * Whether a size change also writes the page with the old end of a mapped file: nobody knows here what Windows does.
 */
export const writeOldEnd = (on: boolean): void => native.writeOldEnd(on ? 1 : 0);
/** Delays at one in so many waits and locks of the rig's kernel, from a seed; 0 ends it. */
export const perturb = (seed: number, oneIn = 40): void => native.perturb(seed, oneIn);

let started = false;
/** Once a process. */
export function startRig(): void {
  if (!started) {
    const status = native.start(environment('RIG_DRIVER'), WINFSP);
    if (status !== 0) {
      throw new Error(`The driver does not start: ${ntStatusName(status)}.`);
    }
    started = true;
  }
}
/** A program that is a file system, on a thread of this process. */
export function startProgram(path: string, commandLine: string): void {
  const status = native.program(path, commandLine);
  if (status !== 0) {
    throw new Error(`${path} does not start: ${ntStatusName(status)}.`);
  }
}

const call = (fn: Native, ...args: unknown[]): Promise<number> =>
  new Promise((resolve, reject) => {
    fn.async(...args, (error: Error | null, value: number) =>
      error === null ? resolve(value) : reject(error),
    );
  });

export interface OpenOptions {
  access?: number;
  attributes?: number;
  share?: number;
  disposition?: number;
  options?: number;
}
export interface OpenResult {
  status: number;
  /** CREATED, OPENED …; only with success. */
  information: number;
  /** Null after a failure. */
  file: NtFile | null;
}
export interface DataResult {
  status: number;
  data: Buffer;
}
export interface WriteResult {
  status: number;
  done: number;
}

const openArguments = (path: string, options: OpenOptions, file: Buffer, information: Buffer) => [
  path,
  options.access ?? Access.READ_WRITE,
  options.attributes ?? 0,
  options.share ?? Share.ALL,
  options.disposition ?? CreateDisposition.FILE_OPEN,
  options.options ?? Option.SYNCHRONOUS,
  file,
  information,
];
function openResult(status: number, file: Buffer, information: Buffer): OpenResult {
  const address = Number(file.readBigUInt64LE());
  const opened = status >= 0 && address !== 0;
  return {
    status,
    information: opened ? information.readUInt32LE() : 0,
    file: opened ? new NtFile(address) : null,
  };
}

export async function open(path: string, options: OpenOptions = {}): Promise<OpenResult> {
  const [file, information] = [Buffer.alloc(8), Buffer.alloc(4)];
  const status = await call(native.open, ...openArguments(path, options, file, information));
  return openResult(status, file, information);
}
export function openNow(path: string, options: OpenOptions = {}): OpenResult {
  const [file, information] = [Buffer.alloc(8), Buffer.alloc(4)];
  return openResult(native.open(...openArguments(path, options, file, information)), file, information);
}

/** A FILE_OBJECT with one handle. */
export class NtFile {
  constructor(readonly address: number) {}

  async read(length: number, offset: number): Promise<DataResult> {
    return this.#output(length, (buffer, done) =>
      call(native.read, this.address, buffer, length, offset, done),
    );
  }
  readNow(length: number, offset: number): DataResult {
    return this.#outputNow(length, (buffer, done) => native.read(this.address, buffer, length, offset, done));
  }
  async write(data: Uint8Array, offset: number): Promise<WriteResult> {
    const done = Buffer.alloc(4);
    const status = await call(native.write, this.address, data, data.length, offset, done);
    return { status, done: done.readUInt32LE() };
  }
  writeNow(data: Uint8Array, offset: number): WriteResult {
    const done = Buffer.alloc(4);
    const status = native.write(this.address, data, data.length, offset, done);
    return { status, done: done.readUInt32LE() };
  }
  query(kind: number, length = 1024): Promise<DataResult> {
    return this.#output(length, (buffer, done) =>
      call(native.query, this.address, kind, buffer, length, done),
    );
  }
  queryNow(kind: number, length = 1024): DataResult {
    return this.#outputNow(length, (buffer, done) => native.query(this.address, kind, buffer, length, done));
  }
  set(kind: number, value: Buffer): Promise<number> {
    return call(native.set, this.address, kind, value, value.length);
  }
  setNow(kind: number, value: Buffer): number {
    return native.set(this.address, kind, value, value.length);
  }
  setEndOfFile(bytes: number): Promise<number> {
    return this.set(FileClass.END_OF_FILE, int64(bytes));
  }
  /** `target`: a bare name, or a full NT path. */
  rename(target: string, kind: number = FileClass.RENAME, flags = 0): Promise<number> {
    return call(native.rename, this.address, target, 0, kind, flags);
  }
  renameNow(target: string, kind: number = FileClass.RENAME, flags = 0): number {
    return native.rename(this.address, target, 0, kind, flags);
  }
  directory(
    pattern: string | null = null,
    flags = 0,
    length = 4096,
    kind: number = FileClass.DIRECTORY,
  ): Promise<DataResult> {
    return this.#output(length, (buffer, done) =>
      call(native.directory, this.address, buffer, length, kind, pattern, flags, done),
    );
  }
  directoryNow(
    pattern: string | null = null,
    flags = 0,
    length = 4096,
    kind: number = FileClass.DIRECTORY,
  ): DataResult {
    return this.#outputNow(length, (buffer, done) =>
      native.directory(this.address, buffer, length, kind, pattern, flags, done),
    );
  }
  queryVolumeNow(kind: number, length = 512): DataResult {
    return this.#outputNow(length, (buffer, done) =>
      native.queryVolume(this.address, kind, buffer, length, done),
    );
  }
  setVolumeNow(kind: number, value: Buffer): number {
    return native.setVolume(this.address, kind, value, value.length);
  }
  querySecurityNow(parts: number, length = 1024): DataResult {
    return this.#outputNow(length, (buffer, done) =>
      native.querySecurity(this.address, parts, buffer, length, done),
    );
  }
  setSecurityNow(parts: number, descriptor: Buffer): number {
    return native.setSecurity(this.address, parts, descriptor);
  }
  flush(): Promise<number> {
    return call(native.flush, this.address);
  }
  flushNow(): number {
    return native.flush(this.address);
  }
  lockNow(offset: number, length: number, flags: number, key = 0): number {
    return native.lock(this.address, offset, length, key, flags);
  }
  unlockNow(offset: number, length: number, key = 0): number {
    return native.unlock(this.address, offset, length, key);
  }
  controlNow(code: number, input: Buffer | null, outputLength = 0): DataResult {
    return this.#outputNow(outputLength, (buffer, done) =>
      native.control(
        this.address,
        1,
        code,
        input,
        input?.length ?? 0,
        outputLength === 0 ? null : buffer,
        outputLength,
        done,
      ),
    );
  }
  /** Changes a page as a program with a mapped view does, without telling anyone. Within one page. */
  poke(data: Buffer, offset: number): Promise<number> {
    return call(native.poke, this.address, data, data.length, offset);
  }
  pokeNow(data: Buffer, offset: number): number {
    return native.poke(this.address, data, data.length, offset);
  }
  cleanupNow(): number {
    return native.cleanup(this.address);
  }
  close(): Promise<number> {
    return call(native.close, this.address);
  }
  closeNow(): number {
    return native.close(this.address);
  }

  async #output(
    length: number,
    work: (buffer: Buffer, done: Buffer) => Promise<number>,
  ): Promise<DataResult> {
    const [buffer, done] = [Buffer.alloc(Math.max(length, 1)), Buffer.alloc(4)];
    const status = await work(buffer, done);
    return { status, data: buffer.subarray(0, Math.min(done.readUInt32LE(), length)) };
  }
  #outputNow(length: number, work: (buffer: Buffer, done: Buffer) => number): DataResult {
    const [buffer, done] = [Buffer.alloc(Math.max(length, 1)), Buffer.alloc(4)];
    const status = work(buffer, done);
    return { status, data: buffer.subarray(0, Math.min(done.readUInt32LE(), length)) };
  }
}

/** Pages of the cache, which stay until they are given back. */
export class CachedPages {
  readonly #memory: Uint8Array;

  private constructor(
    readonly status: number,
    memory: Uint8Array,
    readonly giveBack: () => Promise<number>,
  ) {
    this.#memory = memory;
  }

  static async of(file: NtFile, write: boolean, length: number, offset: number): Promise<CachedPages> {
    const [list, address, done] = [Buffer.alloc(8), Buffer.alloc(8), Buffer.alloc(4)];
    const kind = write ? 1 : 0;
    const status = await call(native.mdlGet, file.address, kind, length, offset, list, address, done);
    const mdl = Number(list.readBigUInt64LE());
    const memory =
      mdl === 0
        ? new Uint8Array(0)
        : new Uint8Array(koffi.view(address.readBigUInt64LE(), done.readUInt32LE()));
    return new CachedPages(status, memory, () =>
      call(native.mdlGive, file.address, kind, length, offset, mdl),
    );
  }

  get bytes(): Buffer {
    return Buffer.from(this.#memory);
  }
  change(bytes: Uint8Array): void {
    this.#memory.set(bytes);
  }
}

const REQUEST_BYTES = 4096;
/** A request that stays until something happens, with memory that it is answered in. */
class StayingRequest {
  /** What the file system said at once: PENDING when it stays. */
  readonly status: number;
  readonly #memory = koffi.alloc('uint8_t', REQUEST_BYTES);
  readonly #request = Buffer.alloc(8);

  constructor(send: (memory: bigint, request: Buffer) => number) {
    this.status = send(koffi.address(this.#memory), this.#request);
  }

  /** Waits so long, then cancels the request. To be called once. */
  async result(timeoutMs: number): Promise<DataResult & { information: number }> {
    const done = Buffer.alloc(4);
    const address = Number(this.#request.readBigUInt64LE());
    const status = await call(native.requestResult, address, 1, timeoutMs, done);
    const information = done.readUInt32LE();
    const memory = Buffer.from(koffi.view(this.#memory, REQUEST_BYTES));
    return { status, information, data: memory.subarray(0, information) };
  }
}

/** One request to be told of changes below a directory. */
export class Notification extends StayingRequest {
  constructor(file: NtFile, filter: number, tree = false) {
    super((memory, request) =>
      native.notify(file.address, memory, REQUEST_BYTES, filter, tree ? 1 : 0, request),
    );
  }
}

/** A control code whose request stays, as that of an oplock does until it is broken. */
export class StayingControl extends StayingRequest {
  constructor(file: NtFile, code: number, input: Buffer | null = null, outputLength = 0) {
    super((memory, request) =>
      native.controlStart(
        file.address,
        code,
        input,
        input?.length ?? 0,
        outputLength === 0 ? 0 : memory,
        outputLength,
        request,
      ),
    );
  }
}

export function int64(value: number | bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64LE(BigInt(value));
  return bytes;
}
/** FILE_BASIC_INFORMATION; a time of 0 and attributes of 0 leave what is there. */
export function basicInformation(fields: {
  lastWriteTime?: bigint;
  creationTime?: bigint;
  attributes?: number;
}): Buffer {
  const bytes = Buffer.alloc(40);
  bytes.writeBigInt64LE(fields.creationTime ?? 0n, 0);
  bytes.writeBigInt64LE(fields.lastWriteTime ?? 0n, 16);
  bytes.writeUInt32LE(fields.attributes ?? 0, 32);
  return bytes;
}
/** Names of FileDirectoryInformation records. */
export function namesOf(data: Buffer): string[] {
  const names: string[] = [];
  for (let at = 0; at < data.length; ) {
    names.push(data.toString('utf16le', at + 64, at + 64 + data.readUInt32LE(at + 60)));
    const next = data.readUInt32LE(at);
    if (next === 0) {
      break;
    }
    at += next;
  }
  return names;
}
/** FILE_STREAM_INFORMATION records (next u32@0, bytes of the name u32@4, size u64@8, name@24): names and sizes. */
export function streamsIn(data: Buffer): [string, number][] {
  const all: [string, number][] = [];
  for (let at = 0, next = -1; next !== 0 && at + 24 <= data.length; at += next) {
    next = data.readUInt32LE(at);
    const name = data.toString('utf16le', at + 24, at + 24 + data.readUInt32LE(at + 4));
    all.push([name, Number(data.readBigUInt64LE(at + 8))]);
  }
  return all;
}
