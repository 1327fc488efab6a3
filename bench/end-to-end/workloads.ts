/**
 * What is measured end to end, as words for the client (client.c, node-client.ts) or as a program of its own. A new
 * workload is one line here. The value of a round is always a rate (operations or bytes a second), so that more is
 * better everywhere.
 */
export type Workload = ClientWorkload | ProgramWorkload;

interface Common {
  group: string;
  name: string;
  /** Part of --quick too. */
  quick?: boolean;
}

export interface ClientWorkload extends Common {
  kind: 'client';
  words: string[];
  processes?: number;
  /** How long one round takes; the default is enough for operations below 2 ms. */
  milliseconds?: number;
  /** Which rate counts. */
  unit: 'bytes/s' | 'operations/s';
  /** Contenders that are left out, because one round of them would take minutes. */
  without?: readonly string[];
}

export interface ProgramWorkload extends Common {
  kind: 'program';
  program: 'tar' | 'git' | 'npm';
}

const KIB = 1024;
const MIB = 1024 * KIB;
const FILE_BYTES = 64 * MIB;

const sizeName = (bytes: number) => (bytes >= MIB ? `${bytes / MIB} MiB` : `${bytes / KIB} KiB`);

function io(
  pattern: 'seq' | 'rand',
  direction: 'read' | 'write',
  mode: 'buffered' | 'cold' | 'direct' | 'mmap',
  blockBytes: number,
  more: Partial<ClientWorkload> = {},
): ClientWorkload {
  const what =
    mode === 'buffered' && direction === 'read' ? 're-read' : mode === 'cold' ? 'cold read' : direction;
  return {
    kind: 'client',
    group: `${pattern === 'seq' ? 'sequential' : 'random'} ${what}, ${mode === 'cold' ? 'buffered' : mode}`,
    name: sizeName(blockBytes),
    words: ['io', pattern, direction, mode, String(blockBytes), String(FILE_BYTES)],
    unit: pattern === 'rand' ? 'operations/s' : 'bytes/s',
    ...more,
  };
}

const names = (name: string, words: string[], more: Partial<ClientWorkload> = {}): ClientWorkload => ({
  kind: 'client',
  group: 'names',
  name,
  words,
  unit: 'operations/s',
  ...more,
});

const both = ['read', 'write'] as const;
const BLOCKS = [4 * KIB, 64 * KIB, MIB, 16 * MIB];

export const WORKLOADS: readonly Workload[] = [
  ...both.flatMap((direction) =>
    BLOCKS.map((bytes) => io('seq', direction, 'direct', bytes, { quick: bytes === MIB })),
  ),
  ...both.flatMap((direction) =>
    [4 * KIB, 64 * KIB, MIB].map((bytes) =>
      io('rand', direction, 'direct', bytes, { quick: bytes === 4 * KIB }),
    ),
  ),
  ...BLOCKS.map((bytes) => io('seq', 'read', 'buffered', bytes, { quick: bytes === MIB })),
  ...BLOCKS.map((bytes) => io('seq', 'write', 'buffered', bytes)),
  io('seq', 'read', 'cold', MIB),
  io('rand', 'read', 'mmap', 4 * KIB),
  io('seq', 'write', 'mmap', 4 * KIB),
  names('create, write 4 KiB, close, stat, unlink', ['cycle'], { quick: true }),
  names('create, close', ['step', 'create']),
  names('stat (cached)', ['step', 'stat']),
  names('open, close', ['step', 'open']),
  names('unlink', ['step', 'unlink']),
  names('list 100,000 entries', ['list', '100000'], { milliseconds: 300, without: ['fuse-native'] }),
  ...[2, 4].flatMap((processes): ClientWorkload[] => [
    io('rand', 'read', 'direct', 4 * KIB, {
      group: 'parallel clients: random read 4 KiB, direct',
      name: `${processes} clients`,
      processes,
    }),
    names('cycle', ['cycle'], {
      group: 'parallel clients: create, write 4 KiB, close, stat, unlink',
      name: `${processes} clients`,
      processes,
    }),
  ]),
  { kind: 'program', group: 'programs', name: 'tar -x', program: 'tar', quick: true },
  { kind: 'program', group: 'programs', name: 'git clone', program: 'git' },
  { kind: 'program', group: 'programs', name: 'npm ci', program: 'npm' },
];

/** Measured once more without pinning, to be shown apart. */
export const UNPINNED: readonly ClientWorkload[] = [
  io('rand', 'read', 'direct', 4 * KIB),
  io('seq', 'read', 'direct', MIB),
  io('seq', 'write', 'direct', MIB),
  names('create, write 4 KiB, close, stat, unlink', ['cycle']),
  io('rand', 'read', 'direct', 4 * KIB, {
    group: 'parallel clients: random read 4 KiB, direct',
    name: '4 clients',
    processes: 4,
  }),
];

/** Directories of these sizes: what a new name and a missing name cost beside so many. */
export const SCALES: readonly number[] = [1_000, 100_000, 1_000_000];

export const scaling = (files: number): ClientWorkload[] =>
  (['create', 'absent'] as const).map((what) => ({
    kind: 'client',
    group:
      what === 'create'
        ? 'large directory: create, close, unlink'
        : 'large directory: look up a missing name',
    name: `${files.toLocaleString('en')} files`,
    words: ['scale', what, String(files)],
    unit: 'operations/s',
    // A disk, or a process that keeps whole listings, says little about directories of a million and takes minutes to
    // make one.
    without: files > 100_000 ? ['c-libfuse3', 'fuse-native', 'ntfs'] : ['fuse-native'],
  }));
