/**
 * A served RAM volume as a conformance case sees it: requests in, answers out, and files that know how to close
 * themselves. The volume lives in a worker (serve-worker.ts); this side plays the driver.
 *
 * Everything that must hold when a volume ends is checked in stop(): no broken rule, no handle, no callback, no memory
 * left, and a ledger that agrees with the files.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { NtStatus, ntStatusName } from '../../src/ntstatus.js';
import { packageRoot } from '../../src/package-root.js';
import { CreateDisposition, CreateOption } from '../../src/winfsp/abi/constants.js';
import type { InlineDispatcherOptions } from '../../src/winfsp/dispatch/inline-dispatcher.js';
import { linuxExtensions } from '../../src/winfsp/library/linux-extensions.js';
import { Host, type HostReport } from '../unit/winfsp/fixtures/host.js';
import {
  type Answer,
  type CreateMore,
  cleanupRequest,
  closeRequest,
  directoryRequest,
  dispositionRequest,
  endOfFileRequest,
  flushRequest,
  namesOf,
  type Opened,
  overwriteRequest,
  queryRequest,
  querySecurityRequest,
  readRequest,
  renameRequest,
  setSecurityRequest,
  streamsRequest,
  volumeRequest,
  writeRequest,
} from '../unit/winfsp/fixtures/script-client.js';
import type { HistoricFault } from './historic-faults.js';
import { type DispatcherName, type ServedVolumeOptions, VOLUME_DEFAULTS } from './served-options.js';

export interface StartOptions {
  volume?: Partial<ServedVolumeOptions>;
  kind?: DispatcherName;
  dispatcher?: Pick<InlineDispatcherOptions, 'completionThreads' | 'completionsNest' | 'completionSlots'>;
  /** Options of the library for this volume. */
  library?: Record<string, number>;
  fault?: HistoricFault;
}

/** FSP_FSCTL_FILE_INFO, decoded. */
export interface Info {
  attributes: number;
  allocationSize: number;
  fileSize: number;
  creationTime: bigint;
  lastAccessTime: bigint;
  lastWriteTime: bigint;
  changeTime: bigint;
  indexNumber: number;
}

export function infoAt(bytes: Buffer, offset: number): Info {
  const time = (at: number) => bytes.readBigUInt64LE(offset + at);
  return {
    attributes: bytes.readUInt32LE(offset),
    allocationSize: Number(time(8)),
    fileSize: Number(time(16)),
    creationTime: time(24),
    lastAccessTime: time(32),
    lastWriteTime: time(40),
    changeTime: time(48),
    indexNumber: Number(time(56)),
  };
}

/** Asserts by name: "expected STATUS_DISK_FULL, got STATUS_SUCCESS" says more than two numbers. */
export function expectStatus(status: number, expected: number, what: string): void {
  assert.equal(ntStatusName(status), ntStatusName(expected), what);
}

export type ServedReport = HostReport & { selfCheck: string[] };

export class ServedVolume {
  /** Where a case makes its files: the root, or a directory of its own on a shared volume. */
  directory = '';

  private constructor(
    readonly host: Host,
    readonly options: ServedVolumeOptions,
    readonly kind: DispatcherName,
  ) {}

  static async start(options: StartOptions = {}): Promise<ServedVolume> {
    const volume = { ...VOLUME_DEFAULTS, ...options.volume };
    const kind = options.kind ?? 'inline';
    const host = await Host.start({
      worker: pathToFileURL(join(packageRoot(), 'dist', 'tests', 'conformance', 'serve-worker.js')),
      workerInput: { volume, kind, fault: options.fault ?? null },
      native: kind === 'native',
      ...(options.dispatcher === undefined ? {} : { dispatcher: options.dispatcher }),
      ...(options.library === undefined ? {} : { library: options.library }),
    });
    return new ServedVolume(host, volume, kind);
  }

  get client() {
    return this.host.client;
  }

  /** The path of a name of this case. */
  path(name: string): string {
    return `${this.directory}\\${name}`;
  }

