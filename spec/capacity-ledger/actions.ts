/** The actions of tla/capacity-ledger/CapacityLedgerActions.tla, one function each, under the same names. */
import { type Step, stepOf } from '../explorer/explorer.js';
import {
  cardinality,
  copy,
  freePages,
  HOLE,
  isAlive,
  JUNK,
  type Ledger,
  lowest,
  lowestPage,
  pageBit,
  pagesOf,
  promisedPages,
  type State,
  stillPromised,
  tag,
  trueFree,
  trueReserve,
  ZERO,
} from './state.js';

type Rule = '' | 'append' | 'constrained';

const markIf = (ledger: Ledger, condition: boolean, branch: string): void => {
  if (condition) ledger.reached.add(branch);
};
function breakIf(next: State, condition: boolean, rule: string): void {
  if (condition && !next.broken.includes(rule)) next.broken = [...next.broken, rule].sort();
}

/** Whether the operating system may refuse (`byOs`) a reservation of `pages` here. */
const osMayAnswer = (s: State, pages: number, byOs: boolean): boolean =>
  !byOs || (s.osRefusals > 0 && pages > 0);

/** A refusal of room up to `end` is judged by the ground. Null when nothing at all has changed. */
function refuse(
  ledger: Ledger,
  s: State,
  f: number,
  end: number,
  byOs: boolean,
  branch: string,
): State | null {
  ledger.answer = 'full';
  markIf(ledger, true, branch);
  markIf(ledger, byOs, 'OsRefusal');
  const next = copy(s);
  if (byOs) next.osRefusals--;
  breakIf(next, end <= (s.size[f] as number), 'NoSilentLoss');
  const more = Math.max(0, pagesOf(ledger, end) - trueReserve(ledger, s, f));
  breakIf(next, !byOs && more <= trueFree(ledger, s), 'NoSpuriousDiskFull');
  return byOs || next.broken !== s.broken ? next : null;
}

/** These pages go back to the free ones. */
function giveBack({ constants }: Ledger, next: State, back: number): void {
  next.free |= back;
  next.allocated -= cardinality(back);
  for (let rest = back; rest !== 0; rest &= rest - 1) {
    const first = (lowestPage(rest) - 1) * constants.UnitsPerPage;
    next.content.fill(JUNK, first, first + constants.UnitsPerPage);
  }
}

/** Takes the pages from index `from` on out of the file's table. */
function dropPages({ indexCount }: Ledger, next: State, f: number, from: number): number {
  let back = 0;
  for (let i = f * indexCount + from; i < (f + 1) * indexCount; i++) {
    if (next.table[i] !== HOLE) back |= pageBit(next.table[i] as number);
    next.table[i] = HOLE;
  }
  return back;
}

// Another capacity.

export function Resize(ledger: Ledger, s: State, pages: number): State | null {
  if (!ledger.constants.Resizes || pages === s.capacity) return null;
  const next = copy(s);
  if (pages < s.reserved) {
    ledger.answer = 'full';
    markIf(ledger, true, 'ShrinkRefused');
    breakIf(next, pages >= promisedPages(ledger, s), 'NoSpuriousDiskFull');
    return next.broken !== s.broken ? next : null;
  }
  markIf(ledger, true, pages < s.capacity ? 'Shrunk' : 'GrownAgain');
  next.capacity = pages;
  return next;
}

// Opening, deleting, closing.

export function Create(_: Ledger, s: State, f: number): State | null {
  if (isAlive(s, f)) return null;
  const next = copy(s);
  next.named[f] = 1;
  next.handles[f] = 1;
  return next;
}

export function Open(ledger: Ledger, s: State, f: number): State | null {
  if (s.named[f] === 0 || (s.handles[f] as number) >= ledger.constants.MaxHandles) return null;
  const next = copy(s);
  next.handles[f]!++;
  return next;
}

export function Delete(_: Ledger, s: State, f: number): State | null {
  if (s.named[f] === 0 || s.handles[f] === 0) return null;
  const next = copy(s);
  next.named[f] = 0;
  return next;
}

export function Close(_: Ledger, s: State, f: number): State | null {
  const handles = s.handles[f] as number;
  if (handles === 0 || (s.named[f] === 0 && handles === 1)) return null;
  const next = copy(s);
  next.handles[f]!--;
  return next;
}

export function Dispose(ledger: Ledger, s: State, f: number): State | null {
  if (s.handles[f] !== 1 || s.named[f] === 1) return null;
  const { MaxUnits } = ledger.constants;
  const next = copy(s);
  giveBack(ledger, next, dropPages(ledger, next, f, 0));
  next.reserved -= s.reserve[f] as number;
  next.handles[f] = 0;
  next.length[f] = 0;
  next.reserve[f] = 0;
  next.size[f] = 0;
  next.truth.fill(ZERO, f * MaxUnits, (f + 1) * MaxUnits);
  next.promised[f] = 0;
  return next;
}

