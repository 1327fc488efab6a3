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
  Links: boolean;
  Exchanges: boolean;
}

export const ROOT = 0;
const UNLINKED = -1;
const NOBODY = 0;
/** Instead of one of several names: the one that there is. */
const ONLY = -1;
/** More than an inode has names. */
const MANY = 1000;

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
  const { Links, Exchanges } = constants;
  const inodes = Array.from({ length: InodeCount }, (_, x) => x + 1);
  const places = [...inodes, ROOT];
  const names = Array.from({ length: NameCount }, (_, n) => n + 1);
  const width = NameCount + 1;
  const reached = new Set<string>();
  // Which of several names, and which of the others takes the place of the inode's own.
  const given = Links ? places.flatMap((d) => names.map((n) => d * width + n)) : [ONLY];
  const heirs = Links ? given.slice(1).map((_, heir) => heir) : [0];
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

  // An entry is its place in `children`.
  const directoryOf = (entry: number): number => Math.floor(entry / width);
  const nameOf = (entry: number): number => entry % width;
  const own = (s: State, x: number): number => (isNamed(s, x) ? s.parent[x]! * width + s.name[x]! : ONLY);
  /** The names of an inode but for one, in the order of places. */
  const otherNames = (s: State, x: number, entry: number): number[] => {
    if (!Links) return [];
    return given.filter((at) => s.children[at] === x && at !== entry).sort((a, b) => a - b);
  };

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

  /**
   * A name of x goes. If it was the inode's own, one of its others takes the place: the one that `heir` counts. Null
   * when there is no such name or heir.
   */
  function unlink(s: State, next: State, x: number, from: number, heir: number): State | null {
    const entry = from === ONLY ? own(s, x) : from;
    if (entry < 0 || s.children[entry] !== x) return null;
    const others = otherNames(s, x, entry);
    const isOwn = entry === own(s, x);
    if (heir >= (isOwn ? Math.max(1, others.length) : 1)) return null;
    setEntry(next, directoryOf(entry), nameOf(entry), NOBODY);
    vanish(next, directoryOf(entry), nameOf(entry));
    if (isOwn && others.length === 0) setName(next, x, UNLINKED, 0, 0);
    else if (isOwn) inherit(next, x, others[heir]!);
    return next;
  }
  function inherit(next: State, x: number, entry: number): void {
    setName(next, x, directoryOf(entry), nameOf(entry), next.spelling[x]!);
  }

  function Cleanup(s: State, x: number, from: number, heir: number): State | null {
    if (s.opens[x] === 0) return null;
    const isLast = s.pending[x] === 1 && s.opens[x] === 1;
    const unlinks = isLast && isNamed(s, x) && entries(s, x) === 0;
    const next = copy(s);
    next.opens[x]!--;
    next.cleaned[x]!++;
    if (s.opens[x] === 1) next.pending[x] = 0;
    if (unlinks && unlink(s, next, x, from, heir) === null) return null;
    if (!unlinks && (from !== given[0] || heir > 0)) return null;
    markIf(isLast && entries(s, x) !== 0, 'FullDirectoryStays');
    markIf(unlinks && s.cleaned[x]! > 0, 'CleanupWithOthersNotClosed');
    markIf(unlinks && isNamed(next, x), 'OtherNamesStay');
    return next;
  }

  function PosixDelete(s: State, x: number, from: number, heir: number): State | null {
    if (!Posix || s.opens[x] === 0 || !isNamed(s, x) || entries(s, x) !== 0) return null;
    const next = copy(s);
    next.opens[x]!--;
    next.cleaned[x]!++;
    next.pending[x] = 0;
    if (unlink(s, next, x, from, heir) === null) return null;
    markIf(s.opens[x]! > 1, 'UnlinkedWhileOpen');
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

  function mayRename(
    s: State,
    x: number,
    from: number,
    to: number,
    spelling: number,
    replace: boolean,
  ): boolean {
    const d = directoryOf(to);
    if (from < 0 || s.children[from] !== x || !isReachable(s, directoryOf(from)) || s.opens[x] === 0)
      return false;
    if (!isReachable(s, d) || isBelow(s, d, x)) return false;
    if (from === to && s.spelling[x] === spelling) return false;
    const target = s.children[to]!;
    if (target === NOBODY || from === to) return true;
    if (target === x) return replace && !Posix;
    return replace && s.isDirectory[target] === 0 && (Posix || handles(s, target) === 0);
  }

  function Rename(
    s: State,
    x: number,
    given: number,
    d: number,
    n: number,
    spelling: number,
    replace: boolean,
    heir: number,
  ): State | null {
    const from = given === ONLY ? own(s, x) : given;
    const to = d * width + n;
    if (!mayRename(s, x, from, to, spelling, replace)) return null;
    const target = s.children[to]!;
    const next = copy(s);
    if (target === x && from !== to) {
      if (unlink(s, next, x, from, heir) === null) return null;
      markIf(true, 'OntoItself');
      return next;
    }
    const isReplaced = target !== NOBODY && target !== x;
    const kept = isReplaced ? otherNames(s, target, to) : [];
    const hasHeir = kept.length > 0 && own(s, target) === to;
    if (heir >= (hasHeir ? kept.length : 1)) return null;
    setEntry(next, directoryOf(from), nameOf(from), NOBODY);
    setEntry(next, d, n, x);
    if (from === own(s, x)) setName(next, x, d, n, spelling);
    if (hasHeir) inherit(next, target, kept[heir]!);
    markIf(kept.length > 0, 'ReplacedKeepsNames');
    if (isReplaced && kept.length === 0) {
      setName(next, target, UNLINKED, 0, 0);
      next.pending[target] = 0;
      const isClosed = handles(s, target) === 0;
      if (isClosed) next.data[target] = 0;
      markIf(!isClosed, 'ReplacedWhileOpen');
      markIf(isClosed, 'ReplacedClosed');
    }
    // An entry that keeps its name, though with other content or spelling, is still there.
    if (from !== to) vanish(next, directoryOf(from), nameOf(from));
    markIf(target === x, 'CaseOnly');
    markIf(s.isDirectory[x] === 1 && entries(s, x) !== 0, 'FullDirectoryMoves');
    const { active, marker } = s.list;
    const isBehind = d === ROOT && directoryOf(from) === ROOT && n <= marker && nameOf(from) > marker;
    markIf(active && isBehind, 'RenamedBehindMarker');
    return next;
  }

  function Link(s: State, x: number, d: number, n: number): State | null {
    if (!Links || s.opens[x] === 0 || s.isDirectory[x] === 1) return null;
    if (!isReachable(s, d) || child(s, d, n) !== NOBODY) return null;
    markIf(!isNamed(s, x), 'LinkedWithoutName');
    const next = copy(s);
    setEntry(next, d, n, x);
    if (!isNamed(s, x)) setName(next, x, d, n, 1);
    return next;
  }

  function Exchange(s: State, x: number, given: number, d: number, n: number): State | null {
    const from = given === ONLY ? own(s, x) : given;
    const to = d * width + n;
    if (!Exchanges || s.opens[x] === 0 || from < 0 || s.children[from] !== x) return null;
    if (!isReachable(s, directoryOf(from)) || !isReachable(s, d)) return null;
    const other = s.children[to]!;
    if (other === NOBODY || other === x) return null;
    if (isBelow(s, d, x) || isBelow(s, directoryOf(from), other)) return null;
    markIf(s.isDirectory[x] !== s.isDirectory[other], 'UnlikeExchanged');
    const next = copy(s);
    setEntry(next, directoryOf(from), nameOf(from), other);
    setEntry(next, d, n, x);
    if (from === own(s, x)) inherit(next, x, to);
    if (to === own(s, other)) inherit(next, other, from);
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
      for (const x of inodes) {
        add(Link, x, d, n);
        for (const from of given) add(Exchange, x, from, d, n);
      }
      for (let spelling = 1; spelling <= SpellingCount; spelling++) {
        for (const yes of [false, true]) {
          add(Create, d, n, spelling, yes);
          for (const x of inodes) {
            for (const from of given)
              for (const heir of heirs) add(Rename, x, from, d, n, spelling, yes, heir);
          }
        }
      }
    }
  }
  for (const x of inodes) {
    for (const action of [MarkForDelete, UnmarkForDelete, Close]) add(action, x);
    for (const from of given) {
      for (const heir of heirs) for (const action of [Cleanup, PosixDelete]) add(action, x, from, heir);
    }
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
            found[x]! += s.parent[x] === d && s.name[x] === n ? 1 : MANY;
          }
        }
        return inodes.every((x) => {
          const mayHaveLinks = Links && isNamed(s, x) && s.isDirectory[x] === 0;
          return (mayHaveLinks ? found[x]! % MANY : found[x]) === Number(isNamed(s, x));
        });
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
