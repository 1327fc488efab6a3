/**
 * Judges the trace of a running drive (src/drive/trace.ts): follows it event by event with a specification of its own, which knows
 * only lengths, reservations, names and opens, and refuses the first event that the rules do not allow. What CapacityLedger and Namespace
 * say of a few pages and inodes is said here of any number; every write is one step, as it is in the drive.
 *
 * The folding of names is the volume's own table; everything else is written anew.
 */
import { NtStatus } from '../../src/ntstatus.js';
import { foldingTable, foldText, ntfsUpperCase } from '../../src/volume/names/case-folding.js';

export interface TraceVerdict {
  /** Events accepted. */
  accepted: number;
  /** How often each operation was accepted, and how often with a failing result. */
  counts: Record<string, { succeeded: number; failed: number }>;
  /** Number of the refused event, counted from 1, and the rule it breaks; null when all were accepted. */
  refused: { event: number; rule: string; why: string } | null;
  /** Whether the drive told of its end: without it the last events may be missing. */
  isComplete: boolean;
}

type Event = Record<string, unknown> & { op: string };

interface Inode {
  directory: boolean;
  /** Of one of its names; the file of a stream that has its name; null without a name. */
  parent: Inode | null;
  /** How many names it has. */
  names: number;
  children: Map<string, Inode>;
  /** Named streams by their folded names. */
  streams: Map<string, Inode>;
  /** Those that went when the file was overwritten, and are open: to be made again they must be the same. */
  overwritten: Map<string, Inode>;
  /** The file that a stream belongs to. */
  main: Inode | null;
  opens: number;
  /** Opens of its streams, which hold a file. */
  streamOpens: number;
  length: number;
  reserve: number;
  /** Whether its index number is known: not between a rollback and the next open. */
  isNumbered: boolean;
}

interface Place {
  /** Or the file or directory that a stream belongs to. */
  directory: Inode;
  /** Folded. */
  name: string;
  entries: Map<string, Inode>;
}

class Refusal extends Error {
  constructor(
    readonly rule: string,
    readonly why: string,
  ) {
    super(`${rule}: ${why}`);
  }
}

const CLEANUP_DELETE = 1;
const CLEANUP_TRIM = 2;
/** Statuses that say something about names or room; each must be justified. Others concern what is not followed here. */
const JUDGED = new Set<number>([
  NtStatus.DISK_FULL,
  NtStatus.OBJECT_NAME_NOT_FOUND,
  NtStatus.OBJECT_PATH_NOT_FOUND,
  NtStatus.OBJECT_NAME_COLLISION,
  NtStatus.END_OF_FILE,
  NtStatus.FILE_DELETED,
]);

export function judgeTrace(lines: Iterable<string>): TraceVerdict {
  const judge = new TraceJudge();
  for (const line of lines) if (!judge.take(line)) break;
  return judge.verdict;
}

/** Takes a trace line by line. */
export class TraceJudge {
  readonly verdict: TraceVerdict = { accepted: 0, counts: {}, refused: null, isComplete: false };
  readonly #state = new TracedState();

  /** False when the event is refused; nothing behind it means anything. */
  take(line: string): boolean {
    if (line === '') return true;
    const { verdict } = this;
    try {
      const event = parse(line);
      this.#state.take(event);
      verdict.accepted++;
      verdict.isComplete = event.op === 'end';
      verdict.counts[event.op] ??= { succeeded: 0, failed: 0 };
      const count = verdict.counts[event.op]!;
      if (numberOf(event, 'result', 0) < 0) count.failed++;
      else count.succeeded++;
      return true;
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      verdict.refused = { event: verdict.accepted + 1, rule: error.rule, why: error.why };
      return false;
    }
  }
}

