/** The invariants of tla/snapshots/Snapshots.tla, under the same names. */
import type { Model } from '../explorer/explorer.js';
import { steps } from './actions.js';
import {
  type Constants,
  cardinality,
  createWorld,
  encode,
  freePages,
  HOLE,
  initialState,
  membersOf,
  NO_TABLE,
  pagesIn,
  type State,
  snapshotPages,
  trueFree,
  type World,
  ZERO,
} from './state.js';

type Invariant = (s: State) => boolean;

export function snapshotsModel(constants: Constants): Model<State> & { world: World } {
  const world = createWorld(constants);
  return {
    world,
    initial: initialState(world),
    steps: steps(world),
    encode,
    invariants: invariants(world),
    reached: world.reached,
  };
}

function invariants(world: World): Record<string, Invariant> {
  const { constants, indexCount, tableCount } = world;
  const { FileCount, SnapshotCount, PageCount, UnitsPerPage, MaxUnits } = constants;
  const unbroken =
    (rule: string): Invariant =>
    (s) =>
      !s.broken.includes(rule);
  const stored = (s: State, table: number, x: number): number => {
    const page = table === NO_TABLE ? HOLE : s.entries[table * indexCount + Math.floor(x / UnitsPerPage)];
    return page === HOLE ? ZERO : (s.content[(page! - 1) * UnitsPerPage + (x % UnitsPerPage)] as number);
  };
  const inUse = (s: State): number[] => {
    const tables: number[] = [];
    for (let t = 0; t < tableCount; t++) if ((s.refs[t] as number) > 0) tables.push(t);
    return tables;
  };

  return {
    TypeOK: (s) => s.length.every((units) => units >= 0 && units <= MaxUnits) && s.inSnapshots <= PageCount,

    PoolConsistent: (s) => {
      let pages = 0;
      for (const table of inUse(s)) pages |= pagesIn(world, s, table);
      return (
        0 <= s.allocated &&
        s.allocated <= s.reserved &&
        s.reserved <= PageCount &&
        s.allocated === cardinality(pages)
      );
    },

    /** Each page is free or in a page table; tables and pages count who has them. */
    NoPageLeak: (s) => {
      const counts = new Array<number>(PageCount).fill(0);
      for (const table of inUse(s))
        for (const page of membersOf(pagesIn(world, s, table))) counts[page - 1]!++;
      const areCounted = counts.every(
        (count, p) => ((s.free & (1 << p)) !== 0) === (count === 0) && s.more[p] === Math.max(0, count - 1),
      );
      const users = new Array<number>(tableCount).fill(0);
      for (const table of [...s.table, ...s.snapTable]) if (table !== NO_TABLE) users[table]!++;
      return areCounted && users.every((count, t) => s.refs[t] === count);
    },

    FreeBytesAccurate: (s) =>
      s.inSnapshots === cardinality(snapshotPages(world, s)) && freePages(world, s) === trueFree(world, s),

    DataIntegrity: (s) => {
      for (let f = 0; f < FileCount; f++) {
        if (s.length[f] !== s.size[f]) return false;
        for (let x = 0; x < (s.length[f] as number); x++) {
          if (stored(s, s.table[f] as number, x) !== s.truth[f * MaxUnits + x]) return false;
        }
      }
      return true;
    },

    NothingBehindTheEnd: (s) => {
      for (let f = 0; f < FileCount; f++) {
        for (let x = s.length[f] as number; x < MaxUnits; x++) {
          if (stored(s, s.table[f] as number, x) !== ZERO) return false;
        }
      }
      return true;
    },

    SnapshotImmutable: (s) => {
      for (let at = 0; at < SnapshotCount * FileCount; at++) {
        if (s.snapLength[at] !== s.keptSize[at]) return false;
        for (let x = 0; x < (s.snapLength[at] as number); x++) {
          if (stored(s, s.snapTable[at] as number, x) !== s.keptTruth[at * MaxUnits + x]) return false;
        }
      }
      return true;
    },

    AllOrNothing: unbroken('AllOrNothing'),
    NoSilentLoss: unbroken('NoSilentLoss'),
    NoSpuriousDiskFull: unbroken('NoSpuriousDiskFull'),
    SavedImageIsOneMoment: unbroken('SavedImageIsOneMoment'),
  };
}
