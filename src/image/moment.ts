/**
 * Moment: all that an image tells of a tree but the bytes of its files, as plain arrays that go to another thread. That
 * thread reads the bytes where they are, in page memory; they must stay there meanwhile, so the tree is a snapshot that
 * is being read, or its volume stands still. Making one is a step of the thread that owns the volume, and costs a walk
 * over all inodes and page tables.
 */
import type { ExtendedAttributes } from '../volume/extended-attributes.js';
import type { DirectoryEntry, Inode } from '../volume/inode.js';
import { type ViewedInode, type ViewedTree, type VolumeView, visitInOrder } from './volume-view.js';

const TIMES = 8;
const NUMBERS = 4;
const STREAM = 2;
/** Offset in the file, length, address. */
const RUN = 3;

export interface Moment {
  readonly label: string;
  readonly caseSensitive: boolean;
  /** Index numbers of files that have several names. */
  readonly linked: ReadonlySet<number>;
  /**
   * Of each name and its inode, a directory before what is in it; the root is the first and its own parent. Streams
   * come directly after the first name of their file.
   */
  readonly parents: Int32Array;
  readonly names: readonly string[];
  /** Index number, attributes, size, 0 for a file, 1 for a directory, 2 for a stream. */
  readonly numbers: Float64Array;
  /** Halves of creation, last access, last write and change time. */
  readonly times: Int32Array;
  readonly securities: readonly Uint8Array[];
  readonly securityOf: Int32Array;
  readonly reparse: ReadonlyMap<number, Uint8Array>;
  readonly extendedAttributes: ReadonlyMap<number, ExtendedAttributes>;
  /** Where its runs begin; one entry more than inodes. */
  readonly firstRuns: Int32Array;
  /** What lies on adjacent pages, in order; all else is a hole. */
  readonly runs: Float64Array;
  /** Of all files, holes left out. */
  readonly dataBytes: number;
}

export function momentOf(tree: ViewedTree): Moment {
  const entries: DirectoryEntry[] = [];
  visitInOrder(tree.root, (entry) => entries.push(entry));
  const count = entries.length;
  const places = new Map<Inode, number>();
  const securities = new Map<Uint8Array, number>();
  const reparse = new Map<number, Uint8Array>();
  const extendedAttributes = new Map<number, ExtendedAttributes>();
  const parents = new Int32Array(count);
  const names: string[] = [];
  const linked = new Set<number>();
  const numbers = new Float64Array(count * NUMBERS);
  const times = new Int32Array(count * TIMES);
  const securityOf = new Int32Array(count);
  const firstRuns = new Int32Array(count + 1);
  const runs = new Numbers();
  let dataBytes = 0;
  for (let at = 0; at < count; at++) {
    const entry = entries[at] as DirectoryEntry;
    const { inode, name, parent } = entry;
    const { main } = inode;
    const isStream = main !== inode;
    if (entry !== inode) linked.add(inode.indexNumber);
    if (inode.children !== null) places.set(inode, at);
    if (isStream) parents[at] = at - 1;
    else parents[at] = at === 0 ? 0 : (places.get(parent as Inode) as number);
    names.push(name);
    const kind = isStream ? STREAM : inode.isDirectory ? 1 : 0;
    numbers.set([inode.indexNumber, main.attributes, inode.fileSize, kind], at * NUMBERS);
    putTimes(main, times, at * TIMES);
    const { bytes } = main.security;
    const security = securities.get(bytes) ?? securities.size;
    securities.set(bytes, security);
    securityOf[at] = security;
    // Slices: what goes to another thread is copied with all of the buffer that it lies in.
    if (inode.reparse !== null) reparse.set(at, inode.reparse.data.slice());
    const attributes = inode.extendedAttributes;
    if (attributes !== null) extendedAttributes.set(at, { ...attributes, list: attributes.list.slice() });
    dataBytes += putRuns(inode, runs);
    firstRuns[at + 1] = runs.length / RUN;
  }
  const { label, caseSensitive } = tree;
  return {
    label,
    caseSensitive,
    linked,
    parents,
    names,
    numbers,
    times,
    securities: [...securities.keys()].map((bytes) => bytes.slice()),
    securityOf,
    reparse,
    extendedAttributes,
    firstRuns,
    runs: runs.take(),
    dataBytes,
  };
}

function putTimes(inode: Inode, times: Int32Array, at: number): void {
  times[at] = inode.creationTimeLow;
  times[at + 1] = inode.creationTimeHigh;
  times[at + 2] = inode.lastAccessTimeLow;
  times[at + 3] = inode.lastAccessTimeHigh;
  times[at + 4] = inode.lastWriteTimeLow;
  times[at + 5] = inode.lastWriteTimeHigh;
  times[at + 6] = inode.changeTimeLow;
  times[at + 7] = inode.changeTimeHigh;
}