  /** An open that may fail. */
  tryOpen(name: string, disposition: number, options = 0, more: CreateMore = {}): Opened {
    return this.client.create(this.path(name), disposition, options, more);
  }

  /** Asserts the status of an open that must fail. */
  refuses(expected: number, name: string, disposition: number, options = 0, more: CreateMore = {}): void {
    const answer = this.tryOpen(name, disposition, options, more);
    expectStatus(answer.status, expected, `open of ${name}, disposition ${disposition}`);
    assert.equal(answer.information, 0, 'a failure has no Information');
  }

  file(
    name: string,
    disposition: number = CreateDisposition.FILE_CREATE,
    options = 0,
    more: CreateMore = {},
  ): OpenFile {
    const opened = this.tryOpen(name, disposition, options, more);
    expectStatus(opened.status, NtStatus.SUCCESS, `open of ${name}, disposition ${disposition}`);
    return new OpenFile(this, this.path(name), opened);
  }

  open(name: string, options = 0, more: CreateMore = {}): OpenFile {
    return this.file(name, CreateDisposition.FILE_OPEN, options, more);
  }

  rootFile(): OpenFile {
    const opened = this.client.create('\\', CreateDisposition.FILE_OPEN, CreateOption.FILE_DIRECTORY_FILE);
    expectStatus(opened.status, NtStatus.SUCCESS, 'open of the root');
    return new OpenFile(this, '\\', opened);
  }

  /** The directory of this case: the root on a volume of its own. */
  parentFile(): OpenFile {
    if (this.directory === '') {
      return this.rootFile();
    }
    const opened = this.client.create(this.directory, CreateDisposition.FILE_OPEN);
    expectStatus(opened.status, NtStatus.SUCCESS, `open of ${this.directory}`);
    return new OpenFile(this, this.directory, opened);
  }

  makeDirectory(name: string): OpenFile {
    return this.file(name, CreateDisposition.FILE_CREATE, CreateOption.FILE_DIRECTORY_FILE);
  }

  /** A closed file with this content. */
  makeFile(name: string, content: string | Buffer = '', more: CreateMore = {}): void {
    const file = this.file(name, CreateDisposition.FILE_CREATE, 0, more);
    if (content.length > 0) {
      file.write(0, content);
    }
    file.close();
  }

  /** The content of a file that nobody has open. */
  contentOf(name: string): string {
    const file = this.open(name);
    const content = file.info.fileSize === 0 ? '' : file.read(0, file.info.fileSize).toString('latin1');
    file.close();
    return content;
  }

  exists(name: string): boolean {
    const FILE_READ_ATTRIBUTES = 0x80;
    const opened = this.tryOpen(name, CreateDisposition.FILE_OPEN, 0, {
      desiredAccess: FILE_READ_ATTRIBUTES,
    });
    if (opened.status === NtStatus.SUCCESS) {
      new OpenFile(this, this.path(name), opened).close();
    }
    return opened.status === NtStatus.SUCCESS;
  }

  delete(name: string): void {
    const file = this.open(name, CreateOption.FILE_DELETE_ON_CLOSE);
    file.cleanup(Cleanup.DELETE);
    file.close();
  }

  volumeInfo(): { totalBytes: number; freeBytes: number; label: string } {
    return volumeInfoOf(this.client.ask(volumeRequest()));
  }

  get freeBytes(): number {
    return this.volumeInfo().freeBytes;
  }

  get openHandles(): number {
    return linuxExtensions(this.host.reference.library)!.openHandles(
      this.host.reference.data.fileSystemAddress,
    );
  }

  setLibraryOption(name: string, value: number): void {
    const { library, data } = this.host.reference;
    expectStatus(
      linuxExtensions(library)!.setOption(data.fileSystemAddress, name, value),
      0,
      `option ${name}`,
    );
  }

  /** Ends the volume and expects that nothing is left. */
  async stop(): Promise<ServedReport> {
    const report = await this.abandon();
    assert.deepEqual(
      {
        reason: report.end.reason,
        violations: report.violations,
        errors: report.errors,
        selfCheck: report.selfCheck,
        openHandles: report.openHandles,
        openCount: report.openCount,
        disposed: report.disposed,
        leaked: report.leaked,
      },
      {
        reason: 'stopped',
        violations: [],
        errors: [],
        selfCheck: [],
        openHandles: 0,
        openCount: 0,
        disposed: true,
        leaked: { callbacks: 0, blocks: 0 },
      },
    );
    return report;
  }