/** What the events so far have made of the volume. */
class TracedState {
  #pageSize = 0;
  #capacity = 0;
  #folding = foldingTable(true);
  #namedStreams = false;
  #root: Inode | null = null;
  #isOver = false;
  readonly #inodes = new Map<number, Inode>();
  /** Sum over all inodes. */
  #reserved = 0;
  readonly #snapshots = new Map<string, Inode>();
  /** Pages of all snapshots, as told: which page is in which is not followed here. */
  #snapshotPages = 0;
  /** Pages that extended attributes reserve, as told; their changes are no events. */
  #attributePages = 0;

  take(event: Event): void {
    if (this.#isOver) throw new Refusal('Order', `'${event.op}' comes after the end`);
    if ((event.op === 'begin') !== (this.#root === null)) {
      throw new Refusal('Order', 'a trace begins with one event that tells of the volume');
    }
    this.#attributePages = numberOf(event, 'attributePages', 0);
    switch (event.op) {
      case 'begin':
        this.#begin(event);
        return;
      case 'end':
      case 'cut':
        this.#isOver = true;
        return;
      case 'freeBytes': {
        const free = (this.#capacity - this.#reservedPages) * this.#pageSize;
        equal(numberOf(event, 'freeBytes'), free, 'FreeBytesAccurate', 'bytes free as told');
        return;
      }
      case 'open':
        this.#open(event);
        break;
      case 'create':
        this.#create(event);
        break;
      case 'snapshot':
      case 'rollback':
      case 'deleteSnapshot':
        this.#ofSnapshots(event);
        break;
      default:
        this.#ofInode(event, this.#inodeOf(event));
    }
    const [reserved, allocated] = event.ledger as [number, number];
    equal(reserved, this.#reservedPages, 'FreeBytesAccurate', 'pages reserved');
    if (!(allocated >= 0 && allocated <= reserved && reserved <= this.#capacity)) {
      throw new Refusal(
        'PoolConsistent',
        `allocated ${allocated}, reserved ${reserved}, capacity ${this.#capacity}`,
      );
    }
  }

  #begin(event: Event): void {
    this.#pageSize = numberOf(event, 'pageSizeBytes');
    this.#capacity = numberOf(event, 'capacityPages');
    this.#folding = foldingTable(event.caseSensitive === true, upperCaseOf(event));
    this.#namedStreams = event.namedStreams === true;
    this.#root = newInode(true);
    this.#root.parent = this.#root;
    this.#inodes.set(numberOf(event, 'root'), this.#root);
  }

  // Names.

  /** Where a path leads to, or why it does not. */
  #locate(path: string): Place | number {
    const colon = this.#namedStreams ? path.indexOf(':') : -1;
    if (colon < 0) return this.#locateFile(path) ?? NtStatus.OBJECT_PATH_NOT_FOUND;
    const file = this.#locateFile(path.slice(0, colon));
    if (file === null) return NtStatus.OBJECT_PATH_NOT_FOUND;
    const directory = this.#at(file);
    if (directory === undefined) return NtStatus.OBJECT_NAME_NOT_FOUND;
    return { directory, name: foldText(path.slice(colon + 1), this.#folding), entries: directory.streams };
  }

  /** Directory and folded last name of a path; null when there is no such directory. */
  #locateFile(path: string): Place | null {
    const names = foldText(path, this.#folding).split('\\').slice(1);
    let directory = this.#root!;
    for (const name of names.slice(0, -1)) {
      const next = directory.children.get(name);
      if (next === undefined || !next.directory) return null;
      directory = next;
    }
    return { directory, name: names.at(-1) ?? '', entries: directory.children };
  }

  #at({ name, entries }: Place): Inode | undefined {
    return name === '' ? this.#root! : entries.get(name);
  }

  #open(event: Event): void {
    const place = this.#locate(textOf(event, 'path'));
    const inode = typeof place === 'number' ? undefined : this.#at(place);
    const due =
      typeof place === 'number'
        ? place
        : inode === undefined
          ? NtStatus.OBJECT_NAME_NOT_FOUND
          : NtStatus.SUCCESS;
    if (!this.#answers(event, due)) return;
    const index = numberOf(event, 'inode');
    if (!inode!.isNumbered && !this.#inodes.has(index)) {
      inode!.isNumbered = true;
      this.#inodes.set(index, inode!);
    }
    if (this.#inodes.get(index) !== inode) {
      throw new Refusal('SingleOwner', `'${String(event.path)}' leads to another inode`);
    }
    countOpens(inode!, 1);
    this.#compare(event, inode!);
  }

  /** Of files, snapshots and extended attributes. */
  get #reservedPages(): number {
    return this.#reserved + this.#snapshotPages + this.#attributePages;
  }

  #create(event: Event): void {
    const place = this.#locate(textOf(event, 'path'));
    const isNamed = event.named !== false;
    const pages = event.directory === true ? 0 : this.#pagesOf(numberOf(event, 'allocationSize'));
    const isStream = typeof place !== 'number' && place.entries === place.directory.streams;
    const again = isStream ? place.directory.overwritten.get(place.name) : undefined;
    const due =
      typeof place === 'number'
        ? place
        : isNamed && this.#at(place) !== undefined
          ? NtStatus.OBJECT_NAME_COLLISION
          : this.#room(pages - (again?.reserve ?? 0));
    if (!this.#answers(event, due)) return;
    const index = numberOf(event, 'inode');
    if (this.#inodes.get(index) !== again) throw new Refusal('SingleOwner', `inode ${index} is another`);
    const { directory } = place as Place;
    const inode = again ?? newInode(event.directory === true, isStream ? directory : null);
    if (isStream) directory.overwritten.delete((place as Place).name);
    inode.length = 0;
    countOpens(inode, 1);
    if (isNamed) this.#attach(inode, place as Place);
    this.#inodes.set(index, inode);
    this.#reserve(inode, pages);
    this.#compare(event, inode);
  }

  #ofInode(event: Event, inode: Inode): void {
    switch (event.op) {
      case 'close':
        if (inode.opens === 0) throw new Refusal('DestroyedOnce', 'closed more often than opened');
        countOpens(inode, -1);
        this.#forget(inode);
        if (inode.main !== null) this.#closedStream(inode, inode.main);
        break;
      case 'cleanup':
        this.#cleanup(event, inode);
        break;
      case 'rename':
        this.#rename(event, inode);
        break;
      case 'exchange':
        this.#exchange(event, inode);
        break;
      case 'link':
        this.#link(event, inode);
        break;
      case 'list':
        this.#list(event, inode);
        break;
      default:
        this.#ofContent(event, inode);
    }
    this.#compare(event, inode);
  }

  #cleanup(event: Event, inode: Inode): void {
    const flags = numberOf(event, 'flags');
    if ((flags & CLEANUP_TRIM) !== 0 && !inode.directory) this.#reserve(inode, this.#pagesOf(inode.length));
    const isFree = inode !== this.#root && inode.parent !== null && inode.children.size === 0;
    if ((flags & CLEANUP_DELETE) !== 0 && isFree) this.#unlink(this.#placeOf(event, inode));
  }

  #rename(event: Event, inode: Inode): void {
    if (this.#isRefusedRoot(event, inode)) return;
    const place = this.#locate(textOf(event, 'newPath'));
    const from = inode.parent === null ? null : this.#placeOf(event, inode);
    const isMissing = typeof place === 'number';
    const isSameName = !isMissing && from?.directory === place.directory && from.name === place.name;
    const there = isMissing || isSameName ? undefined : place.entries.get(place.name);
    const isTaken = there !== undefined && event.replaceIfExists !== true;
    const due =
      inode.parent === null
        ? NtStatus.FILE_DELETED
        : isMissing
          ? place
          : isTaken
            ? NtStatus.OBJECT_NAME_COLLISION
            : NtStatus.SUCCESS;
    if (!this.#answers(event, due) || isMissing) return;
    this.#refuseOfStreams(inode, place);
    for (let at = place.directory; at !== this.#root; at = at.parent!) {
      if (at === inode) throw new Refusal('NoCycle', 'a directory is moved into itself');
    }
    if (there === inode && event.posix === true) return;
    if (there !== undefined) {
      if (there.directory && (event.posix !== true || !inode.directory || there.children.size > 0))
        throw new Refusal('ReplaceIsAtomic', 'a directory is replaced');
      this.#unlink(place);
    }
    this.#detach(from!);
    this.#attach(inode, place);
  }

  #refuseOfStreams(inode: Inode, { directory, entries }: Place): void {
    if (inode.main !== null || entries !== directory.children)
      throw new Refusal('SingleOwner', 'a stream gets another name');
  }

  #exchange(event: Event, inode: Inode): void {
    if (this.#isRefusedRoot(event, inode)) return;
    const place = this.#locate(textOf(event, 'otherPath'));
    const isMissing = typeof place === 'number';
    const other = isMissing ? undefined : place.entries.get(place.name);
    const due =
      inode.parent === null
        ? NtStatus.FILE_DELETED
        : isMissing
          ? place
          : other === undefined
            ? NtStatus.OBJECT_NAME_NOT_FOUND
            : NtStatus.SUCCESS;
    if (!this.#answers(event, due) || isMissing) return;
    this.#refuseOfStreams(inode, place);
    const from = this.#placeOf(event, inode);
    if (other === inode) return;
    this.#detach(from);
    this.#detach(place);
    this.#attach(inode, place);
    this.#attach(other!, from);
    for (const moved of [inode, other!]) {
      for (let at = moved.parent!; at !== this.#root; at = at.parent!) {
        if (at === moved)
          throw new Refusal('NoCycle', 'two directories, one within the other, change places');
      }
    }
  }

  #isRefusedRoot(event: Event, inode: Inode): boolean {
    if (inode === this.#root && numberOf(event, 'result') >= 0)
      throw new Refusal('NoCycle', 'the root is moved');
    return inode === this.#root;
  }

  #link(event: Event, inode: Inode): void {
    const place = this.#locate(textOf(event, 'newPath'));
    const isMissing = typeof place === 'number';
    const due = isMissing
      ? place
      : this.#at(place) !== undefined
        ? NtStatus.OBJECT_NAME_COLLISION
        : NtStatus.SUCCESS;
    if (!this.#answers(event, due) || isMissing) return;
    this.#refuseOfStreams(inode, place);
    if (inode.directory) throw new Refusal('SingleOwner', 'a directory gets another name');
    this.#attach(inode, place);
  }

  /** Of the name by which an event speaks of an inode. */
  #placeOf(event: Event, inode: Inode): Place {
    const place = this.#locate(textOf(event, 'path'));
    if (typeof place === 'number' || place.entries.get(place.name) !== inode)
      throw new Refusal('SingleOwner', `'${String(event.path)}' leads to another inode`);
    return place;
  }

  #attach(inode: Inode, { directory, name, entries }: Place): void {
    inode.parent = directory;
    inode.names++;
    entries.set(name, inode);
  }

  #detach({ name, entries }: Place): Inode {
    const inode = entries.get(name)!;
    entries.delete(name);
    inode.names--;
    if (inode.names === 0) inode.parent = null;
    return inode;
  }

