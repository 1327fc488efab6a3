/**
 * Snapshots of a volume: tla/snapshots in TypeScript, for the explorer. This file has the state and its encoding, actions.ts the
 * actions, invariants.ts the rules. Read the TLA+ module first; names, order and conditions are its own, without the planted faults.
 *
 * Files, snapshots and page tables count from 0 here (-1 is no table), pages from 1 (0 is a hole). Sets of pages are bit masks, nested
 * functions one flat array.
 */
import { put, putAll } from '../explorer/encoder.js';

export interface Constants {
  FileCount: number;
  SnapshotCount: number;
  ValueCount: number;
  PageCount: number;
  UnitsPerPage: number;
  MaxUnits: number;
  MaxWriteUnits: number;
  Orphans: boolean;
  Saving: boolean;
}

export const HOLE = 0;
export const NO_TABLE = -1;
export const ZERO = 0;
export const JUNK = -1;
export const NO_SNAPSHOT = -1;

export enum Life {
  None,
  Named,
  Orphan,
}

export interface State {
  life: Life[];
  length: number[];
  table: number[];
  /** table × indexes. */
  entries: number[];
  refs: number[];
  /** Of page p at p - 1. */
  more: number[];
  reserved: number;
  allocated: number;
  inSnapshots: number;
  free: number;
  /** page × units of a page. */
  content: number[];
  there: number[];
  /** snapshot × file, as the next two. */
  snapHas: number[];
  snapTable: number[];
  snapLength: number[];
  saving: number;
  savingNext: number;
  size: number[];
  /** file × units. */
  truth: number[];
  keptSize: number[];
  /** snapshot × file × units. */
  keptTruth: number[];
  broken: string[];
}

export interface World {
  readonly constants: Constants;
  readonly indexCount: number;
  readonly tableCount: number;
  readonly reached: Set<string>;
  /** What the step that was applied last told its caller. */
  answer: 'ok' | 'full';
}

export function createWorld(constants: Constants): World {
  return {
    constants,
    indexCount: Math.ceil(constants.MaxUnits / constants.UnitsPerPage),
    tableCount: constants.FileCount * (constants.SnapshotCount + 1),
    reached: new Set(),
    answer: 'ok',
  };
}

export function initialState({ constants, indexCount, tableCount }: World): State {
  const { FileCount, SnapshotCount, PageCount, UnitsPerPage, MaxUnits } = constants;
  return {
    life: filled(FileCount, Life.None),
    length: filled(FileCount, 0),
    table: filled(FileCount, NO_TABLE),
    entries: filled(tableCount * indexCount, HOLE),
    refs: filled(tableCount, 0),
    more: filled(PageCount, 0),
    reserved: 0,
    allocated: 0,
    inSnapshots: 0,
    free: (1 << PageCount) - 1,
    content: filled(PageCount * UnitsPerPage, JUNK),
    there: filled(SnapshotCount, 0),
    snapHas: filled(SnapshotCount * FileCount, 0),
    snapTable: filled(SnapshotCount * FileCount, NO_TABLE),
    snapLength: filled(SnapshotCount * FileCount, 0),
    saving: NO_SNAPSHOT,
    savingNext: 0,
    size: filled(FileCount, 0),
    truth: filled(FileCount * MaxUnits, ZERO),
    keptSize: filled(SnapshotCount * FileCount, 0),
    keptTruth: filled(SnapshotCount * FileCount * MaxUnits, ZERO),
    broken: [],
  };
}

const filled = <Value>(count: number, value: Value): Value[] => new Array<Value>(count).fill(value);

export function copy(s: State): State {
  return {
    ...s,
    life: s.life.slice(),
    length: s.length.slice(),
    table: s.table.slice(),
    entries: s.entries.slice(),
    refs: s.refs.slice(),
    more: s.more.slice(),
    content: s.content.slice(),
    there: s.there.slice(),
    snapHas: s.snapHas.slice(),
    snapTable: s.snapTable.slice(),
    snapLength: s.snapLength.slice(),
    size: s.size.slice(),
    truth: s.truth.slice(),
    keptSize: s.keptSize.slice(),
    keptTruth: s.keptTruth.slice(),
  };
}

export function encode(s: State): void {
  for (const part of [s.life, s.length, s.table, s.entries, s.refs, s.more, s.content, s.there]) putAll(part);
  for (const part of [s.snapHas, s.snapTable, s.snapLength, s.size, s.truth, s.keptSize, s.keptTruth])
    putAll(part);
  for (const one of [s.reserved, s.allocated, s.inSnapshots, s.free, s.saving, s.savingNext]) put(one);
  // A state in which a rule was broken is a violation: nothing beyond it is looked at.
  put(s.broken.length);
}

// Operators of the module.

export const pagesOf = ({ constants }: World, units: number): number =>
  Math.ceil(units / constants.UnitsPerPage);
export const tag = ({ constants }: World, value: number, offset: number): number =>
  value * constants.MaxUnits + offset;
export const pageBit = (page: number): number => 1 << (page - 1);
export const lowestPage = (pages: number): number => 32 - Math.clz32(pages & -pages);

export function cardinality(pages: number): number {
  let count = 0;
  for (let rest = pages; rest !== 0; rest &= rest - 1) count++;
  return count;
}

/** The pages of a set, from the least on. */
export function membersOf(pages: number): number[] {
  const members: number[] = [];
  for (let rest = pages; rest !== 0; rest &= rest - 1) members.push(lowestPage(rest));
  return members;
}

export function pagesIn({ indexCount }: World, s: State, table: number): number {
  let pages = 0;
  if (table === NO_TABLE) return 0;
  for (let i = table * indexCount; i < (table + 1) * indexCount; i++) {
    if (s.entries[i] !== HOLE) pages |= pageBit(s.entries[i] as number);
  }
  return pages;
}

/** PagedFile.countOwnPages. */
export function own(world: World, s: State, f: number): number {
  const table = s.table[f] as number;
  if (table === NO_TABLE || (s.refs[table] as number) > 1) return 0;
  return membersOf(pagesIn(world, s, table)).filter((page) => s.more[page - 1] === 0).length;
}

/** Pages that are in any snapshot. */
export function snapshotPages(world: World, s: State): number {
  let pages = 0;
  for (const table of s.snapTable) pages |= pagesIn(world, s, table);
  return pages;
}

export function trueFree(world: World, s: State): number {
  let free = world.constants.PageCount - cardinality(snapshotPages(world, s));
  for (const size of s.size) free -= pagesOf(world, size);
  return free;
}

export const freePages = ({ constants }: World, s: State): number => constants.PageCount - s.reserved;
