/**
 * What is measured on WinFsp's driver: NT calls in a loop, by one thread that waits for each. Every read is looked at:
 * each page of a file tells its place.
 */
import assert from 'node:assert/strict';
import { ntStatusName } from '../../src/ntstatus.js';
import { CreateDisposition } from '../../src/winfsp/abi/constants.js';
import { Access, DirectoryFlag, FileClass, Option } from '../../tests/driver/nt.js';
import { declare, type NtFile, openNow } from '../../tests/driver/rig.js';
import type { WorkloadName } from './names.js';

const read = declare(
  'int32_t rig_read(uintptr_t file, void *buffer, uint32_t length, int64_t offset, void *done)',
);
const write = declare(
  'int32_t rig_write(uintptr_t file, void *buffer, uint32_t length, int64_t offset, void *done)',
);
const list = declare(
  'int32_t rig_directory(uintptr_t file, void *buffer, uint32_t length, uint32_t kind, str16 pattern, uint32_t flags, void *done)',
);

export interface Workload {
  name: WorkloadName;
  unit: 'bytes/s' | 'operations/s';
  /** What stays open meanwhile; once a volume. */
  prepare(volume: string): NtFile | null;
  /** One turn, however many operations that are; returns the amount done, in the unit. */
  turn(volume: string, file: NtFile): number;
  /** Afterwards, without being measured. */
  settle?(file: NtFile): void;
}

const KIB = 1024;
const PAGE = 4 * KIB;
const MIB = KIB * KIB;
const FILE_BYTES = 16 * MIB;
const PAGES = FILE_BYTES / PAGE;
const ENTRIES = 1000;
const LISTING_BYTES = 64 * KIB;
const FILE = Option.SYNCHRONOUS | Option.NON_DIRECTORY;
const UNCACHED = FILE | Option.NO_BUFFERING;
const DIRECTORY = Option.SYNCHRONOUS | Option.DIRECTORY;

const buffer = Buffer.alloc(MIB);
const done = Buffer.alloc(4);
/** Scattered and without repetition, alike for both. */
const STRIDE_PAGES = 1613;

function ok(status: number, what: string): void {
  assert.equal(ntStatusName(status), 'STATUS_SUCCESS', what);
}
function opened(path: string, access: number, disposition: number, options: number): NtFile {
  const { file, status } = openNow(path, { access, disposition, options });
  ok(status, path);
  return file!;
}

/** Writes its number to the head of each page. */
function fill(block: Buffer, firstPage: number): void {
  for (let at = 0; at < block.length; at += PAGE) {
    block.writeUInt32LE(firstPage + at / PAGE, at);
  }
}
function filledFile(volume: string, options: number): NtFile {
  const file = opened(`${volume}\\data`, Access.READ_WRITE, CreateDisposition.FILE_OPEN_IF, options | FILE);
  for (let at = 0; at < FILE_BYTES; at += MIB) {
    fill(buffer, at / PAGE);
    ok(write(file.address, buffer, MIB, at, done), 'fill');
  }
  return file;
}

function readTurn(length: number): (volume: string, file: NtFile) => number {
  let page = 0;
  return (_volume, { address }) => {
    page = (page + (length === PAGE ? STRIDE_PAGES : length / PAGE)) % PAGES;
    ok(read(address, buffer, length, page * PAGE, done), 'read');
    const last = length - PAGE;
    if (buffer.readUInt32LE(0) !== page || buffer.readUInt32LE(last) !== page + last / PAGE) {
      throw new Error(`page ${page} has other bytes`);
    }
    return length;
  };
}
function writeTurn(length: number): (volume: string, file: NtFile) => number {
  let page = 0;
  return (_volume, { address }) => {
    page = (page + (length === PAGE ? STRIDE_PAGES : length / PAGE)) % PAGES;
    const block = buffer.subarray(0, length);
    block.writeUInt32LE(page, 0);
    ok(write(address, block, length, page * PAGE, done), 'write');
    return length;
  };
}
const settle = (file: NtFile): void => ok(file.flushNow(), 'flush');

function transfers(how: 'uncached' | 'cached', options: number): Workload[] {
  const prepare = (volume: string) => filledFile(volume, options);
  const unit = 'bytes/s';
  return [
    { name: `read 4 KiB, ${how}`, unit, prepare, turn: readTurn(PAGE) },
    { name: `read 1 MiB, ${how}`, unit, prepare, turn: readTurn(MIB) },
    { name: `write 4 KiB, ${how}`, unit, prepare, turn: writeTurn(PAGE), settle },
    { name: `write 1 MiB, ${how}`, unit, prepare, turn: writeTurn(MIB), settle },
  ];
}

/** A file of 4 KiB from its creation to its end. */
function createChain(volume: string): number {
  const file = opened(`${volume}\\new`, Access.ALL, CreateDisposition.FILE_CREATE, FILE);
  ok(write(file.address, buffer, PAGE, 0, done), 'write');
  file.closeNow();
  const again = opened(`${volume}\\new`, Access.DELETE, CreateDisposition.FILE_OPEN, FILE);
  ok(again.setNow(FileClass.DISPOSITION, Buffer.from([1])), 'delete');
  again.closeNow();
  return 1;
}

function openClose(volume: string): number {
  opened(`${volume}\\data`, Access.READ, CreateDisposition.FILE_OPEN, FILE).closeNow();
  return 1;
}

function filledDirectory(volume: string): NtFile {
  const path = `${volume}\\many`;
  const directory = opened(path, Access.LIST, CreateDisposition.FILE_OPEN_IF, DIRECTORY);
  for (let i = 0; i < ENTRIES; i++) {
    const name = `${path}\\entry number ${i}`;
    opened(name, Access.READ_WRITE, CreateDisposition.FILE_OPEN_IF, FILE).closeNow();
  }
  return directory;
}
function listing(_volume: string, { address }: NtFile): number {
  let entries = 0;
  for (let flags: number = DirectoryFlag.RESTART; ; flags = 0) {
    const status = list(address, buffer, LISTING_BYTES, FileClass.DIRECTORY, null, flags, done);
    if (status !== 0) break;
    entries += countEntries(done.readUInt32LE());
  }
  // With "." and "..".
  assert.equal(entries, ENTRIES + 2);
  return 1;
}
function countEntries(bytes: number): number {
  for (let at = 0, entries = 1; at < bytes; entries++) {
    const next = buffer.readUInt32LE(at);
    if (next === 0) return entries;
    at += next;
  }
  throw new Error('The last entry points behind the buffer.');
}
/** The driver keeps a listing until something below the directory changes. */
function listingAfterChange(volume: string, directory: NtFile): number {
  const path = `${volume}\\many\\changes`;
  const options = FILE | Option.DELETE_ON_CLOSE;
  opened(path, Access.ALL, CreateDisposition.FILE_CREATE, options).closeNow();
  return listing(volume, directory);
}

const prepared = (volume: string) => filledFile(volume, FILE);

export const WORKLOADS: readonly Workload[] = [
  ...transfers('uncached', UNCACHED),
  ...transfers('cached', FILE),
  { name: 'open, close', unit: 'operations/s', prepare: prepared, turn: openClose },
  {
    name: 'create, write 4 KiB, close, open, delete, close',
    unit: 'operations/s',
    prepare: () => null,
    turn: createChain,
  },
  { name: 'list 1,000 entries', unit: 'operations/s', prepare: filledDirectory, turn: listing },
  {
    name: 'list 1,000 entries after a change',
    unit: 'operations/s',
    prepare: filledDirectory,
    turn: listingAfterChange,
  },
];
