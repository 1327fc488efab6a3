/**
 * The capacity ledger: tla/CapacityLedger.tla in TypeScript, action by action, for the explorer. Read that module first; names,
 * order and conditions are its own. Planted faults are left out: they are planted in the real code instead (tests/mutants).
 *
 * Files and requests count from 0 here, pages from 1 (0 is a hole). Sets of pages are bit masks, nested functions one flat array.
 */
import { put, putAll } from './encoder.js';
import { type Step, stepOf } from './explorer.js';

export interface Constants {
  FileCount: number;
  RequestCount: number;
  ValueCount: number;
  PageCount: number;
  UnitsPerPage: number;
  MaxUnits: number;
  MaxWriteUnits: number;
  MaxHandles: number;
  FrontEndLocks: boolean;
  Allocations: boolean;
  DirectWrites: boolean;
  MayAbandon: boolean;
  OsRefusals: number;
  KeepAnswers: boolean;
}

export const HOLE = 0;
export const NO_FILE = -1;
/** Content of a unit nobody has written. */
export const ZERO = 0;
/** Content of a free page: must never be read. */
export const JUNK = -1;
/** `Commit` for a write whose phases all happen now. */
const NO_REQUEST = -1;

const PCS = ['idle', 'ok', 'full', 'gone', 'begun', 'scanned', 'denied', 'taken'] as const;
type Pc = (typeof PCS)[number];
type Rule = '' | 'append' | 'constrained';

export interface Request {
  pc: Pc;
  file: number;
  offset: number;
  count: number;
  value: number;
  reserve: number;
  hand: number;
}

export interface State {
  length: number[];
  reserve: number[];
  /** file × indexes of a file. */
  table: number[];
  handles: number[];
  named: number[];
  reserved: number;
  allocated: number;
  free: number;
  /** page × units of a page. */
  content: number[];
  requests: Request[];
  osRefusals: number;
  size: number[];
  /** file × units of a file. */
  truth: number[];
  promised: number[];
  broken: string[];
}

/** What the actions need besides the state. */
export interface Ledger {
  readonly constants: Constants;
  /** Indexes of the longest file. */
  readonly indexCount: number;
  readonly reached: Set<string>;
  /** What the step that was applied last told whoever asked for it. */
  answer: Answer;
}

export type Answer = 'ok' | 'full' | 'gone';

export function createLedger(constants: Constants): Ledger {
  return {
    constants,
    indexCount: Math.ceil(constants.MaxUnits / constants.UnitsPerPage),
    reached: new Set(),
    answer: 'ok',
  };
}

export function initialState({ constants, indexCount }: Ledger): State {
  const { FileCount, RequestCount, PageCount, UnitsPerPage, MaxUnits } = constants;
  return {
    length: zeros(FileCount),
    reserve: zeros(FileCount),
    table: zeros(FileCount * indexCount),
    handles: zeros(FileCount),
    named: zeros(FileCount),
    reserved: 0,
    allocated: 0,
    free: (1 << PageCount) - 1,
    content: new Array<number>(PageCount * UnitsPerPage).fill(JUNK),
    requests: Array.from({ length: RequestCount }, () => atRest('idle')),
    osRefusals: constants.OsRefusals,
    size: zeros(FileCount),
    truth: zeros(FileCount * MaxUnits),
    promised: zeros(FileCount),
    broken: [],
  };
}

// Completion threads of the module.

const zeros = (count: number): number[] => new Array<number>(count).fill(0);
const atRest = (pc: Pc): Request => ({
  pc,
  file: NO_FILE,
  offset: 0,
  count: 0,
  value: 0,
  reserve: 0,
  hand: 0,
});
const isAtRest = (pc: Pc): boolean => pc === 'idle' || pc === 'ok' || pc === 'full' || pc === 'gone';
const idle = (ledger: Ledger, answer: Pc): Request => atRest(ledger.constants.KeepAnswers ? answer : 'idle');

export function pagesOf(ledger: Ledger, units: number): number {
  return Math.ceil(units / ledger.constants.UnitsPerPage);
}
export function tag(ledger: Ledger, value: number, offset: number): number {
  return value * ledger.constants.MaxUnits + offset;
}
export const isAlive = (s: State, f: number): boolean => s.named[f] === 1 || (s.handles[f] as number) > 0;

