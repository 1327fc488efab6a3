/**
 * A volume of the conformance suite on the genuine driver, as its cases see one (tests/conformance/served-volume.ts):
 * what they ask for by requests is done by NT calls. The same worker serves it, with any of the dispatchers.
 *
 * What no NT call does throws NoNtCall.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { NtStatus } from '../../src/ntstatus.js';
import { packageRoot } from '../../src/package-root.js';
import { CreateDisposition, CreateOption } from '../../src/winfsp/abi/constants.js';
import { loadWinFsp } from '../../src/winfsp/library/library.js';
import { VolumeReference, type VolumeReferenceData } from '../../src/winfsp/library/volume-reference.js';
import { allocateControlBlock } from '../../src/winfsp/memory/control-block.js';
import { allocateStatistics } from '../../src/winfsp/memory/statistics.js';
import { type DispatcherName, VOLUME_DEFAULTS, type WorkerInput } from '../conformance/served-options.js';
import { Cleanup, expectStatus, type Info, type StartOptions } from '../conformance/served-volume.js';
import type { CreateMore } from '../unit/winfsp/fixtures/script-client.js';
import { askNow } from './conformance-requests.js';
import { openMoreNow } from './ea.js';
import { DirectoryFlag, FileClass, Option, VolumeClass } from './nt.js';
import { int64, type NtFile, namesOf, streamsIn } from './rig.js';

/** For a case that looks below the driver. */
export class NoNtCall extends Error {}
const noNtCall = (what: string): never => {
  throw new NoNtCall(what);
};

const FILE_ALL_ACCESS = 0x1f01ff;
const FILE_READ_ATTRIBUTES = 0x80;
/** What a request carries and a program cannot say. */
const ONLY_IN_REQUESTS = [
  'acceptsSecurityDescriptor',
  'accessToken',
  'openTargetDirectory',
  'reparsePoint',
  'withoutTraversePrivilege',
] as const;

interface Report {
  end: { reason: string };
  disposed: boolean;
  errors: unknown[];
  selfCheck: string[];
  leaked: { callbacks: number; blocks: number };
}

export class DriverVolume {
  directory = '';
  readonly #worker: Worker;
  readonly #reference: VolumeReference;
  readonly #report: Promise<Report>;
  readonly #files = new Set<NtFile>();

  private constructor(
    readonly kind: DispatcherName,
    /** As an NT path. */
    readonly root: string,
    worker: Worker,
    reference: VolumeReference,
    report: Promise<Report>,
  ) {
    this.#worker = worker;
    this.#reference = reference;
    this.#report = report;
  }

  /** `letter`: the drive that it is mounted at. */
  static async start(letter: string, options: StartOptions): Promise<DriverVolume> {
    const { kind = 'inline', volume, dispatcher, library, fault } = options;
    if (library !== undefined) noNtCall('options of our own library');
    if (fault !== undefined) noNtCall('a fault put back');
    const workerData: WorkerInput = {
      volume: { ...VOLUME_DEFAULTS, ...volume },
      kind,
      dispatcher: dispatcher ?? {},
      fault: null,
      control: allocateControlBlock(),
      statistics: allocateStatistics(),
      gate: new Int32Array(new SharedArrayBuffer(12)),
    };
    const url = pathToFileURL(join(packageRoot(), 'dist', 'tests', 'conformance', 'serve-worker.js'));
    const worker = new Worker(url, { workerData });
    const next = () =>
      new Promise<unknown>((resolve, reject) => {
        worker.once('message', resolve);
        worker.once('error', reject);
      });
    const { reference: data } = (await next()) as { reference: VolumeReferenceData };
    const report = next() as Promise<Report>;
    report.catch(() => {});
    const reference = new VolumeReference(loadWinFsp(), data);
    expectStatus(await reference.setMountPoint(`${letter}:`), NtStatus.SUCCESS, 'mount');
    return new DriverVolume(kind, `\\??\\${letter}:`, worker, reference, report);
  }

