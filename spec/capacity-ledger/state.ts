/**
 * The capacity ledger: tla/capacity-ledger in TypeScript, for the explorer. This file has the state and its encoding, actions.ts the
 * actions, invariants.ts the rules. Read the TLA+ module first; names, order and conditions are its own. Planted faults are left
 * out: they are planted in the real code instead (tests/mutants).
 *
 * Files count from 0 here, pages from 1 (0 is a hole). Sets of pages are bit masks, nested functions one flat array.
 */
import { put, putAll } from '../explorer/encoder.js';

export interface Constants {
  FileCount: number;
  ValueCount: number;
  PageCount: number;
  UnitsPerPage: number;
  MaxUnits: number;
  MaxWriteUnits: number;
  MaxHandles: number;
  Allocations: boolean;
  Resizes: boolean;
  OsRefusals: number;
}

export const HOLE = 0;
/** Content of a unit that was never written. */
export const ZERO = 0;
/** Content of a free page: must never be read. */
export const JUNK = -1;

export interface State {
  capacity: number;
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
  /** What the step that was applied last told its caller. */
  answer: Answer;
}

export type Answer = 'ok' | 'full';

export function createLedger(constants: Constants): Ledger {
  return {
    constants,
    indexCount: Math.ceil(constants.MaxUnits / constants.UnitsPerPage),
    reached: new Set(),
    answer: 'ok',
  };
}

export function initialState({ constants, indexCount }: Ledger): State {
  const { FileCount, PageCount, UnitsPerPage, MaxUnits } = constants;
  return {
    capacity: PageCount,
    length: zeros(FileCount),
    reserve: zeros(FileCount),
    table: zeros(FileCount * indexCount),
    handles: zeros(FileCount),
    named: zeros(FileCount),
    reserved: 0,
    allocated: 0,
    free: (1 << PageCount) - 1,
    content: new Array<number>(PageCount * UnitsPerPage).fill(JUNK),
    osRefusals: constants.OsRefusals,
    size: zeros(FileCount),
    truth: zeros(FileCount * MaxUnits),
    promised: zeros(FileCount),
    broken: [],
  };
}

const zeros = (count: number): number[] => new Array<number>(count).fill(0);

export function copy(s: State): State {
  return {
    capacity: s.capacity,
    length: s.length.slice(),
    reserve: s.reserve.slice(),
    table: s.table.slice(),
    handles: s.handles.slice(),
    named: s.named.slice(),
    reserved: s.reserved,
    allocated: s.allocated,
    free: s.free,
    content: s.content.slice(),
    osRefusals: s.osRefusals,
    size: s.size.slice(),
    truth: s.truth.slice(),
    promised: s.promised.slice(),
    broken: s.broken,
  };
}

export function encode(s: State): void {
  put(s.capacity);
  putAll(s.length);
  putAll(s.reserve);
  putAll(s.table);
  putAll(s.handles);
  putAll(s.named);
  put(s.reserved);
  put(s.allocated);
  put(s.free);
  putAll(s.content);
  put(s.osRefusals);
  putAll(s.size);
  putAll(s.truth);
  putAll(s.promised);
  // A state in which a rule was broken is a violation: nothing beyond it is looked at.
  put(s.broken.length);
}

// Operators of the module.

export function pagesOf(ledger: Ledger, units: number): number {
  return Math.ceil(units / ledger.constants.UnitsPerPage);
}
export function tag(ledger: Ledger, value: number, offset: number): number {
  return value * ledger.constants.MaxUnits + offset;
}
export const isAlive = (s: State, f: number): boolean => s.named[f] === 1 || (s.handles[f] as number) > 0;
export const freePages = (s: State): number => s.capacity - s.reserved;

export function cardinality(pages: number): number {
  let count = 0;
  for (let rest = pages; rest !== 0; rest &= rest - 1) count++;
  return count;
}

/** The `count` lowest pages of a set. */
export function lowest(pages: number, count: number): number {
  let rest = pages;
  for (let i = 0; i < count; i++) rest &= rest - 1;
  return pages & ~rest;
}

export const pageBit = (page: number): number => 1 << (page - 1);
export const lowestPage = (pages: number): number => 32 - Math.clz32(pages & -pages);

export function allocatedTo({ indexCount }: Ledger, s: State, f: number): number {
  let allocated = 0;
  for (let i = 0; i < indexCount; i++) if (s.table[f * indexCount + i] !== HOLE) allocated++;
  return allocated;
}

export function trueReserve(ledger: Ledger, s: State, f: number): number {
  return Math.max(pagesOf(ledger, s.size[f] as number), s.promised[f] as number);
}

/** What all files together have been promised. */
export function promisedPages(ledger: Ledger, s: State): number {
  let pages = 0;
  for (let f = 0; f < ledger.constants.FileCount; f++) pages += trueReserve(ledger, s, f);
  return pages;
}

export const trueFree = (ledger: Ledger, s: State): number => s.capacity - promisedPages(ledger, s);

export const stillPromised = (ledger: Ledger, pages: number, units: number): number =>
  pages > pagesOf(ledger, units) ? pages : 0;