// Sizes.

export function Extend(ledger: Ledger, s: State, f: number, units: number, byOs: boolean): State | null {
  if (s.handles[f] === 0 || units <= (s.length[f] as number)) return null;
  const shortage = Math.max(0, pagesOf(ledger, units) - (s.reserve[f] as number));
  if (!osMayAnswer(s, shortage, byOs)) return null;
  if (shortage > freePages(s) || byOs) return refuse(ledger, s, f, units, byOs, 'ExtendRefused');
  const next = copy(s);
  next.length[f] = units;
  next.reserve[f]! += shortage;
  next.reserved += shortage;
  next.size[f] = units;
  next.promised[f] = stillPromised(ledger, s.promised[f] as number, units);
  return next;
}

export function Truncate(ledger: Ledger, s: State, f: number, units: number): State | null {
  if (s.handles[f] === 0 || units >= (s.length[f] as number)) return null;
  const { indexCount, constants } = ledger;
  const { UnitsPerPage, MaxUnits } = constants;
  const next = copy(s);
  const pages = pagesOf(ledger, units);
  giveBack(ledger, next, dropPages(ledger, next, f, pages));
  const last = units % UnitsPerPage !== 0 ? (s.table[f * indexCount + pages - 1] as number) : HOLE;
  if (last !== HOLE) {
    markIf(ledger, true, 'TailZeroed');
    next.content.fill(ZERO, (last - 1) * UnitsPerPage + (units % UnitsPerPage), last * UnitsPerPage);
  }
  const reserve = Math.min(pages, s.reserve[f] as number);
  next.reserved -= (s.reserve[f] as number) - reserve;
  next.reserve[f] = reserve;
  next.length[f] = units;
  next.size[f] = units;
  next.truth.fill(ZERO, f * MaxUnits + units, (f + 1) * MaxUnits);
  next.promised[f] = 0;
  return next;
}

export function SetAllocation(
  ledger: Ledger,
  s: State,
  f: number,
  pages: number,
  byOs: boolean,
): State | null {
  const { Allocations, UnitsPerPage } = ledger.constants;
  const reserve = s.reserve[f] as number;
  const length = s.length[f] as number;
  if (!Allocations || s.handles[f] === 0) return null;
  if (pages < pagesOf(ledger, length) || pages === reserve) return null;
  if (!osMayAnswer(s, pages - reserve, byOs)) return null;
  if (pages - reserve > freePages(s) || byOs) {
    return refuse(ledger, s, f, pages * UnitsPerPage, byOs, 'AllocationRefused');
  }
  const next = copy(s);
  next.reserved += pages - reserve;
  next.reserve[f] = pages;
  next.promised[f] = stillPromised(ledger, pages, length);
  return next;
}

export function Overwrite(ledger: Ledger, s: State, f: number, pages: number, byOs: boolean): State | null {
  const { Allocations, UnitsPerPage, MaxUnits } = ledger.constants;
  const reserve = s.reserve[f] as number;
  if (!Allocations || s.handles[f] === 0 || s.length[f] === 0) return null;
  const shortage = Math.max(0, pages - reserve);
  if (!osMayAnswer(s, shortage, byOs)) return null;
  if (shortage > freePages(s) || byOs) {
    return refuse(ledger, s, f, pages * UnitsPerPage, byOs, 'OverwriteRefused');
  }
  const next = copy(s);
  giveBack(ledger, next, dropPages(ledger, next, f, 0));
  next.reserved += pages - reserve;
  next.reserve[f] = pages;
  next.length[f] = 0;
  next.size[f] = 0;
  next.truth.fill(ZERO, f * MaxUnits, (f + 1) * MaxUnits);
  next.promised[f] = pages;
  return next;
}

// Writes.