  #unlink(place: Place): void {
    const inode = this.#detach(place);
    if (inode.parent === null) this.#unlinkStreams(inode);
    this.#forget(inode);
  }

  #unlinkStreams(file: Inode): void {
    for (const name of file.streams.keys()) this.#unlink({ directory: file, name, entries: file.streams });
  }

  /** With the file, which comes with an overwrite of it. */
  #overwriteStreams(file: Inode): void {
    const open = [...file.streams].filter(([, { opens }]) => opens > 0);
    this.#unlinkStreams(file);
    for (const [name, stream] of open) file.overwritten.set(name, stream);
  }

  #closedStream(stream: Inode, file: Inode): void {
    this.#forget(file);
    if (stream.opens > 0) return;
    for (const [name, one] of file.overwritten) if (one === stream) file.overwritten.delete(name);
  }

  /** An inode without name and opens gives everything back. */
  #forget(inode: Inode): void {
    if (inode.parent !== null || inode.opens + inode.streamOpens > 0) return;
    this.#reserve(inode, 0);
    inode.length = 0;
  }

  /** What is listed are exactly the names behind the marker, in order, as many as fit. */
  #list(event: Event, inode: Inode): void {
    if (!inode.directory || !this.#answers(event, NtStatus.SUCCESS)) return;
    const marker = event.marker === null ? '' : foldText(textOf(event, 'marker'), this.#folding);
    const listed = (event.names as string[])
      .filter((name) => name !== '.' && name !== '..')
      .map((name) => foldText(name, this.#folding));
    const isDots = marker === '.' || marker === '..';
    const due = [...inode.children.keys()]
      .filter((name) => isDots || name > marker)
      .sort((a, b) => (a < b ? -1 : 1));
    const isRight = listed.every((name, i) => name === due[i]);
    if (!isRight)
      throw new Refusal(
        'ListedOnce',
        `listed are ${listed.join(', ')}, due ${due.slice(0, listed.length + 1).join(', ')}`,
      );
    if (event.isComplete === true && listed.length < due.length) {
      throw new Refusal('ListedAll', `${due[listed.length]} is missing`);
    }
  }

  // Snapshots.

  #ofSnapshots(event: Event): void {
    const name = textOf(event, 'name');
    const kept = this.#snapshots.get(name);
    const isNew = event.op === 'snapshot';
    const [pages, allocated] = [numberOf(event, 'snapshotPages'), (event.ledger as number[])[1] as number];
    const result = numberOf(event, 'result');
    if (result < 0) {
      const wrong = isNew ? NtStatus.OBJECT_NAME_NOT_FOUND : NtStatus.OBJECT_NAME_COLLISION;
      const due = isNew ? NtStatus.OBJECT_NAME_COLLISION : NtStatus.OBJECT_NAME_NOT_FOUND;
      if (result === wrong || (result === due) !== ((kept !== undefined) === isNew)) {
        throw new Refusal('NamesTrue', `the answer about snapshot '${name}' is ${hex(result)}`);
      }
      equal(pages, this.#snapshotPages, 'AllOrNothing', 'pages of snapshots');
      return;
    }
    if ((kept !== undefined) === isNew) throw new Refusal('NamesTrue', `snapshot '${name}' is not as told`);
    const isRight =
      event.op === 'snapshot'
        ? pages >= this.#snapshotPages && pages <= allocated
        : event.op === 'rollback'
          ? pages === this.#snapshotPages
          : pages <= this.#snapshotPages && (pages === 0 || this.#snapshots.size > 1);
    if (!isRight) throw new Refusal('FreeBytesAccurate', `snapshots have ${pages} pages after '${event.op}'`);
    this.#snapshotPages = pages;
    if (event.op === 'snapshot') this.#snapshots.set(name, copyTree(this.#root!, null));
    else if (event.op === 'deleteSnapshot') this.#snapshots.delete(name);
    else this.#rollback(kept!, numberOf(event, 'root'));
  }

  #rollback(kept: Inode, rootNumber: number): void {
    this.#root = copyTree(kept, null);
    if (this.#inodes.has(rootNumber)) throw new Refusal('SingleOwner', `inode ${rootNumber} comes again`);
    // Numbers of before stay taken, by inodes that are dead.
    for (const inode of this.#inodes.values())
      Object.assign(inode, { parent: null, opens: 0, streamOpens: 0 });
    this.#root.isNumbered = true;
    this.#inodes.set(rootNumber, this.#root);
    this.#reserved = sumOfReserves(this.#root);
  }

  // Content.

  #ofContent(event: Event, inode: Inode): void {
    if (inode.directory) {
      if (numberOf(event, 'result') >= 0) throw new Refusal('DataIntegrity', 'a directory has no content');
      return;
    }
    switch (event.op) {
      case 'read': {
        const offset = numberOf(event, 'offset');
        const due = Math.min(numberOf(event, 'length'), inode.length - offset);
        this.#counts(event, offset >= inode.length ? NtStatus.END_OF_FILE : due, 'ReadConsistent');
        return;
      }
      case 'write':
        this.#write(event, inode);
        return;
      case 'zero':
        this.#answers(event, NtStatus.SUCCESS);
        return;
      case 'setFileSize':
        this.#resize(event, inode, numberOf(event, 'bytes'));
        return;
      case 'setAllocationSize': {
        const bytes = numberOf(event, 'bytes');
        if (bytes < inode.length) this.#resize(event, inode, bytes);
        else this.#promise(event, inode, this.#pagesOf(bytes));
        return;
      }
      case 'overwrite':
        if (!this.#promise(event, inode, this.#pagesOf(numberOf(event, 'allocationSize')))) return;
        inode.length = 0;
        this.#overwriteStreams(inode);
        return;
      default:
        throw new Refusal('Order', `there is no operation '${event.op}'`);
    }
  }

  #write(event: Event, inode: Inode): void {
    const offset = event.writeToEndOfFile === true ? inode.length : numberOf(event, 'offset');
    const asked = numberOf(event, 'length');
    const count = event.constrainedIo === true ? Math.max(0, Math.min(asked, inode.length - offset)) : asked;
    const end = count === 0 ? 0 : offset + count;
    const pages = Math.max(inode.reserve, this.#pagesOf(end));
    if (end <= inode.length && numberOf(event, 'result') === NtStatus.DISK_FULL) {
      throw new Refusal('NoSilentLoss', `a write inside the length ${inode.length} is refused`);
    }
    const status = this.#room(pages - inode.reserve);
    if (!this.#counts(event, status < 0 ? status : count, 'DataIntegrity')) return;
    this.#reserve(inode, pages);
    inode.length = Math.max(inode.length, end);
  }

  #resize(event: Event, inode: Inode, bytes: number): void {
    const pages = this.#pagesOf(bytes);
    const reserve = bytes < inode.length ? pages : Math.max(inode.reserve, pages);
    if (!this.#promise(event, inode, reserve)) return;
    inode.length = bytes;
  }

  /** Reserves an inode for exactly so many pages, if there is room. */
  #promise(event: Event, inode: Inode, pages: number): boolean {
    if (!this.#answers(event, this.#room(pages - inode.reserve))) return false;
    this.#reserve(inode, pages);
    return true;
  }

  // The ledger.

  #pagesOf(bytes: number): number {
    return Math.ceil(bytes / this.#pageSize);
  }

  #room(pages: number): number {
    return pages > this.#capacity - this.#reservedPages ? NtStatus.DISK_FULL : NtStatus.SUCCESS;
  }

  #reserve(inode: Inode, pages: number): void {
    this.#reserved += pages - inode.reserve;
    inode.reserve = pages;
  }

  /** Whether it was carried out; an answer that is not due is refused. */
  #answers(event: Event, due: number): boolean {
    return this.#counts(event, due, 'NamesTrue');
  }

  #counts(event: Event, due: number, rule: string): boolean {
    const result = numberOf(event, 'result');
    // Refused for a reason that is not followed here, or allowed where another reason was due: only the latter is wrong.
    if (result < 0 && !JUDGED.has(result)) return false;
    if (result === due) return due >= 0;
    if (result === NtStatus.DISK_FULL)
      throw new Refusal('NoSpuriousDiskFull', 'refused, although there is room');
    if (due === NtStatus.DISK_FULL) throw new Refusal('PoolConsistent', 'allowed, although there is no room');
    throw new Refusal(rule, `the answer is ${hex(result)}, due is ${hex(due)}`);
  }

  #compare(event: Event, inode: Inode): void {
    equal(
      numberOf(event, 'reservedPages'),
      inode.reserve,
      'FreeBytesAccurate',
      'pages reserved to the inode',
    );
    equal(numberOf(event, 'lengthBytes'), inode.length, 'FileInfoTrue', 'length of the inode');
  }

  #inodeOf(event: Event): Inode {
    const index = numberOf(event, 'inode');
    const inode = this.#inodes.get(index);
    if (inode === undefined) throw new Refusal('SingleOwner', `there is no inode ${index}`);
    if (inode.parent === null && inode.opens + inode.streamOpens === 0) {
      throw new Refusal('DeadFilesClean', `inode ${index} has neither name nor handle`);
    }
    return inode;
  }
}