  /** Ends the volume in whatever state it is. */
  async abandon(): Promise<ServedReport> {
    return (await this.host.stop()) as ServedReport;
  }
}

export function volumeInfoOf(answer: Answer): { totalBytes: number; freeBytes: number; label: string } {
  expectStatus(answer.status, NtStatus.SUCCESS, 'volume information');
  const { bytes } = answer;
  const labelBytes = bytes.readUInt16LE(24 + 16);
  return {
    totalBytes: Number(bytes.readBigUInt64LE(24)),
    freeBytes: Number(bytes.readBigUInt64LE(24 + 8)),
    label: bytes.subarray(24 + 18, 24 + 18 + labelBytes).toString('utf16le'),
  };
}

/** Bits of a raw Cleanup request (docs/winfsp.md#callbacks). */
export const Cleanup = {
  DELETE: 1,
  TRIM: 2,
  ARCHIVE: 4,
  ACCESS_TIME: 8,
  WRITE_TIME: 16,
  CHANGE_TIME: 32,
} as const;

export class OpenFile {
  readonly context: number;
  /** CREATED, OPENED … as IoStatus.Information says. */
  readonly information: number;
  /** As the open reported it. */
  readonly info: Info;
  readonly normalizedName: string;
  readonly opened: Opened;
  #cleaned = false;

  constructor(
    readonly volume: ServedVolume,
    public path: string,
    opened: Opened,
  ) {
    this.opened = opened;
    this.context = opened.context;
    this.information = opened.information;
    this.info = infoAt(opened.bytes, 48);
    this.normalizedName = opened.name;
  }

  ask(request: Buffer, data: Buffer | null = null): Answer {
    return this.volume.client.ask(request, data);
  }

