/**
 * Judges the trace of a running drive (src/drive/trace.ts): follows it event by event with a specification of its own, which knows
 * only lengths, charges, names and opens, and refuses the first event that the rules do not allow. What CapacityLedger and Namespace
 * say of a few pages and nodes is said here of any number; every write is one step, as it is in the drive.
 *
 * The folding of names is the volume's own table; everything else is written anew.
 */
import { NtStatus } from '../src/ntstatus.js';
import { foldingTable, foldText } from '../src/volume/names/case-folding.js';

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

interface Node {
  directory: boolean;
  parent: Node | null;
  /** Folded. */
  name: string;
  children: Map<string, Node>;
  opens: number;
  length: number;
  charge: number;
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
  #root: Node | null = null;
  #isOver = false;
  readonly #nodes = new Map<number, Node>();
  /** Sum over all nodes. */
  #charged = 0;

  take(event: Event): void {
    if (this.#isOver) throw new Refusal('Order', `'${event.op}' comes after the end`);
    if ((event.op === 'begin') !== (this.#root === null)) {
      throw new Refusal('Order', 'a trace begins with one event that tells of the volume');
    }
    switch (event.op) {
      case 'begin':
        this.#begin(event);
        return;
      case 'end':
      case 'cut':
        this.#isOver = true;
        return;
      case 'freeBytes': {
        const free = (this.#capacity - this.#charged) * this.#pageSize;
        equal(numberOf(event, 'freeBytes'), free, 'FreeBytesAccurate', 'bytes free as told');
        return;
      }
      case 'open':
        this.#open(event);
        break;
      case 'create':
        this.#create(event);
        break;
      default:
        this.#ofNode(event, this.#nodeOf(event));
    }
    const [charged, held] = event.ledger as [number, number];
    equal(charged, this.#charged, 'FreeBytesAccurate', 'pages charged');
    if (!(held >= 0 && held <= charged && charged <= this.#capacity)) {
      throw new Refusal('PoolConsistent', `held ${held}, charged ${charged}, capacity ${this.#capacity}`);
    }
  }

  #begin(event: Event): void {
    this.#pageSize = numberOf(event, 'pageSizeBytes');
    this.#capacity = numberOf(event, 'capacityPages');
    this.#folding = foldingTable(event.caseSensitive === true);
    this.#root = newNode(true, null, '');
    this.#root.parent = this.#root;
    this.#nodes.set(numberOf(event, 'root'), this.#root);
  }

  // Names.

  /** Directory and folded last name of a path; null when there is no such directory. */
  #locate(path: string): { directory: Node; name: string } | null {
    const names = foldText(path, this.#folding).split('\\').slice(1);
    let directory = this.#root!;
    for (const name of names.slice(0, -1)) {
      const next = directory.children.get(name);
      if (next === undefined || !next.directory) return null;
      directory = next;
    }
    return { directory, name: names.at(-1) ?? '' };
  }

  #open(event: Event): void {
    const place = this.#locate(textOf(event, 'path'));
    const node = place?.name === '' ? this.#root! : place?.directory.children.get(place.name);
    const due =
      place === null
        ? NtStatus.OBJECT_PATH_NOT_FOUND
        : node === undefined
          ? NtStatus.OBJECT_NAME_NOT_FOUND
          : NtStatus.SUCCESS;
    if (!this.#answers(event, due)) return;
    if (this.#nodes.get(numberOf(event, 'node')) !== node) {
      throw new Refusal('SingleOwner', `'${String(event.path)}' leads to another node`);
    }
    node!.opens++;
    this.#compare(event, node!);
  }

  #create(event: Event): void {
    const place = this.#locate(textOf(event, 'path'));
    const pages = event.directory === true ? 0 : this.#pagesOf(numberOf(event, 'allocationSize'));
    const due =
      place === null
        ? NtStatus.OBJECT_PATH_NOT_FOUND
        : place.directory.children.has(place.name) || place.name === ''
          ? NtStatus.OBJECT_NAME_COLLISION
          : this.#room(pages);
    if (!this.#answers(event, due)) return;
    const index = numberOf(event, 'node');
    if (this.#nodes.has(index)) throw new Refusal('SingleOwner', `node ${index} exists already`);
    const node = newNode(event.directory === true, place!.directory, place!.name);
    node.opens = 1;
    place!.directory.children.set(place!.name, node);
    this.#nodes.set(index, node);
    this.#charge(node, pages);
    this.#compare(event, node);
  }

  #ofNode(event: Event, node: Node): void {
    switch (event.op) {
      case 'close':
        if (node.opens === 0) throw new Refusal('DestroyedOnce', 'closed more often than opened');
        node.opens--;
        this.#forget(node);
        break;
      case 'cleanup':
        this.#cleanup(event, node);
        break;
      case 'rename':
        this.#rename(event, node);
        break;
      case 'list':
        this.#list(event, node);
        break;
      default:
        this.#ofContent(event, node);
    }
    this.#compare(event, node);
  }

  #cleanup(event: Event, node: Node): void {
    const flags = numberOf(event, 'flags');
    if ((flags & CLEANUP_TRIM) !== 0 && !node.directory) this.#charge(node, this.#pagesOf(node.length));
    const isFree = node !== this.#root && node.parent !== null && node.children.size === 0;
    if ((flags & CLEANUP_DELETE) !== 0 && isFree) this.#unlink(node);
  }

  #rename(event: Event, node: Node): void {
    const place = this.#locate(textOf(event, 'newPath'));
    const there = place?.directory.children.get(place.name);
    const isTaken = there !== undefined && there !== node && event.replaceIfExists !== true;
    const due =
      node.parent === null
        ? NtStatus.FILE_DELETED
        : place === null
          ? NtStatus.OBJECT_PATH_NOT_FOUND
          : isTaken
            ? NtStatus.OBJECT_NAME_COLLISION
            : NtStatus.SUCCESS;
    if (!this.#answers(event, due)) return;
    for (let at = place!.directory; at !== this.#root; at = at.parent!) {
      if (at === node) throw new Refusal('NoCycle', 'a directory is moved into itself');
    }
    if (there !== undefined && there !== node) {
      if (there.directory) throw new Refusal('ReplaceIsAtomic', 'a directory is replaced');
      this.#unlink(there);
    }
    node.parent!.children.delete(node.name);
    node.parent = place!.directory;
    node.name = place!.name;
    node.parent.children.set(node.name, node);
  }

  #unlink(node: Node): void {
    node.parent!.children.delete(node.name);
    node.parent = null;
    this.#forget(node);
  }

  /** A node without name and opens gives everything back. */
  #forget(node: Node): void {
    if (node.parent !== null || node.opens > 0) return;
    this.#charge(node, 0);
    node.length = 0;
  }

  /** What is listed are exactly the names behind the marker, in order, as many as fit. */
  #list(event: Event, node: Node): void {
    if (!node.directory || !this.#answers(event, NtStatus.SUCCESS)) return;
    const marker = event.marker === null ? '' : foldText(textOf(event, 'marker'), this.#folding);
    const listed = (event.names as string[])
      .filter((name) => name !== '.' && name !== '..')
      .map((name) => foldText(name, this.#folding));
    const isDots = marker === '.' || marker === '..';
    const due = [...node.children.keys()]
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

  // Content.

  #ofContent(event: Event, node: Node): void {
    if (node.directory) {
      if (numberOf(event, 'result') >= 0) throw new Refusal('DataIntegrity', 'a directory has no content');
      return;
    }
    switch (event.op) {
      case 'read': {
        const offset = numberOf(event, 'offset');
        const due = Math.min(numberOf(event, 'length'), node.length - offset);
        this.#counts(event, offset >= node.length ? NtStatus.END_OF_FILE : due, 'ReadConsistent');
        return;
      }
      case 'write':
        this.#write(event, node);
        return;
      case 'setFileSize':
        this.#resize(event, node, numberOf(event, 'bytes'));
        return;
      case 'setAllocationSize': {
        const bytes = numberOf(event, 'bytes');
        if (bytes < node.length) this.#resize(event, node, bytes);
        else this.#promise(event, node, this.#pagesOf(bytes));
        return;
      }
      case 'overwrite':
        if (this.#promise(event, node, this.#pagesOf(numberOf(event, 'allocationSize')))) node.length = 0;
        return;
      default:
        throw new Refusal('Order', `there is no operation '${event.op}'`);
    }
  }

  #write(event: Event, node: Node): void {
    const offset = event.writeToEndOfFile === true ? node.length : numberOf(event, 'offset');
    const asked = numberOf(event, 'length');
    const count = event.constrainedIo === true ? Math.max(0, Math.min(asked, node.length - offset)) : asked;
    const end = count === 0 ? 0 : offset + count;
    const pages = Math.max(node.charge, this.#pagesOf(end));
    if (end <= node.length && numberOf(event, 'result') === NtStatus.DISK_FULL) {
      throw new Refusal('NoSilentLoss', `a write inside the length ${node.length} is refused`);
    }
    const status = this.#room(pages - node.charge);
    if (!this.#counts(event, status < 0 ? status : count, 'DataIntegrity')) return;
    this.#charge(node, pages);
    node.length = Math.max(node.length, end);
  }

  #resize(event: Event, node: Node, bytes: number): void {
    const pages = this.#pagesOf(bytes);
    const charge = bytes < node.length ? pages : Math.max(node.charge, pages);
    if (!this.#promise(event, node, charge)) return;
    node.length = bytes;
  }

  /** Charges a node for exactly so many pages, if there is room. */
  #promise(event: Event, node: Node, pages: number): boolean {
    if (!this.#answers(event, this.#room(pages - node.charge))) return false;
    this.#charge(node, pages);
    return true;
  }

  // The ledger.

  #pagesOf(bytes: number): number {
    return Math.ceil(bytes / this.#pageSize);
  }

  #room(pages: number): number {
    return pages > this.#capacity - this.#charged ? NtStatus.DISK_FULL : NtStatus.SUCCESS;
  }

  #charge(node: Node, pages: number): void {
    this.#charged += pages - node.charge;
    node.charge = pages;
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

  #compare(event: Event, node: Node): void {
    equal(numberOf(event, 'chargedPages'), node.charge, 'FreeBytesAccurate', 'pages charged to the node');
    equal(numberOf(event, 'lengthBytes'), node.length, 'FileInfoTrue', 'length of the node');
  }

  #nodeOf(event: Event): Node {
    const index = numberOf(event, 'node');
    const node = this.#nodes.get(index);
    if (node === undefined) throw new Refusal('SingleOwner', `there is no node ${index}`);
    if (node.parent === null && node.opens === 0) {
      throw new Refusal('DeadFilesClean', `node ${index} has neither name nor handle`);
    }
    return node;
  }
}

function newNode(directory: boolean, parent: Node | null, name: string): Node {
  return { directory, parent, name, children: new Map(), opens: 0, length: 0, charge: 0 };
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