  /** Ends the volume and expects that nothing is left. */
  async stop(): Promise<void> {
    // Files that are still open count nothing: the driver closes them when its cache lets them go, or never.
    const { end, disposed, errors, selfCheck, leaked } = await this.abandon();
    assert.deepEqual(
      { reason: end.reason, disposed, errors, selfCheck, leaked },
      {
        reason: 'stopped',
        disposed: true,
        errors: [],
        selfCheck: [],
        leaked: { callbacks: 0, blocks: 0 },
      },
    );
  }
  async abandon(): Promise<Report> {
    const ended = new Promise((resolve) => this.#worker.once('exit', resolve));
    await this.#reference.flush();
    await this.#reference.removeMountPoint();
    this.#worker.postMessage('stop');
    if (this.kind !== 'native') this.#reference.requestStop();
    const report = await this.#report;
    await ended;
    return report;
  }

  get client(): never {
    return noNtCall('single requests');
  }
  get host(): never {
    return noNtCall('the serving process');
  }
  get openHandles(): never {
    return noNtCall('counts of our own library');
  }
  setLibraryOption(): never {
    return noNtCall('options of our own library');
  }

  path(name: string): string {
    return `${this.directory}\\${name}`;
  }
  tryOpen(name: string, disposition: number, options = 0, more: CreateMore = {}): Tried {
    return this.#open(this.path(name), disposition, options, more);
  }
  #open(path: string, disposition: number, options: number, more: CreateMore): Tried {
    for (const field of ONLY_IN_REQUESTS) {
      if (more[field] !== undefined) noNtCall(`${field} of a create request`);
    }
    const request = {
      access: (more.desiredAccess ?? FILE_ALL_ACCESS) | 0x100000,
      attributes: more.fileAttributes ?? 0,
      disposition,
      options: options | Option.SYNCHRONOUS,
    };
    const opened = openMoreNow(this.root + path + (more.hasTrailingBackslash ? '\\' : ''), request, more);
    if (opened.file !== null) this.#files.add(opened.file);
    return { ...opened, path };
  }
  closed(file: NtFile): number {
    this.#files.delete(file);
    return file.closeNow();
  }
  /** What a case has left open. */
  closeAll(): number {
    const left = this.#files.size;
    for (const file of this.#files) this.closed(file);
    return left;
  }
  refuses(expected: number, name: string, disposition: number, options = 0, more: CreateMore = {}): void {
    const { status, file } = this.tryOpen(name, disposition, options, more);
    if (file !== null) this.closed(file);
    expectStatus(status, expected, `open of ${name}, disposition ${disposition}`);
  }
  file(
    name: string,
    disposition: number = CreateDisposition.FILE_CREATE,
    options = 0,
    more: CreateMore = {},
  ): DriverFile {
    return this.#opened(this.tryOpen(name, disposition, options, more));
  }
  #opened(tried: Tried): DriverFile {
    expectStatus(tried.status, NtStatus.SUCCESS, `open of ${tried.path}`);
    return new DriverFile(this, tried);
  }
  open(name: string, options = 0, more: CreateMore = {}): DriverFile {
    return this.file(name, CreateDisposition.FILE_OPEN, options, more);
  }
  rootFile(): DriverFile {
    const { FILE_DIRECTORY_FILE } = CreateOption;
    return this.#opened(this.#open('\\', CreateDisposition.FILE_OPEN, FILE_DIRECTORY_FILE, {}));
  }
  parentFile(): DriverFile {
    if (this.directory === '') return this.rootFile();
    return this.#opened(this.#open(this.directory, CreateDisposition.FILE_OPEN, 0, {}));
  }
  makeDirectory(name: string): DriverFile {
    return this.file(name, CreateDisposition.FILE_CREATE, CreateOption.FILE_DIRECTORY_FILE);
  }
  makeFile(name: string, content: string | Buffer = '', more: CreateMore = {}): void {
    const file = this.file(name, CreateDisposition.FILE_CREATE, 0, more);
    if (content.length > 0) file.write(0, content);
    file.close();
  }
  contentOf(name: string): string {
    const file = this.open(name);
    const content = file.info.fileSize === 0 ? '' : file.text(0, file.info.fileSize);
    file.close();
    return content;
  }
  exists(name: string): boolean {
    const access = { desiredAccess: FILE_READ_ATTRIBUTES };
    const { status, file } = this.tryOpen(name, CreateDisposition.FILE_OPEN, 0, access);
    if (file !== null) this.closed(file);
    return status === NtStatus.SUCCESS;
  }
  delete(name: string): void {
    this.open(name, CreateOption.FILE_DELETE_ON_CLOSE).close();
  }
  volumeInfo(): { totalBytes: number; freeBytes: number; label: string } {
    const root = this.rootFile();
    const size = root.nt.queryVolumeNow(VolumeClass.SIZE).data;
    const volume = root.nt.queryVolumeNow(VolumeClass.VOLUME).data;
    root.close();
    const unit = size.readUInt32LE(16) * size.readUInt32LE(20);
    return {
      totalBytes: Number(size.readBigUInt64LE(0)) * unit,
      freeBytes: Number(size.readBigUInt64LE(8)) * unit,
      label: volume.toString('utf16le', 18, 18 + volume.readUInt32LE(12)),
    };
  }
  get freeBytes(): number {
    return this.volumeInfo().freeBytes;
  }
}

