/** The invariants of tla/capacity-ledger/CapacityLedger.tla, under the same names. */
import type { Model } from '../explorer/explorer.js';
import { steps } from './actions.js';
import {
  allocatedTo,
  type Constants,
  createLedger,
  encode,
  freePages,
  HOLE,
  initialState,
  isAlive,
  type Ledger,
  pagesOf,
  type State,
  trueFree,
  trueReserve,
  ZERO,
} from './state.js';

type Invariant = (s: State) => boolean;

export function capacityLedgerModel(constants: Constants): Model<State> & { ledger: Ledger } {
  const ledger = createLedger(constants);
  return {
    ledger,
    initial: initialState(ledger),
    steps: steps(ledger),
    encode,
    invariants: invariants(ledger),
    symmetries: (state) => swapFiles(ledger, state),
    reached: ledger.reached,
  };
}

function invariants(ledger: Ledger): Record<string, Invariant> {
  const { constants, indexCount } = ledger;
  const { FileCount, PageCount, UnitsPerPage, MaxUnits, MaxHandles } = constants;
  const forFiles = (holds: (s: State, f: number) => boolean): Invariant => {
    return (s) => {
      for (let f = 0; f < FileCount; f++) if (!holds(s, f)) return false;
      return true;
    };
  };
  const unbroken =
    (rule: string): Invariant =>
    (s) =>
      !s.broken.includes(rule);
  const stored = (s: State, f: number, x: number): number => {
    const page = s.table[f * indexCount + Math.floor(x / UnitsPerPage)] as number;
    return page === HOLE ? ZERO : (s.content[(page - 1) * UnitsPerPage + (x % UnitsPerPage)] as number);
  };

  return {
    TypeOK: forFiles(
      (s, f) =>
        within(s.length[f], MaxUnits) && within(s.reserve[f], PageCount) && within(s.handles[f], MaxHandles),
    ),

    PoolConsistent: (s) => {
      let allocated = 0;
      for (let f = 0; f < FileCount; f++) {
        const pages = allocatedTo(ledger, s, f);
        allocated += pages;
        if (pages > (s.reserve[f] as number)) return false;
      }
      return (
        0 <= s.allocated && s.allocated <= s.reserved && s.reserved <= s.capacity && s.allocated === allocated
      );
    },

    /** Each page in exactly one place: each place is disjoint from those before it, and together they are all. */
    NoPageLeak: (s) => {
      let seen = s.free;
      for (const page of s.table) {
        if (page === HOLE) continue;
        if ((seen & (1 << (page - 1))) !== 0) return false;
        seen |= 1 << (page - 1);
      }
      return seen === (1 << PageCount) - 1;
    },

    /** What GetVolumeInfo would be told now, against a count of what is promised. */
    FreeBytesAccurate: (s) => freePages(s) === trueFree(ledger, s),

    FileInfoTrue: forFiles((s, f) => s.length[f] === s.size[f] && s.reserve[f] === trueReserve(ledger, s, f)),

    DataIntegrity: forFiles((s, f) => {
      for (let x = 0; x < (s.length[f] as number); x++) {
        if (stored(s, f, x) !== s.truth[f * MaxUnits + x]) return false;
      }
      return true;
    }),

    /** Every read that could be asked for now. */
    ReadConsistent: forFiles((s, f) => {
      for (let offset = 0; offset < MaxUnits; offset++) {
        for (let count = 1; count <= MaxUnits; count++) {
          const told = Math.max(0, Math.min(count, (s.length[f] as number) - offset));
          if (told !== Math.max(0, Math.min(count, (s.size[f] as number) - offset))) return false;
          for (let k = 0; k < told; k++) {
            if (stored(s, f, offset + k) !== s.truth[f * MaxUnits + offset + k]) return false;
          }
        }
      }
      return true;
    }),

    NothingBehindTheEnd: forFiles((s, f) => {
      const length = s.length[f] as number;
      for (let x = length; x < MaxUnits; x++) {
        if (stored(s, f, x) !== ZERO) return false;
      }
      for (let i = pagesOf(ledger, length); i < indexCount; i++) {
        if (s.table[f * indexCount + i] !== HOLE) return false;
      }
      return true;
    }),

    DeadFilesClean: forFiles(
      (s, f) => isAlive(s, f) || (s.length[f] === 0 && s.reserve[f] === 0 && allocatedTo(ledger, s, f) === 0),
    ),

    SingleFileCap: forFiles((s, f) => {
      const reserve = s.reserve[f] as number;
      return reserve <= s.capacity && pagesOf(ledger, s.length[f] as number) <= reserve;
    }),

    AllOrNothing: unbroken('AllOrNothing'),
    NoSilentLoss: unbroken('NoSilentLoss'),
    NoSpuriousDiskFull: unbroken('NoSpuriousDiskFull'),
    NoLostAppend: unbroken('NoLostAppend'),
    ConstrainedNeverExtends: unbroken('ConstrainedNeverExtends'),
  };
}

const within = (value: number | undefined, most: number): boolean => value! >= 0 && value! <= most;

/** Files are interchangeable: every state with two of them swapped stands for the same thing. */
function swapFiles({ constants, indexCount }: Ledger, s: State): State[] {
  return permutations(constants.FileCount)
    .slice(1)
    .map((order) => {
      const byFile = <Value>(values: Value[], width = 1): Value[] =>
        order.flatMap((f) => values.slice(f * width, (f + 1) * width));
      return {
        ...s,
        length: byFile(s.length),
        reserve: byFile(s.reserve),
        table: byFile(s.table, indexCount),
        handles: byFile(s.handles),
        named: byFile(s.named),
        size: byFile(s.size),
        truth: byFile(s.truth, constants.MaxUnits),
        promised: byFile(s.promised),
      };
    });
}

/** The identity first. */
function permutations(count: number): number[][] {
  if (count === 0) return [[]];
  const shorter = permutations(count - 1);
  return shorter.flatMap((order) =>
    Array.from({ length: count }, (_, k) => {
      const at = count - 1 - k;
      return [...order.slice(0, at), count - 1, ...order.slice(at)];
    }),
  );
}