function newInode(directory: boolean, main: Inode | null = null): Inode {
  return {
    directory,
    parent: null,
    names: 0,
    children: new Map(),
    streams: new Map(),
    overwritten: new Map(),
    main,
    opens: 0,
    streamOpens: 0,
    length: 0,
    reserve: 0,
    isNumbered: true,
  };
}

function countOpens(inode: Inode, by: 1 | -1): void {
  inode.opens += by;
  if (inode.main !== null) inode.main.streamOpens += by;
}

/**
 * The same tree with nothing open and without numbers. The root's parent is itself. `copies`: of each file, which may
 * have several names.
 */
function copyTree(inode: Inode, parent: Inode | null, copies = new Map<Inode, Inode>()): Inode {
  const before = copies.get(inode);
  if (before !== undefined) return before;
  const copy: Inode = { ...newInode(inode.directory), parent, isNumbered: false };
  [copy.names, copy.length, copy.reserve] = [inode.names, inode.length, inode.reserve];
  copy.parent ??= copy;
  copies.set(inode, copy);
  for (const [name, stream] of inode.streams)
    copy.streams.set(name, { ...copyTree(stream, copy, copies), main: copy });
  for (const [name, child] of inode.children) copy.children.set(name, copyTree(child, copy, copies));
  return copy;
}