export function cardinality(pages: number): number {
  let count = 0;
  for (let rest = pages; rest !== 0; rest &= rest - 1) count++;
  return count;
}

/** The `count` lowest pages of a set. */
function lowest(pages: number, count: number): number {
  let rest = pages;
  for (let i = 0; i < count; i++) rest &= rest - 1;
  return pages & ~rest;
}

const pageBit = (page: number): number => 1 << (page - 1);
const lowestPage = (pages: number): number => 32 - Math.clz32(pages & -pages);

export function heldBy({ indexCount }: Ledger, s: State, f: number): number {
  let allocated = 0;
  for (let i = 0; i < indexCount; i++) if (s.table[f * indexCount + i] !== HOLE) allocated++;
  return allocated;
}

const againstFile = (request: Request): number => Math.max(0, cardinality(request.hand) - request.reserve);

/** PagedFile.handsAgainstReserve. */
function handsAgainstReserve(s: State, f: number, except: number): number {
  let pages = 0;
  s.requests.forEach((request, r) => {
    if (r !== except && request.file === f) pages += againstFile(request);
  });
  return pages;
}

/** PagedFile.reclaimFromHands: answers the pages that it took out of hands. Changes the requests. */
function reclaim(s: State, f: number, pages: number): number {
  let excess = pages;
  let back = 0;
  for (const request of s.requests) {
    if (excess <= 0) break;
    const count = request.file === f ? Math.min(excess, againstFile(request)) : 0;
    const kept = lowest(request.hand, cardinality(request.hand) - count);
    back |= request.hand & ~kept;
    request.hand = kept;
    excess -= count;
  }
  return back;
}

function trueReserve(ledger: Ledger, s: State, f: number): number {
  return Math.max(pagesOf(ledger, s.size[f] as number), s.promised[f] as number);
}
function trueFree(ledger: Ledger, s: State, except: number): number {
  let free = ledger.constants.PageCount;
  for (let f = 0; f < ledger.constants.FileCount; f++) free -= trueReserve(ledger, s, f);
  s.requests.forEach((request, r) => {
    if (r !== except) free -= request.reserve;
  });
  return free;
}
const stillPromised = (ledger: Ledger, pages: number, units: number): number =>
  pages > pagesOf(ledger, units) ? pages : 0;

const markIf = (ledger: Ledger, condition: boolean, branch: string): void => {
  if (condition) ledger.reached.add(branch);
};
function breakIf(next: State, condition: boolean, rule: string): void {
  if (condition && !next.broken.includes(rule)) next.broken = [...next.broken, rule].sort();
}

/** A refusal of room up to `end` is judged by the ground; `before` is the state in which it was given. */
function refusal(
  ledger: Ledger,
  before: State,
  next: State,
  f: number,
  end: number,
  r: number,
  byOs: boolean,
): void {
  ledger.answer = 'full';
  breakIf(next, end <= (before.size[f] as number), 'NoSilentLoss');
  const more = Math.max(0, pagesOf(ledger, end) - trueReserve(ledger, before, f));
  breakIf(next, !byOs && more <= trueFree(ledger, before, r), 'NoSpuriousDiskFull');
  markIf(ledger, byOs, 'OsRefusal');
}

/** Whether the operating system may refuse (`byOs`) a reservation of `pages` here. */
const osMayAnswer = (s: State, pages: number, byOs: boolean): boolean =>
  !byOs || (s.osRefusals > 0 && pages > 0);

function isUnlocked(ledger: Ledger, s: State, f: number): boolean {
  return !ledger.constants.FrontEndLocks || s.requests.every((request) => request.file !== f);
}

const free = (ledger: Ledger, s: State): number => ledger.constants.PageCount - s.reserved;

function copy(s: State): State {
  return {
    length: s.length.slice(),
    reserve: s.reserve.slice(),
    table: s.table.slice(),
    handles: s.handles.slice(),
    named: s.named.slice(),
    reserved: s.reserved,
    allocated: s.allocated,
    free: s.free,
    content: s.content.slice(),
    requests: s.requests.map((r) => ({
      pc: r.pc,
      file: r.file,
      offset: r.offset,
      count: r.count,
      value: r.value,
      reserve: r.reserve,
      hand: r.hand,
    })),
    osRefusals: s.osRefusals,
    size: s.size.slice(),
    truth: s.truth.slice(),
    promised: s.promised.slice(),
    broken: s.broken,
  };
}