/** All of a write. Null when it changes nothing, and when the operating system cannot answer so. */
function commit(
  ledger: Ledger,
  s: State,
  f: number,
  offset: number,
  count: number,
  value: number,
  rule: Rule,
  byOs: boolean,
): State | null {
  const { indexCount, constants } = ledger;
  const { UnitsPerPage, MaxUnits } = constants;
  const size = s.size[f] as number;
  const end = offset + count;
  const first = Math.floor(offset / UnitsPerPage);
  const last = Math.floor((end - 1) / UnitsPerPage);
  const extension = Math.max(0, pagesOf(ledger, end) - (s.reserve[f] as number));
  let missing = 0;
  for (let i = first; i <= last; i++) if (s.table[f * indexCount + i] === HOLE) missing++;
  if (!osMayAnswer(s, extension, byOs)) return null;
  if (extension > freePages(s) || byOs) return refuse(ledger, s, f, end, byOs, 'WriteRefused');

  const next = copy(s);
  let pages = lowest(s.free, missing);
  next.free &= ~pages;
  next.allocated += cardinality(pages);
  let changed = missing > 0 || end > size;
  for (let i = first; i <= last; i++) {
    let page = s.table[f * indexCount + i] as number;
    const isNew = page === HOLE;
    if (isNew) {
      page = lowestPage(pages);
      pages &= pages - 1;
      next.table[f * indexCount + i] = page;
    }
    for (let u = 0; u < UnitsPerPage; u++) {
      const x = i * UnitsPerPage + u;
      const at = (page - 1) * UnitsPerPage + u;
      if (offset <= x && x < end) {
        const data = tag(ledger, value, x);
        changed ||= next.content[at] !== data;
        next.content[at] = data;
        next.truth[f * MaxUnits + x] = data;
      } else if (isNew) {
        next.content[at] = ZERO;
      }
    }
  }
  next.reserve[f]! += extension;
  next.reserved += extension;
  next.length[f] = Math.max(s.length[f] as number, end);
  next.size[f] = Math.max(size, end);
  next.promised[f] = stillPromised(ledger, s.promised[f] as number, Math.max(size, end));
  breakIf(next, rule === 'append' && offset !== size, 'NoLostAppend');
  breakIf(next, rule === 'constrained' && end > size, 'ConstrainedNeverExtends');
  markIf(ledger, rule === 'append' && s.named[f] === 0, 'AppendAfterDelete');
  markIf(ledger, rule === 'constrained' && missing > 0, 'ConstrainedFillsHole');
  markIf(ledger, s.named[f] === 0, 'WriteAfterDelete');
  markIf(ledger, missing > extension, 'PromisedHoleFilled');
  markIf(ledger, end > size && first > pagesOf(ledger, size), 'GapLeft');
  return changed ? next : null;
}

export function Write(
  ledger: Ledger,
  s: State,
  f: number,
  offset: number,
  count: number,
  value: number,
  byOs: boolean,
): State | null {
  if (s.handles[f] === 0) return null;
  return commit(ledger, s, f, offset, count, value, '', byOs);
}

export function Append(
  ledger: Ledger,
  s: State,
  f: number,
  count: number,
  value: number,
  byOs: boolean,
): State | null {
  const length = s.length[f] as number;
  if (s.handles[f] === 0 || length + count > ledger.constants.MaxUnits) return null;
  return commit(ledger, s, f, length, count, value, 'append', byOs);
}

export function ConstrainedWrite(
  ledger: Ledger,
  s: State,
  f: number,
  offset: number,
  count: number,
  value: number,
  byOs: boolean,
): State | null {
  const length = s.length[f] as number;
  if (s.handles[f] === 0 || offset >= length) return null;
  return commit(ledger, s, f, offset, Math.min(count, length - offset), value, 'constrained', byOs);
}

/** `Next`: every action with every argument, in the order of the module. */
export function steps(ledger: Ledger): Step<State>[] {
  const { FileCount, ValueCount, PageCount, MaxUnits, MaxWriteUnits, OsRefusals } = ledger.constants;
  const all: Step<State>[] = [];
  const osAnswers = OsRefusals > 0 ? [false, true] : [false];
  const add = <Args extends (number | boolean)[]>(
    action: (ledger: Ledger, s: State, ...args: Args) => State | null,
    ...args: Args
  ) => {
    const step = stepOf(action.bind(null, ledger) as (s: State, ...args: Args) => State | null, ...args);
    const apply = (s: State): State | null => {
      ledger.answer = 'ok';
      return step.apply(s);
    };
    all.push({ action: action.name, args, apply });
  };
  for (let pages = 1; pages <= PageCount; pages++) add(Resize, pages);
  for (let f = 0; f < FileCount; f++) {
    for (const action of [Create, Open, Delete, Close, Dispose]) add(action, f);
    for (let units = 0; units <= MaxUnits; units++) {
      for (const byOs of osAnswers) add(Extend, f, units, byOs);
      add(Truncate, f, units);
    }
    for (let pages = 0; pages <= PageCount; pages++) {
      for (const byOs of osAnswers) {
        add(SetAllocation, f, pages, byOs);
        add(Overwrite, f, pages, byOs);
      }
    }
    for (let value = 1; value <= ValueCount; value++) {
      for (const byOs of osAnswers) {
        for (let offset = 0; offset < MaxUnits; offset++) {
          for (let n = 1; n <= MaxWriteUnits && offset + n <= MaxUnits; n++) {
            add(Write, f, offset, n, value, byOs);
            add(ConstrainedWrite, f, offset, n, value, byOs);
          }
        }
        for (let n = 1; n <= MaxWriteUnits; n++) add(Append, f, n, value, byOs);
      }
    }
  }
  return all;
}