interface Tried {
  status: number;
  information: number;
  file: NtFile | null;
  path: string;
}

class DriverFile {
  readonly nt: NtFile;
  readonly information: number;
  readonly info: Info;
  path: string;
  readonly #volume: DriverVolume;
  #cleaned = false;

  constructor(volume: DriverVolume, { file, information, path }: Tried) {
    this.#volume = volume;
    this.nt = file!;
    this.information = information;
    this.path = path;
    this.info = this.query();
  }

  /** Only to be put into requests: no program sees contexts. */
  get context(): number {
    return this.nt.address;
  }
  get opened(): never {
    return noNtCall('the answer to an open');
  }
  get normalizedName(): string {
    const { data } = this.nt.queryNow(FileClass.NAME, 4096);
    return data.toString('utf16le', 4, 4 + data.readUInt32LE(0));
  }
  ask(request: Buffer) {
    return askNow(this.nt, request, () => this.query()) ?? noNtCall('single requests');
  }
  page(): never {
    return noNtCall('single requests of a listing');
  }
  tryOverwrite(): never {
    return noNtCall('an Overwrite apart from its open');
  }
  overwrite(): never {
    return noNtCall('an Overwrite apart from its open');
  }
  writeConstrained(): never {
    return noNtCall('a write of the cache');
  }

