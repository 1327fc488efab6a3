/**
 * Names, handles and listings: tla/namespace/Namespace.tla in TypeScript, action by action, for the explorer. Read that module first; names,
 * order and conditions are its own, without the planted faults. Sets of names are bit masks (bit n for name n).
 */
import { put, putAll } from '../explorer/encoder.js';
import { type Model, type Step, stepOf } from '../explorer/explorer.js';

export interface Constants {
  InodeCount: number;
  NameCount: number;
  SpellingCount: number;
  MaxHandles: number;
  Directories: boolean;
  Posix: boolean;
  Listing: boolean;
  ChunkSize: number;
}

export const ROOT = 0;
const UNLINKED = -1;
const NOBODY = 0;

export interface State {
  /** (directory × names) → inode. Names count from 1, so entry 0 of each directory is unused. */
  children: number[];
  /** Of inode x at x; entry 0, the root's, is unused here and below. */
  parent: number[];
  name: number[];
  spelling: number[];
  isDirectory: number[];
  opens: number[];
  cleaned: number[];
  pending: number[];
  data: number[];
  list: { active: boolean; marker: number; seen: number; throughout: number };
  owned: number[];
  broken: string[];
}

const NO_LIST: State['list'] = { active: false, marker: 0, seen: 0, throughout: 0 };