  #informed(answer: Answer, what: string): Info {
    expectStatus(answer.status, NtStatus.SUCCESS, `${what} of ${this.path}`);
    return infoAt(answer.bytes, 24);
  }

  tryWrite(offset: number, content: string | Buffer, constrained = false): Answer {
    const data = typeof content === 'string' ? Buffer.from(content, 'latin1') : content;
    return this.ask(writeRequest(this.context, offset, data.length, constrained), data);
  }

  /** `offset` −1 appends. Asserts that everything was written. */
  write(offset: number, content: string | Buffer): Info {
    const answer = this.tryWrite(offset, content);
    const info = this.#informed(answer, 'write');
    assert.equal(answer.information, content.length, 'bytes written');
    return info;
  }

  /** A write of the kernel's cache. Returns how many bytes were taken. */
  writeConstrained(offset: number, content: string | Buffer): number {
    const answer = this.tryWrite(offset, content, true);
    expectStatus(answer.status, NtStatus.SUCCESS, `constrained write of ${this.path}`);
    return answer.information;
  }

  tryRead(offset: number, length: number): Answer {
    return this.ask(readRequest(this.context, offset, length));
  }

  read(offset: number, length: number): Buffer {
    const answer = this.tryRead(offset, length);
    expectStatus(answer.status, NtStatus.SUCCESS, `read of ${this.path} at ${offset}`);
    return answer.data.subarray(0, answer.information);
  }

  text(offset = 0, length = 65536): string {
    return this.read(offset, length).toString('latin1');
  }

  query(): Info {
    return this.#informed(this.ask(queryRequest(this.context)), 'query');
  }

  flush(): Info {
    return this.#informed(this.ask(flushRequest(this.context)), 'flush');
  }

  trySetSize(size: number, allocation = false): Answer {
    return this.ask(endOfFileRequest(this.context, size, allocation));
  }

  setSize(size: number, allocation = false): Info {
    return this.#informed(this.trySetSize(size, allocation), allocation ? 'allocation' : 'end of file');
  }

  tryOverwrite(attributes = 0, replace = false, allocationSize = 0): Answer {
    return this.ask(overwriteRequest(this.context, attributes, replace, allocationSize));
  }

  overwrite(attributes = 0, replace = false, allocationSize = 0): Info {
    return this.#informed(this.tryOverwrite(attributes, replace, allocationSize), 'overwrite');
  }

  tryRename(newPath: string, flags: boolean | number = false, asPath = this.path): number {
    const { status } = this.ask(renameRequest(this.context, asPath, newPath, flags));
    if (status === NtStatus.SUCCESS) {
      this.path = newPath;
    }
    return status;
  }

  rename(newName: string, flags: boolean | number = false): void {
    const newPath = this.volume.path(newName);
    expectStatus(this.tryRename(newPath, flags), NtStatus.SUCCESS, `rename to ${newPath}`);
  }

  /** FILE_DISPOSITION_… flags; 1 deletes, 0 takes it back. */
  dispose(flags = 1): number {
    return this.ask(dispositionRequest(this.context, this.path, flags)).status;
  }

  security(): Buffer {
    const answer = this.ask(querySecurityRequest(this.context));
    expectStatus(answer.status, NtStatus.SUCCESS, `security of ${this.path}`);
    const at = 128 + answer.bytes.readUInt16LE(24);
    return Buffer.from(answer.bytes.subarray(at, at + answer.bytes.readUInt16LE(26)));
  }

  /** Names and sizes; the content of a file has an empty name. */
  streams(): [string, number][] {
    const answer = this.ask(streamsRequest(this.context));
    expectStatus(answer.status, NtStatus.SUCCESS, `streams of ${this.path}`);
    const from = 128 + answer.bytes.readUInt16LE(24);
    const records = answer.bytes.subarray(from, from + answer.bytes.readUInt16LE(26));
    const found: [string, number][] = [];
    for (let at = 0; records.readUInt16LE(at) !== 0; at += (records.readUInt16LE(at) + 7) & ~7) {
      const name = records.toString('utf16le', at + 24, at + records.readUInt16LE(at));
      found.push([name, Number(records.readBigUInt64LE(at + 8))]);
    }
    return found;
  }

  setSecurity(information: number, descriptor: Uint8Array): number {
    return this.ask(setSecurityRequest(this.context, information, descriptor)).status;
  }

  /** One listing request: names and the information of each; `<end>` marks the end of the directory. */
  page(lengthBytes: number, marker: string | null = null, pattern: string | null = null): Buffer {
    const answer = this.ask(directoryRequest(this.context, lengthBytes, marker, pattern));
    expectStatus(answer.status, NtStatus.SUCCESS, `listing of ${this.path} behind ${marker}`);
    return answer.data.subarray(0, answer.information);
  }

  /** All names, asked for in pieces of `lengthBytes`, each behind the last name of the one before. */
  list(lengthBytes = 65536, from: string | null = null): string[] {
    const names: string[] = [];
    for (let marker = from; ; ) {
      const page = namesOf(this.page(lengthBytes, marker));
      // An empty answer is the end, too.
      if (page.length === 0 || page.at(-1) === '<end>') {
        return [...names, ...page.filter((name) => name !== '<end>')];
      }
      names.push(...page);
      marker = page.at(-1)!;
    }
  }

  /** A Cleanup; the name goes with it only when it deletes (docs/winfsp.md#callbacks). */
  cleanup(flags = 0): void {
    this.#cleaned = true;
    const request = cleanupRequest(this.context, this.path, flags);
    if ((flags & Cleanup.DELETE) === 0) {
      request.writeUInt32LE(0, 80);
    }
    expectStatus(this.ask(request).status, NtStatus.SUCCESS, `Cleanup of ${this.path}`);
  }

  /** Close, after a Cleanup unless there was one. */
  close(): void {
    if (!this.#cleaned) {
      this.cleanup();
    }
    this.closeOnly();
  }

  /** Close without a Cleanup: what a sharing violation does. */
  closeOnly(): void {
    expectStatus(this.ask(closeRequest(this.context)).status, NtStatus.SUCCESS, `Close of ${this.path}`);
  }
}