  tryWrite(offset: number, content: string | Buffer, constrained = false) {
    if (constrained) noNtCall('a write of the cache');
    const data = typeof content === 'string' ? Buffer.from(content, 'latin1') : content;
    const { status, done } = this.nt.writeNow(data, offset);
    return { status, information: done };
  }
  write(offset: number, content: string | Buffer): Info {
    const { status, information } = this.tryWrite(offset, content);
    expectStatus(status, NtStatus.SUCCESS, `write of ${this.path} at ${offset}`);
    assert.equal(information, content.length);
    return this.query();
  }
  tryRead(offset: number, length: number) {
    const { status, data } = this.nt.readNow(length, offset);
    return { status, data, information: data.length };
  }
  read(offset: number, length: number): Buffer {
    const { status, data } = this.tryRead(offset, length);
    expectStatus(status, NtStatus.SUCCESS, `read of ${this.path} at ${offset}`);
    return data;
  }
  text(offset = 0, length = 65536): string {
    return this.read(offset, length).toString('latin1');
  }
  query(): Info {
    const { status, data } = this.nt.queryNow(FileClass.NETWORK_OPEN, 56);
    expectStatus(status, NtStatus.SUCCESS, `query of ${this.path}`);
    const time = (at: number) => data.readBigUInt64LE(at);
    const attributes = data.readUInt32LE(48);
    return {
      // What no bit stands for has a name of its own in answers to programs.
      attributes: attributes === NORMAL ? 0 : attributes,
      allocationSize: Number(time(32)),
      fileSize: Number(time(40)),
      creationTime: time(0),
      lastAccessTime: time(8),
      lastWriteTime: time(16),
      changeTime: time(24),
      indexNumber: Number(this.nt.queryNow(FileClass.INTERNAL, 8).data.readBigUInt64LE(0)),
    };
  }
  flush(): Info {
    expectStatus(this.nt.flushNow(), NtStatus.SUCCESS, `flush of ${this.path}`);
    return this.query();
  }
  trySetSize(size: number, allocation = false) {
    const kind = allocation ? FileClass.ALLOCATION : FileClass.END_OF_FILE;
    return { status: this.nt.setNow(kind, int64(size)), information: 0 };
  }
  setSize(size: number, allocation = false): Info {
    const { status } = this.trySetSize(size, allocation);
    expectStatus(status, NtStatus.SUCCESS, allocation ? 'allocation' : 'end of file');
    return this.query();
  }
  tryRename(newPath: string, flags: boolean | number = false, asPath = this.path): number {
    if (asPath !== this.path) noNtCall('the name that a rename request says the file has');
    const kind = Number(flags) > 1 ? FileClass.RENAME_EX : FileClass.RENAME;
    const status = this.nt.renameNow(this.#volume.root + newPath, kind, Number(flags));
    if (status === NtStatus.SUCCESS) this.path = newPath;
    return status;
  }
  rename(newName: string, flags: boolean | number = false): void {
    const newPath = this.#volume.path(newName);
    expectStatus(this.tryRename(newPath, flags), NtStatus.SUCCESS, `rename to ${newPath}`);
  }
  dispose(flags = 1): number {
    return flags <= 1
      ? this.nt.setNow(FileClass.DISPOSITION, Buffer.from([flags]))
      : this.nt.setNow(FileClass.DISPOSITION_EX, Buffer.from([flags, 0, 0, 0]));
  }
  security(): Buffer {
    const { status, data } = this.nt.querySecurityNow(7, 65536);
    expectStatus(status, NtStatus.SUCCESS, `security of ${this.path}`);
    return Buffer.from(data);
  }
  /** Without the colons and types of what programs are told: `::$DATA`, `:name:$DATA`. */
  streams(): [string, number][] {
    const { status, data } = this.nt.queryNow(FileClass.STREAM, 65536);
    if (status === NtStatus.END_OF_FILE) return [];
    expectStatus(status, NtStatus.SUCCESS, `streams of ${this.path}`);
    return streamsIn(data).map(([name, size]) => [name.split(':')[1]!, size]);
  }
  setSecurity(information: number, descriptor: Uint8Array): number {
    return this.nt.setSecurityNow(information, Buffer.from(descriptor));
  }
  list(lengthBytes = 65536, from: string | null = null): string[] {
    if (from !== null) noNtCall('a listing from a name on');
    const names: string[] = [];
    for (let flags: number = DirectoryFlag.RESTART; ; flags = 0) {
      const { status, data } = this.nt.directoryNow(null, flags, lengthBytes);
      if (status !== NtStatus.SUCCESS) return names;
      names.push(...namesOf(data));
    }
  }
  cleanup(flags = 0): void {
    // The others are the driver's own decisions.
    if ((flags & ~Cleanup.DELETE) !== 0) noNtCall('the flags of a Cleanup');
    if (flags === Cleanup.DELETE) this.dispose();
    this.#cleaned = true;
    expectStatus(this.nt.cleanupNow(), NtStatus.SUCCESS, `Cleanup of ${this.path}`);
  }
  close(): void {
    expectStatus(this.#volume.closed(this.nt), NtStatus.SUCCESS, `Close of ${this.path}`);
  }
  closeOnly(): void {
    if (!this.#cleaned) noNtCall('a Close without Cleanup');
    this.close();
  }
}

const NORMAL = 0x80;