export function namespaceModel(constants: Constants): Model<State> {
  const { InodeCount, NameCount, SpellingCount, MaxHandles, Directories, Posix, Listing, ChunkSize } =
    constants;
  const inodes = Array.from({ length: InodeCount }, (_, x) => x + 1);
  const places = [...inodes, ROOT];
  const names = Array.from({ length: NameCount }, (_, n) => n + 1);
  const width = NameCount + 1;
  const reached = new Set<string>();
  const zeros = (count: number): number[] => new Array<number>(count).fill(0);
  const markIf = (condition: boolean, branch: string): void => {
    if (condition) reached.add(branch);
  };
  const breakIf = (next: State, condition: boolean, rule: string): void => {
    if (condition && !next.broken.includes(rule)) next.broken = [...next.broken, rule];
  };

  const initial: State = {
    children: zeros((InodeCount + 1) * width),
    parent: new Array<number>(InodeCount + 1).fill(UNLINKED),
    name: zeros(InodeCount + 1),
    spelling: zeros(InodeCount + 1),
    isDirectory: zeros(InodeCount + 1),
    opens: zeros(InodeCount + 1),
    cleaned: zeros(InodeCount + 1),
    pending: zeros(InodeCount + 1),
    data: zeros(InodeCount + 1),
    list: NO_LIST,
    owned: zeros((InodeCount + 1) * width),
    broken: [],
  };

  const isNamed = (s: State, x: number): boolean => s.parent[x] !== UNLINKED;
  const handles = (s: State, x: number): number => s.opens[x]! + s.cleaned[x]!;
  const exists = (s: State, x: number): boolean => isNamed(s, x) || handles(s, x) > 0;
  const child = (s: State, d: number, n: number): number => s.children[d * width + n]!;
  /** The names in a directory. */
  const entries = (s: State, d: number): number => {
    let set = 0;
    for (const n of names) if (child(s, d, n) !== NOBODY) set |= 1 << n;
    return set;
  };
  const isBelow = (s: State, x: number, top: number, steps = InodeCount): boolean =>
    x === top || (steps > 0 && x > 0 && isNamed(s, x) && isBelow(s, s.parent[x]!, top, steps - 1));
  const isReachable = (s: State, d: number): boolean =>
    d === ROOT || (s.isDirectory[d] === 1 && isNamed(s, d) && isBelow(s, d, ROOT));

  function setEntry(next: State, d: number, n: number, inode: number): void {
    next.children[d * width + n] = inode;
    next.owned[d * width + n] = inode;
  }
  function setName(next: State, x: number, d: number, n: number, spelling: number): void {
    next.parent[x] = d;
    next.name[x] = n;
    next.spelling[x] = spelling;
  }
  /** A listing under way need no longer show this name. */
  function vanish(next: State, d: number, n: number): void {
    if (d === ROOT) next.list = { ...next.list, throughout: next.list.throughout & ~(1 << n) };
  }

  function Create(s: State, d: number, n: number, spelling: number, isDirectory: boolean): State | null {
    if ((isDirectory && !Directories) || !isReachable(s, d) || child(s, d, n) !== NOBODY) return null;
    const x = inodes.find((inode) => !exists(s, inode));
    if (x === undefined) return null;
    const next = copy(s);
    setEntry(next, d, n, x);
    setName(next, x, d, n, spelling);
    next.isDirectory[x] = Number(isDirectory);
    next.opens[x] = 1;
    next.data[x] = 1;
    return next;
  }

  function Open(s: State, d: number, n: number): State | null {
    if (!isReachable(s, d)) return null;
    const x = child(s, d, n);
    if (x === NOBODY || s.pending[x] === 1 || handles(s, x) >= MaxHandles) return null;
    const next = copy(s);
    next.opens[x]!++;
    return next;
  }

  function MarkForDelete(s: State, x: number): State | null {
    if (!isNamed(s, x) || s.opens[x] === 0 || s.pending[x] === 1) return null;
    const next = copy(s);
    next.pending[x] = 1;
    return next;
  }

  function UnmarkForDelete(s: State, x: number): State | null {
    if (s.opens[x] === 0 || s.pending[x] === 0) return null;
    const next = copy(s);
    next.pending[x] = 0;
    return next;
  }

  function unlink(s: State, next: State, x: number): void {
    setEntry(next, s.parent[x]!, s.name[x]!, NOBODY);
    setName(next, x, UNLINKED, 0, 0);
    vanish(next, s.parent[x]!, s.name[x]!);
  }

  function Cleanup(s: State, x: number): State | null {
    if (s.opens[x] === 0) return null;
    const isLast = s.pending[x] === 1 && s.opens[x] === 1;
    const unlinks = isLast && isNamed(s, x) && entries(s, x) === 0;
    markIf(isLast && entries(s, x) !== 0, 'FullDirectoryStays');
    markIf(unlinks && s.cleaned[x]! > 0, 'CleanupWithOthersNotClosed');
    const next = copy(s);
    next.opens[x]!--;
    next.cleaned[x]!++;
    if (s.opens[x] === 1) next.pending[x] = 0;
    if (unlinks) unlink(s, next, x);
    return next;
  }

  function PosixDelete(s: State, x: number): State | null {
    if (!Posix || s.opens[x] === 0 || !isNamed(s, x) || entries(s, x) !== 0) return null;
    markIf(s.opens[x]! > 1, 'UnlinkedWhileOpen');
    const next = copy(s);
    next.opens[x]!--;
    next.cleaned[x]!++;
    next.pending[x] = 0;
    unlink(s, next, x);
    return next;
  }

  function Close(s: State, x: number): State | null {
    if (s.cleaned[x] === 0) return null;
    const next = copy(s);
    next.cleaned[x]!--;
    if (handles(s, x) === 1 && !isNamed(s, x)) {
      breakIf(next, s.data[x] === 0, 'DestroyedOnce');
      next.data[x] = 0;
      next.isDirectory[x] = 0;
    }
    return next;
  }

  function mayRename(s: State, x: number, d: number, n: number, spelling: number, replace: boolean): boolean {
    if (!isNamed(s, x) || !isReachable(s, s.parent[x]!) || s.opens[x] === 0) return false;
    if (!isReachable(s, d) || isBelow(s, d, x)) return false;
    if (s.parent[x] === d && s.name[x] === n && s.spelling[x] === spelling) return false;
    const target = child(s, d, n);
    if (target === NOBODY || target === x) return true;
    return replace && s.isDirectory[target] === 0 && (Posix || handles(s, target) === 0);
  }

  function Rename(
    s: State,
    x: number,
    d: number,
    n: number,
    spelling: number,
    replace: boolean,
  ): State | null {
    if (!mayRename(s, x, d, n, spelling, replace)) return null;
    const target = child(s, d, n);
    const from = s.parent[x]!;
    const oldName = s.name[x]!;
    const next = copy(s);
    setEntry(next, from, oldName, NOBODY);
    setEntry(next, d, n, x);
    setName(next, x, d, n, spelling);
    if (target !== NOBODY && target !== x) {
      setName(next, target, UNLINKED, 0, 0);
      next.pending[target] = 0;
      const isClosed = handles(s, target) === 0;
      if (isClosed) next.data[target] = 0;
      markIf(!isClosed, 'ReplacedWhileOpen');
      markIf(isClosed, 'ReplacedClosed');
    }
    // An entry that keeps its name, though with other content or spelling, is still there.
    if (from !== d || oldName !== n) vanish(next, from, oldName);
    markIf(target === x, 'CaseOnly');
    markIf(s.isDirectory[x] === 1 && entries(s, x) !== 0, 'FullDirectoryMoves');
    const { active, marker } = s.list;
    const isBehind = d === ROOT && from === ROOT && n <= marker && oldName > marker;
    markIf(active && isBehind, 'RenamedBehindMarker');
    return next;
  }

  function StartList(s: State): State | null {
    if (!Listing || s.list.active) return null;
    const next = copy(s);
    next.list = { ...NO_LIST, active: true, throughout: entries(s, ROOT) };
    return next;
  }

  function ListOn(s: State): State | null {
    const { active, marker, seen, throughout } = s.list;
    if (!active) return null;
    const next = copy(s);
    let chunk = 0;
    let count = 0;
    let last = marker;
    for (const n of names) {
      if (n <= marker || child(s, ROOT, n) === NOBODY || count === ChunkSize) continue;
      chunk |= 1 << n;
      count++;
      last = n;
    }
    const isEnd = count < ChunkSize;
    breakIf(next, (chunk & seen) !== 0, 'ListedOnce');
    breakIf(next, isEnd && (throughout & ~(seen | chunk)) !== 0, 'ListedAll');
    markIf(marker !== 0 && child(s, ROOT, marker) === NOBODY, 'MarkerGone');
    markIf((chunk & ~throughout) !== 0, 'ListedNew');
    next.list = isEnd ? NO_LIST : { active, marker: last, seen: (seen | chunk) & throughout, throughout };
    return next;
  }

  const steps: Step<State>[] = [];
  const add = <Args extends (number | boolean)[]>(
    action: (s: State, ...args: Args) => State | null,
    ...args: Args
  ) => steps.push(stepOf(action, ...args));
  for (const d of places) {
    for (const n of names) {
      add(Open, d, n);
      for (let spelling = 1; spelling <= SpellingCount; spelling++) {
        for (const yes of [false, true]) {
          add(Create, d, n, spelling, yes);
          for (const x of inodes) add(Rename, x, d, n, spelling, yes);
        }
      }
    }
  }
  for (const x of inodes) {
    for (const action of [MarkForDelete, UnmarkForDelete, Cleanup, PosixDelete, Close]) add(action, x);
  }
  add(StartList);
  add(ListOn);

  const unbroken = (rule: string) => (s: State) => !s.broken.includes(rule);
  return {
    initial,
    steps,
    encode,
    reached,
    invariants: {
      TypeOK: (s) => inodes.every((x) => handles(s, x) >= 0 && handles(s, x) <= MaxHandles),
      SingleOwner: (s) => {
        const found = zeros(InodeCount + 1);
        for (const d of places) {
          for (const n of names) {
            const x = child(s, d, n);
            if (x === NOBODY) continue;
            found[x]!++;
            if (s.parent[x] !== d || s.name[x] !== n) return false;
          }
        }
        return inodes.every((x) => found[x] === Number(isNamed(s, x)));
      },
      NamesTrue: (s) => s.children.every((inode, i) => s.owned[i] === inode),
      DeadFilesClean: (s) => inodes.every((x) => (s.data[x] === 1) === exists(s, x)),
      DestroyedOnce: unbroken('DestroyedOnce'),
      ParentsAreDirectories: (s) =>
        inodes.every((d) => entries(s, d) === 0 || (s.isDirectory[d] === 1 && isNamed(s, d))),
      NoCycle: (s) => inodes.every((x) => !isNamed(s, x) || isBelow(s, x, ROOT)),
      ListedOnce: unbroken('ListedOnce'),
      ListedAll: unbroken('ListedAll'),
    },
    actionProperties: {
      ReplaceIsAtomic: (before, after) =>
        names.every((n) => {
          const x = child(before, ROOT, n);
          if (x === NOBODY || child(after, ROOT, n) !== NOBODY) return true;
          return after.opens[x]! < before.opens[x]! || after.parent[x] !== UNLINKED;
        }),
    },
  };
}

function copy(s: State): State {
  return {
    children: s.children.slice(),
    parent: s.parent.slice(),
    name: s.name.slice(),
    spelling: s.spelling.slice(),
    isDirectory: s.isDirectory.slice(),
    opens: s.opens.slice(),
    cleaned: s.cleaned.slice(),
    pending: s.pending.slice(),
    data: s.data.slice(),
    list: s.list,
    owned: s.owned.slice(),
    broken: s.broken,
  };
}

function encode(s: State): void {
  putAll(s.children);
  putAll(s.parent);
  putAll(s.name);
  putAll(s.spelling);
  putAll(s.isDirectory);
  putAll(s.opens);
  putAll(s.cleaned);
  putAll(s.pending);
  putAll(s.data);
  put(Number(s.list.active));
  put(s.list.marker);
  put(s.list.seen);
  put(s.list.throughout);
  putAll(s.owned);
  // A state in which a rule was broken is a violation: nothing beyond it is looked at.
  put(s.broken.length);
}