function sumOfReserves(inode: Inode, seen = new Set<Inode>()): number {
  if (seen.has(inode)) return 0;
  seen.add(inode);
  let sum = inode.reserve;
  for (const below of [inode.streams, inode.children]) {
    for (const child of below.values()) sum += sumOfReserves(child, seen);
  }
  return sum;
}

function parse(line: string): Event {
  try {
    return JSON.parse(line) as Event;
  } catch {
    throw new Refusal('Order', 'not an event');
  }
}

function numberOf(event: Event, field: string, otherwise?: number): number {
  const value = event[field] ?? otherwise;
  if (typeof value !== 'number') throw new Refusal('Order', `'${event.op}' lacks the number '${field}'`);
  return value;
}

function textOf(event: Event, field: string): string {
  const value = event[field];
  if (typeof value !== 'string') throw new Refusal('Order', `'${event.op}' lacks the text '${field}'`);
  return value;
}

function equal(told: number, due: number, rule: string, what: string): void {
  if (told !== due) throw new Refusal(rule, `${what}: ${told}, due is ${due}`);
}

const hex = (value: number): string => (value < 0 ? `0x${(value >>> 0).toString(16)}` : String(value));

/** NTFS's table of capitals, with what the traced drive's system has otherwise. */
function upperCaseOf({ upperCase = [] }: Event): Uint16Array {
  const table = ntfsUpperCase.slice();
  const differences = upperCase as number[];
  for (let at = 0; at < differences.length; at += 2) table[differences[at]!] = differences[at + 1]!;
  return table;
}