function putRuns({ file }: Inode, runs: Numbers): number {
  if (file === null) return 0;
  const { pageSizeBytes, memory } = file.pool;
  const { table, lengthBytes } = file;
  const pages = Math.ceil(lengthBytes / pageSizeBytes);
  let bytes = 0;
  for (let index = 0, run = 0; index < pages; index += run) {
    run = table.runLength(index, pages - index);
    const page = table.pageAt(index);
    if (page < 0) continue;
    const offset = index * pageSizeBytes;
    const length = Math.min(run * pageSizeBytes, lengthBytes - offset);
    runs.add(offset, length, memory.baseAddress + page * pageSizeBytes);
    bytes += length;
  }
  return bytes;
}

/** An array that grows. */
class Numbers {
  length = 0;
  #all = new Float64Array(1024);

  add(a: number, b: number, c: number): void {
    if (this.length + RUN > this.#all.length) {
      const larger = new Float64Array(this.#all.length * 2);
      larger.set(this.#all);
      this.#all = larger;
    }
    this.#all[this.length++] = a;
    this.#all[this.length++] = b;
    this.#all[this.length++] = c;
  }

  take(): Float64Array {
    return this.#all.slice(0, this.length);
  }
}

export interface MomentSource {
  copy(destinationAddress: number, sourceAddress: number, lengthBytes: number): void;
  zero(address: number, lengthBytes: number): void;
  /** Before and after each copy; throws when what is read may change. */
  check(): void;
}

/** A moment as an image is written from it, on any thread. */
export function viewOfMoment(moment: Moment, source: MomentSource): VolumeView {
  const { label, caseSensitive, dataBytes, linked, parents, names } = moment;
  return {
    label,
    caseSensitive,
    dataBytes,
    linked,
    visit(visit) {
      const paths: (readonly string[])[] = [];
      let path: readonly string[] = [];
      for (let at = 0; at < names.length; at++) {
        const isStream = moment.numbers[at * NUMBERS + 3] === STREAM;
        const above = paths[parents[at] as number] ?? [];
        if (!isStream) path = at === 0 ? above : [...above, names[at] as string];
        const inode = viewedInode(moment, at, path, source);
        if (inode.isDirectory) paths[at] = path;
        visit(inode);
      }
    },
  };
}

function viewedInode(moment: Moment, at: number, path: readonly string[], source: MomentSource): ViewedInode {
  const [indexNumber, attributes, sizeBytes, kind] = moment.numbers.subarray(at * NUMBERS) as unknown as [
    number,
    number,
    number,
    number,
  ];
  const runs = moment.runs.subarray(
    (moment.firstRuns[at] as number) * RUN,
    (moment.firstRuns[at + 1] as number) * RUN,
  );
  const time = (which: number) =>
    (BigInt(moment.times[at * TIMES + which + 1] as number) << 32n) |
    BigInt((moment.times[at * TIMES + which] as number) >>> 0);
  return {
    names: path,
    stream: kind === STREAM ? (moment.names[at] as string) : null,
    indexNumber,
    isDirectory: kind === 1,
    attributes,
    times: { creation: time(0), lastAccess: time(2), lastWrite: time(4), change: time(6) },
    security: moment.securities[moment.securityOf[at] as number] as Uint8Array,
    reparse: moment.reparse.get(at) ?? null,
    extendedAttributes: moment.extendedAttributes.get(at) ?? null,
    sizeBytes,
    extents: () => extentsOf(runs),
    read: readerOf(runs, sizeBytes, source),
  };
}

function extentsOf(runs: Float64Array): [number, number][] {
  const extents: [number, number][] = [];
  for (let at = 0; at < runs.length; at += RUN) {
    const [offset, length] = [runs[at] as number, runs[at + 1] as number];
    const last = extents.at(-1);
    if (last !== undefined && last[0] + last[1] === offset) last[1] += length;
    else extents.push([offset, length]);
  }
  return extents;
}

/** Reads of one file, which come in the order of their offsets. */
function readerOf(runs: Float64Array, sizeBytes: number, source: MomentSource): ViewedInode['read'] {
  let next = 0;
  return (offset: number, length: number, address: number) => {
    if (offset + length > sizeBytes) throw new Error(`${length} bytes at ${offset} of ${sizeBytes}`);
    while (next > 0 && (runs[next - RUN] as number) + (runs[next - RUN + 1] as number) > offset) next -= RUN;
    for (let done = 0; done < length; ) {
      while (next < runs.length && (runs[next] as number) + (runs[next + 1] as number) <= offset + done)
        next += RUN;
      const start = next < runs.length ? (runs[next] as number) : sizeBytes;
      const skipped = offset + done - start;
      if (skipped < 0) {
        const hole = Math.min(length - done, -skipped);
        source.zero(address + done, hole);
        done += hole;
        continue;
      }
      const bytes = Math.min(length - done, (runs[next + 1] as number) - skipped);
      source.check();
      source.copy(address + done, (runs[next + 2] as number) + skipped, bytes);
      done += bytes;
    }
    source.check();
  };
}
