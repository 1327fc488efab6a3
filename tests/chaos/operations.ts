/**
 * Which operation a worker does when. A pure function of the seed, the worker and the operation's index: what the drive
 * answers and what other workers do changes what an operation comes to, never which one is next. So a run can be
 * repeated, and any subset of its operations is a run too.
 */
import { PIECE_COUNT } from './noise.js';
import { hashOf, Random } from './random.js';

/** Weights. The first fourteen are a file system's daily work; those from `hold` on are the hard ones. */
const WEIGHTS = {
  create: 80,
  write: 140,
  append: 70,
  read: 160,
  truncate: 40,
  extend: 40,
  overwrite: 60,
  delete: 60,
  rename: 50,
  attributes: 30,
  flush: 30,
  makeDirectory: 30,
  removeDirectory: 20,
  list: 40,
  /** Opens a file and keeps it open over many operations: it may be deleted, replaced or moved meanwhile. */
  hold: 30,
  readHeld: 40,
  writeHeld: 40,
  release: 25,
  readDeleted: 12,
  renameOverOpen: 12,
  renameDirectory: 12,
  twoHandles: 12,
  mapped: 12,
  direct: 16,
  allocate: 16,
  beyondCapacity: 4,
  storm: 1,
  copyRange: 14,
  tinyFiles: 2,
  churn: 30,
  sharedWrite: 50,
  sharedRead: 50,
  saveDocument: 12,
  readDocument: 25,
} as const;

export type OperationKind = keyof typeof WEIGHTS;
export const OPERATION_KINDS = Object.keys(WEIGHTS) as OperationKind[];
/** On what all workers share. */
export const SHARED_KINDS: ReadonlySet<OperationKind> = new Set([
  'sharedWrite',
  'sharedRead',
  'saveDocument',
  'readDocument',
]);
/** What needs calls that only Linux has, or rules that Windows does not have (names of open files, shared memory). */
const LINUX_ONLY: ReadonlySet<OperationKind> = new Set([
  'hold',
  'readHeld',
  'writeHeld',
  'release',
  'readDeleted',
  'renameOverOpen',
  'renameDirectory',
  'mapped',
  'direct',
  'allocate',
  'copyRange',
  ...SHARED_KINDS,
]);

export interface Operation {
  readonly index: number;
  readonly kind: OperationKind;
  readonly path: string;
  readonly otherPath: string;
  readonly directory: string;
  readonly otherDirectory: string;
  /** From 0 to 1: where in the file; scaled by its length or by the largest one allowed. */
  readonly position: number;
  readonly lengthBytes: number;
  /** Where in the noise its bytes begin. */
  readonly source: number;
  /** 32 bits for whatever else is to be decided. */
  readonly choice: number;
}

const DIRECTORIES = ['', '', '', '', 'd1', 'd1', 'd2', 'd2', 'd3', 'd4', 'd1/s1', 'd2/s1', 'd3/s2'];
const TOP_DIRECTORIES = ['d1', 'd2', 'd3', 'd4'];
const NAMES = [
  'f0',
  'f1',
  'f2',
  'f3',
  'f4.txt',
  'f5.data',
  'with a space',
  'ß is not SS',
  'ünïcode 語 🚀',
  `long-${'n'.repeat(190)}`,
];

const MAX_LENGTHS = [1, 100, 1000, 4095, 4096, 4096, 4097, 4097, 9000, 12_000, 40_000, 140_000];

interface Table {
  kinds: OperationKind[];
  upTo: Float64Array;
}

function tableOf(kinds: readonly OperationKind[]): Table {
  let sum = 0;
  const upTo = Float64Array.from(kinds, (kind) => {
    sum += WEIGHTS[kind];
    return sum;
  });
  return { kinds: [...kinds], upTo };
}

const TABLE = tableOf(
  process.platform === 'linux' ? OPERATION_KINDS : OPERATION_KINDS.filter((kind) => !LINUX_ONLY.has(kind)),
);

export function operationAt(seed: number, worker: number, index: number): Operation {
  const random = new Random(hashOf(seed, worker, index));
  const drawn = random.below(TABLE.upTo.at(-1)!);
  const kind = TABLE.kinds[TABLE.upTo.findIndex((upTo) => drawn < upTo)]!;
  const pathIn = () => {
    const directory = random.pick(DIRECTORIES);
    return `${directory}${directory === '' ? '' : '/'}${random.pick(NAMES)}`;
  };
  return {
    index,
    kind,
    path: pathIn(),
    otherPath: pathIn(),
    directory: random.pick(kind === 'renameDirectory' ? TOP_DIRECTORIES : DIRECTORIES),
    otherDirectory: random.pick(TOP_DIRECTORIES),
    // Every fourth begins exactly where the file ends, or at its start.
    position: random.pick([random.next() / 2 ** 32, random.next() / 2 ** 32, random.pick([0, 1])]),
    lengthBytes: 1 + random.below(random.pick(MAX_LENGTHS)),
    source: random.below(PIECE_COUNT),
    choice: random.next(),
  };
}