function makeJunk({ constants }: Ledger, next: State, pages: number): void {
  for (let rest = pages; rest !== 0; rest &= rest - 1) {
    const first = (lowestPage(rest) - 1) * constants.UnitsPerPage;
    next.content.fill(JUNK, first, first + constants.UnitsPerPage);
  }
}

/** Every page of the file's table, and those in `hands`, go back to the free ones. */
function giveBackAll(ledger: Ledger, next: State, f: number, hands: number): void {
  const { indexCount } = ledger;
  let back = hands;
  for (let i = f * indexCount; i < (f + 1) * indexCount; i++) {
    if (next.table[i] !== HOLE) back |= pageBit(next.table[i] as number);
    next.table[i] = HOLE;
  }
  next.free |= back;
  next.allocated -= cardinality(back);
  makeJunk(ledger, next, back);
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

export function Close(ledger: Ledger, s: State, f: number): State | null {
  const handles = s.handles[f] as number;
  if (handles === 0 || (s.named[f] === 0 && handles === 1) || !isUnlocked(ledger, s, f)) return null;
  const next = copy(s);
  next.handles[f]!--;
  return next;
}

export function Dispose(ledger: Ledger, s: State, f: number): State | null {
  if (s.handles[f] !== 1 || s.named[f] === 1 || !isUnlocked(ledger, s, f)) return null;
  const { constants } = ledger;
  const next = copy(s);
  let hands = 0;
  for (const request of next.requests) {
    if (request.file !== f) continue;
    hands |= request.hand;
    next.reserved -= request.reserve;
    markIf(ledger, request.reserve > 0, 'OrphanWithReserve');
    Object.assign(request, atRest(request.pc));
  }
  markIf(ledger, hands !== 0, 'OrphanWithPages');
  giveBackAll(ledger, next, f, hands);
  next.reserved -= s.reserve[f] as number;
  next.handles[f] = 0;
  next.length[f] = 0;
  next.reserve[f] = 0;
  next.size[f] = 0;
  next.truth.fill(ZERO, f * constants.MaxUnits, (f + 1) * constants.MaxUnits);
  next.promised[f] = 0;
  return next;
}

// Sizes.

export function Extend(ledger: Ledger, s: State, f: number, units: number, byOs: boolean): State | null {
  if (s.handles[f] === 0 || units <= (s.length[f] as number) || !isUnlocked(ledger, s, f)) return null;
  const shortage = Math.max(0, pagesOf(ledger, units) - (s.reserve[f] as number));
  if (!osMayAnswer(s, shortage, byOs)) return null;
  const next = copy(s);
  if (byOs) next.osRefusals--;
  if (shortage > free(ledger, s) || byOs) {
    refusal(ledger, s, next, f, units, NO_REQUEST, byOs);
    markIf(ledger, true, 'ExtendRefused');
    return byOs || next.broken !== s.broken ? next : null;
  }
  next.length[f] = units;
  next.reserve[f]! += shortage;
  next.reserved += shortage;
  next.size[f] = units;
  next.promised[f] = stillPromised(ledger, s.promised[f] as number, units);
  return next;
}

export function Truncate(ledger: Ledger, s: State, f: number, units: number): State | null {
  if (s.handles[f] === 0 || units >= (s.length[f] as number) || !isUnlocked(ledger, s, f)) return null;
  const { indexCount, constants } = ledger;
  const { UnitsPerPage, MaxUnits } = constants;
  const next = copy(s);
  const pages = pagesOf(ledger, units);
  let back = 0;
  for (let i = f * indexCount + pages; i < (f + 1) * indexCount; i++) {
    if (s.table[i] !== HOLE) back |= pageBit(s.table[i] as number);
    next.table[i] = HOLE;
  }
  if (pages < (s.reserve[f] as number)) {
    const hands = reclaim(next, f, heldBy(ledger, next, f) + handsAgainstReserve(s, f, NO_REQUEST) - pages);
    markIf(ledger, hands !== 0, 'TruncateReclaims');
    back |= hands;
  }
  next.free |= back;
  next.allocated -= cardinality(back);
  makeJunk(ledger, next, back);
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
  const reserve = s.reserve[f] as number;
  const length = s.length[f] as number;
  if (!ledger.constants.Allocations || s.handles[f] === 0) return null;
  if (pages < pagesOf(ledger, length) || pages === reserve || !isUnlocked(ledger, s, f)) return null;
  if (!osMayAnswer(s, pages - reserve, byOs)) return null;
  const next = copy(s);
  if (pages < reserve) {
    const back = reclaim(next, f, heldBy(ledger, s, f) + handsAgainstReserve(s, f, NO_REQUEST) - pages);
    markIf(ledger, back !== 0, 'TrimReclaims');
    next.free |= back;
    next.allocated -= cardinality(back);
    next.reserved -= reserve - pages;
    next.reserve[f] = pages;
    next.promised[f] = stillPromised(ledger, pages, length);
    return next;
  }
  if (byOs) next.osRefusals--;
  if (pages - reserve > free(ledger, s) || byOs) {
    refusal(ledger, s, next, f, pages * ledger.constants.UnitsPerPage, NO_REQUEST, byOs);
    markIf(ledger, true, 'AllocationRefused');
    return byOs || next.broken !== s.broken ? next : null;
  }
  next.reserved += pages - reserve;
  next.reserve[f] = pages;
  next.promised[f] = pages;
  return next;
}

export function Overwrite(ledger: Ledger, s: State, f: number, pages: number, byOs: boolean): State | null {
  const { constants } = ledger;
  const reserve = s.reserve[f] as number;
  if (!constants.Allocations || s.handles[f] === 0 || s.length[f] === 0 || !isUnlocked(ledger, s, f))
    return null;
  const shortage = Math.max(0, pages - reserve);
  if (!osMayAnswer(s, shortage, byOs)) return null;
  const next = copy(s);
  if (byOs) next.osRefusals--;
  if (shortage > free(ledger, s) || byOs) {
    refusal(ledger, s, next, f, pages * constants.UnitsPerPage, NO_REQUEST, byOs);
    markIf(ledger, true, 'OverwriteRefused');
    return byOs || next.broken !== s.broken ? next : null;
  }
  const reclaimed = reclaim(next, f, handsAgainstReserve(s, f, NO_REQUEST) - pages);
  markIf(ledger, reclaimed !== 0, 'OverwriteReclaims');
  giveBackAll(ledger, next, f, reclaimed);
  next.reserved += pages - reserve;
  next.reserve[f] = pages;
  next.length[f] = 0;
  next.size[f] = 0;
  next.truth.fill(ZERO, f * constants.MaxUnits, (f + 1) * constants.MaxUnits);
  next.promised[f] = pages;
  return next;
}

// Writes in flight.

export function BeginWrite(
  ledger: Ledger,
  s: State,
  r: number,
  f: number,
  offset: number,
  count: number,
  value: number,
): State | null {
  if (!isAtRest((s.requests[r] as Request).pc) || s.handles[f] === 0 || !isUnlocked(ledger, s, f))
    return null;
  const next = copy(s);
  next.requests[r] = { pc: 'begun', file: f, offset, count, value, reserve: 0, hand: 0 };
  return next;
}

export function ScanAndReserve(ledger: Ledger, s: State, r: number, byOs: boolean): State | null {
  const { pc, file, offset, count, reserve } = s.requests[r] as Request;
  if (pc !== 'begun') return null;
  if (file === NO_FILE) {
    if (byOs) return null;
    ledger.answer = 'gone';
    const next = copy(s);
    next.requests[r]!.pc = 'scanned';
    return next;
  }
  const shortage = Math.max(0, pagesOf(ledger, offset + count) - (s.reserve[file] as number) - reserve);
  if (!osMayAnswer(s, shortage, byOs)) return null;
  const next = copy(s);
  const request = next.requests[r] as Request;
  if (byOs) next.osRefusals--;
  if (shortage > free(ledger, s) || byOs) {
    request.pc = 'denied';
    ledger.answer = 'full';
    markIf(ledger, byOs, 'OsRefusal');
    return next;
  }
  request.pc = 'scanned';
  request.reserve += shortage;
  next.reserved += shortage;
  return next;
}

export function TakePages(ledger: Ledger, s: State, r: number): State | null {
  const { pc, file, offset, count, reserve, hand } = s.requests[r] as Request;
  if (pc !== 'scanned' && pc !== 'denied') return null;
  const next = copy(s);
  const request = next.requests[r] as Request;
  request.pc = 'taken';
  if (file === NO_FILE) return next;
  const { UnitsPerPage } = ledger.constants;
  const first = Math.floor(offset / UnitsPerPage);
  const last = Math.floor((offset + count - 1) / UnitsPerPage);
  const inHand = cardinality(hand);
  const room =
    (s.reserve[file] as number) -
    heldBy(ledger, s, file) -
    handsAgainstReserve(s, file, r) +
    reserve -
    inHand;
  const pages = lowest(s.free, Math.max(0, Math.min(room, holesIn(ledger, s, file, first, last) - inHand)));
  request.hand = hand | pages;
  next.free &= ~pages;
  next.allocated += cardinality(pages);
  return next;
}

function holesIn({ indexCount }: Ledger, s: State, f: number, first: number, last: number): number {
  let holes = 0;
  for (let i = first; i <= last; i++) if (s.table[f * indexCount + i] === HOLE) holes++;
  return holes;
}

/** The commit point. Null: not enabled, or (for a write of one step) nothing changes. */
function commit(
  ledger: Ledger,
  s: State,
  r: number,
  f: number,
  offset: number,
  count: number,
  value: number,
  rule: Rule,
  byOs: boolean,
): State | null {
  const { indexCount, constants } = ledger;
  const { UnitsPerPage, MaxUnits } = constants;
  const own = r === NO_REQUEST ? 0 : (s.requests[r] as Request).reserve;
  const hand = r === NO_REQUEST ? 0 : (s.requests[r] as Request).hand;
  const size = s.size[f] as number;
  const end = offset + count;
  const first = Math.floor(offset / UnitsPerPage);
  const last = Math.floor((end - 1) / UnitsPerPage);
  const extension = Math.max(0, pagesOf(ledger, end) - (s.reserve[f] as number));
  const missing = holesIn(ledger, s, f, first, last);
  const shortage = Math.max(0, extension - own);
  if (!osMayAnswer(s, shortage, byOs)) return null;
  const next = copy(s);
  if (byOs) next.osRefusals--;

  if (shortage > free(ledger, s) || byOs) {
    next.free |= hand;
    next.allocated -= cardinality(hand);
    next.reserved -= own;
    if (r !== NO_REQUEST) next.requests[r] = idle(ledger, 'full');
    refusal(ledger, s, next, f, end, r, byOs);
    markIf(ledger, true, 'WriteRefused');
    markIf(ledger, hand !== 0, 'RefusedWithPages');
    return r !== NO_REQUEST || byOs || next.broken !== s.broken ? next : null;
  }

  const kept = lowest(hand, missing);
  if (r !== NO_REQUEST) next.requests[r] = idle(ledger, 'ok');
  const reserve = (s.reserve[f] as number) + extension;
  const fromHands = reclaim(
    next,
    f,
    heldBy(ledger, s, f) + missing + handsAgainstReserve(next, f, NO_REQUEST) - reserve,
  );
  const back = (hand & ~kept) | fromHands;
  const stock = s.free | back;
  const taken = lowest(stock, missing - cardinality(kept));
  const surplus = own + shortage - extension;
  let pages = kept | taken;
  let changed = missing > 0;
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
  next.free = stock & ~taken;
  next.allocated += cardinality(taken) - cardinality(back);
  next.reserve[f] = reserve;
  next.reserved += shortage - surplus;
  next.length[f] = Math.max(s.length[f] as number, end);
  next.size[f] = Math.max(size, end);
  next.promised[f] = stillPromised(ledger, s.promised[f] as number, Math.max(size, end));
  breakIf(next, rule === 'append' && offset !== size, 'NoLostAppend');
  breakIf(next, rule === 'constrained' && end > size, 'ConstrainedNeverExtends');
  markIf(ledger, rule === 'append' && s.named[f] === 0, 'AppendAfterDelete');
  markIf(ledger, rule === 'constrained' && missing > 0, 'ConstrainedFillsHole');
  markIf(ledger, fromHands !== 0, 'CommitReclaims');
  markIf(ledger, hand !== kept, 'HandTooFull');
  markIf(ledger, surplus > 0, 'SurplusReserve');
  markIf(ledger, r !== NO_REQUEST && own === 0 && shortage > 0, 'ReservedAtCommit');
  markIf(ledger, r !== NO_REQUEST && s.named[f] === 0, 'WriteAfterDelete');
  markIf(ledger, end > size && first > pagesOf(ledger, size), 'GapLeft');
  return r !== NO_REQUEST || changed || end > size ? next : null;
}

export function AssignAndCopy(ledger: Ledger, s: State, r: number, byOs: boolean): State | null {
  const { pc, file, offset, count, value } = s.requests[r] as Request;
  if (pc !== 'taken' || file === NO_FILE) return null;
  return commit(ledger, s, r, file, offset, count, value, '', byOs);
}

export function AssignToNothing(ledger: Ledger, s: State, r: number): State | null {
  const { pc, file } = s.requests[r] as Request;
  if (pc !== 'taken' || file !== NO_FILE) return null;
  markIf(ledger, true, 'CommittedToNothing');
  ledger.answer = 'gone';
  const next = copy(s);
  next.requests[r] = idle(ledger, 'gone');
  return next;
}

export function Abandon(ledger: Ledger, s: State, r: number): State | null {
  const { pc, reserve, hand } = s.requests[r] as Request;
  if (!ledger.constants.MayAbandon || isAtRest(pc)) return null;
  markIf(ledger, hand !== 0, 'AbandonedWithPages');
  const next = copy(s);
  next.free |= hand;
  next.allocated -= cardinality(hand);
  next.reserved -= reserve;
  next.requests[r] = idle(ledger, 'idle');
  return next;
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
  if (!ledger.constants.DirectWrites || s.handles[f] === 0 || !isUnlocked(ledger, s, f)) return null;
  if (length + count > ledger.constants.MaxUnits) return null;
  return commit(ledger, s, NO_REQUEST, f, length, count, value, 'append', byOs);
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
  if (!ledger.constants.DirectWrites || s.handles[f] === 0 || !isUnlocked(ledger, s, f)) return null;
  if (offset >= length) return null;
  const inside = Math.min(count, length - offset);
  return commit(ledger, s, NO_REQUEST, f, offset, inside, value, 'constrained', byOs);
}

/** `Next`: every action with every argument, in the order of the module. */
export function steps(ledger: Ledger): Step<State>[] {
  const { FileCount, RequestCount, ValueCount, PageCount, MaxUnits, MaxWriteUnits, OsRefusals } =
    ledger.constants;
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
  const ranges: [number, number][] = [];
  for (let offset = 0; offset < MaxUnits; offset++) {
    for (let n = 1; n <= MaxWriteUnits && offset + n <= MaxUnits; n++) ranges.push([offset, n]);
  }
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
      for (const [offset, n] of ranges) {
        for (let r = 0; r < RequestCount; r++) add(BeginWrite, r, f, offset, n, value);
        for (const byOs of osAnswers) add(ConstrainedWrite, f, offset, n, value, byOs);
      }
      for (let n = 1; n <= MaxWriteUnits; n++) {
        for (const byOs of osAnswers) add(Append, f, n, value, byOs);
      }
    }
  }
  for (let r = 0; r < RequestCount; r++) {
    for (const byOs of osAnswers) {
      add(ScanAndReserve, r, byOs);
      add(AssignAndCopy, r, byOs);
    }
    for (const action of [TakePages, AssignToNothing, Abandon]) add(action, r);
  }
  return all;
}

export function encode(s: State): void {
  putAll(s.length);
  putAll(s.reserve);
  putAll(s.table);
  putAll(s.handles);
  putAll(s.named);
  put(s.reserved);
  put(s.allocated);
  put(s.free);
  putAll(s.content);
  for (const request of s.requests) {
    put(PCS.indexOf(request.pc));
    put(request.file);
    put(request.offset);
    put(request.count);
    put(request.value);
    put(request.reserve);
    put(request.hand);
  }
  put(s.osRefusals);
  putAll(s.size);
  putAll(s.truth);
  putAll(s.promised);
  // A state in which a rule was broken is a violation: nothing beyond it is looked at.
  put(s.broken.length);
}
