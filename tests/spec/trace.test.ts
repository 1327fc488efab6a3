/** The judge of traces accepts what the real volume does and refuses, at the right event, what it did not do. */
import { describe, expect, test } from 'vitest';
import { judgeTrace } from '../../spec/trace/judge.js';
import { TracedVolume, type TraceEvent } from '../../src/drive/trace.js';
import { NtStatus } from '../../src/ntstatus.js';
import type { Inode } from '../../src/volume/inode.js';
import { PlainPageMemory } from '../support/plain-page-memory.js';
import { tracedHistory } from './traced-history.js';

const linesOf = (events: TraceEvent[]): string[] => events.map((event) => JSON.stringify(event));

test('traces of random histories are accepted to the end, and every kind of answer occurs', () => {
  const sums: Record<string, { succeeded: number; failed: number }> = {};
  // Opens of streams, and those that were overwritten with their file, open, and made again.
  const sumsOfStreams = { open: 0, again: 0 };
  for (let seed = 1; seed <= 40; seed++) {
    const { events, selfCheck } = tracedHistory(seed, 1500);
    expect(selfCheck).toEqual([]);
    const { refused, accepted, counts, isComplete } = judgeTrace(linesOf(events));
    expect(refused, `seed ${seed}`).toBeNull();
    expect([accepted, isComplete]).toEqual([events.length, true]);
    const made = new Set<number>();
    for (const event of events.filter(({ path }) => String(path).includes(':'))) {
      if (succeeds(event, 'open')) sumsOfStreams.open++;
      if (!succeeds(event, 'create')) continue;
      if (made.has(event.inode!)) sumsOfStreams.again++;
      made.add(event.inode!);
    }
    for (const [op, { succeeded, failed }] of Object.entries(counts)) {
      sums[op] ??= { succeeded: 0, failed: 0 };
      sums[op]!.succeeded += succeeded;
      sums[op]!.failed += failed;
    }
  }
  expect(sumsOfStreams.open).toBeGreaterThan(50);
  expect(sumsOfStreams.again).toBeGreaterThan(5);
  for (const op of ['create', 'open', 'write', 'setFileSize', 'setAllocationSize', 'overwrite', 'rename']) {
    expect(sums[op]?.succeeded, op).toBeGreaterThan(100);
    expect(sums[op]?.failed, op).toBeGreaterThan(20);
  }
});

interface Tampering {
  kind: string;
  rule: string | RegExp;
  /** Whether event i of the trace can be tampered with in this way. */
  fits(events: TraceEvent[], i: number): boolean;
  /** Changes the copy; answers the index of the event that must be refused. */
  tamper(events: TraceEvent[], i: number): number;
}

const succeeds = (event: TraceEvent, op: string): boolean => event.op === op && (event.result ?? 0) >= 0;
const change = (events: TraceEvent[], i: number, changes: Partial<TraceEvent>): number => {
  events[i] = { ...events[i]!, ...changes };
  return i;
};
const reservedBefore = (events: TraceEvent[], i: number): number | undefined =>
  events.slice(0, i).findLast(({ ledger }) => ledger !== undefined)?.ledger?.[0];

const TAMPERINGS: Tampering[] = [
  {
    kind: 'an observer is told one page more',
    rule: 'FreeBytesAccurate',
    fits: (events, i) => events[i]!.op === 'freeBytes',
    tamper: (events, i) => change(events, i, { freeBytes: (events[i]!.freeBytes as number) + 16 }),
  },
  {
    kind: 'the ledger is a page short',
    rule: 'FreeBytesAccurate',
    fits: (events, i) => events[i]!.op === 'close' && events[i]!.ledger![0] > events[i]!.ledger![1],
    tamper: (events, i) => change(events, i, { ledger: [events[i]!.ledger![0] - 1, events[i]!.ledger![1]] }),
  },
  {
    kind: 'more pages are allocated than reserved',
    rule: 'PoolConsistent',
    fits: (events, i) => events[i]!.op === 'write',
    tamper: (events, i) => change(events, i, { ledger: [events[i]!.ledger![0], events[i]!.ledger![0] + 1] }),
  },
  {
    kind: 'a write inside the length is refused',
    rule: 'NoSilentLoss',
    fits: (events, i) => {
      const { offset, result, lengthBytes, writeToEndOfFile } = events[i]!;
      if (
        !succeeds(events[i]!, 'write') ||
        writeToEndOfFile === true ||
        reservedBefore(events, i) === undefined
      )
        return false;
      // A later event of the same length shows that the write did not extend.
      const before = events.slice(0, i).findLast(({ inode }) => inode === events[i]!.inode)?.lengthBytes ?? 0;
      return (
        (result as number) > 0 && (offset as number) + (result as number) < before && lengthBytes === before
      );
    },
    tamper: (events, i) => change(events, i, { result: NtStatus.DISK_FULL }),
  },
  {
    kind: 'an extension is refused although there is room',
    rule: 'NoSpuriousDiskFull',
    fits: (events, i) => {
      const before = events.slice(0, i).findLast(({ inode }) => inode === events[i]!.inode)?.lengthBytes ?? 0;
      return succeeds(events[i]!, 'setFileSize') && (events[i]!.bytes as number) > before;
    },
    tamper: (events, i) => change(events, i, { result: NtStatus.DISK_FULL }),
  },
  {
    kind: 'a write is done that does not fit',
    rule: 'PoolConsistent',
    fits: (events, i) => events[i]!.op === 'write' && events[i]!.result === NtStatus.DISK_FULL,
    tamper: (events, i) => change(events, i, { result: events[i]!.length as number }),
  },
  {
    kind: 'a write is shorter than asked',
    rule: 'DataIntegrity',
    fits: (events, i) => succeeds(events[i]!, 'write') && (events[i]!.result as number) > 1,
    tamper: (events, i) => change(events, i, { result: (events[i]!.result as number) - 1 }),
  },
  {
    kind: 'a write that took room is missing',
    rule: 'FreeBytesAccurate',
    fits: (events, i) =>
      succeeds(events[i]!, 'write') &&
      events[i]!.ledger![0] !== reservedBefore(events, i) &&
      events[i + 1]?.op === 'open' &&
      (events[i + 1]!.result as number) < 0,
    tamper: (events, i) => {
      events.splice(i, 1);
      return i;
    },
  },
  {
    kind: 'a close comes twice',
    rule: /DestroyedOnce|DeadFilesClean/,
    fits: (events, i) => {
      if (events[i]!.op !== 'close') return false;
      // Only where it was the last one.
      const { inode } = events[i]!;
      let opens = 0;
      for (const event of events.slice(0, i + 1)) {
        if (event.inode !== inode) continue;
        if (succeeds(event, 'open') || succeeds(event, 'create')) opens++;
        if (event.op === 'close') opens--;
      }
      return opens === 0;
    },
    tamper: (events, i) => {
      events.splice(i + 1, 0, events[i]!);
      return i + 1;
    },
  },
  {
    kind: 'a name leads to another inode',
    rule: 'SingleOwner',
    fits: (events, i) => succeeds(events[i]!, 'open') && events[i]!.inode !== 2,
    tamper: (events, i) => change(events, i, { inode: 2 }),
  },
  {
    kind: 'a stream is found that is not there',
    rule: 'NamesTrue',
    fits: (events, i) => {
      const { path, result } = events[i]!;
      return (
        events[i]!.op === 'open' && String(path).includes(':') && result === NtStatus.OBJECT_NAME_NOT_FOUND
      );
    },
    tamper: (events, i) => change(events, i, { result: 0, inode: 3, lengthBytes: 0, reservedPages: 0 }),
  },
  {
    kind: 'a name is not found that is there',
    rule: 'NamesTrue',
    fits: (events, i) => succeeds(events[i]!, 'open'),
    tamper: (events, i) => change(events, i, { result: NtStatus.OBJECT_NAME_NOT_FOUND }),
  },
  {
    kind: 'a listing leaves an entry out',
    rule: /ListedOnce|ListedAll/,
    fits: (events, i) => {
      const { op, names } = events[i]!;
      const count = op === 'list' ? (names as string[]).filter((name) => !name.startsWith('.')).length : 0;
      return count > 1 || (count === 1 && events[i]!.isComplete === true);
    },
    tamper: (events, i) => {
      const names = (events[i]!.names as string[]).filter((name) => !name.startsWith('.'));
      return change(events, i, { names: names.slice(1) });
    },
  },
  {
    kind: 'a read is longer than the file',
    rule: 'ReadConsistent',
    fits: (events, i) => succeeds(events[i]!, 'read'),
    tamper: (events, i) => change(events, i, { result: (events[i]!.result as number) + 1 }),
  },
  {
    kind: 'an answer tells an old length',
    rule: 'FileInfoTrue',
    fits: (events, i) => succeeds(events[i]!, 'setFileSize'),
    tamper: (events, i) => change(events, i, { lengthBytes: (events[i]!.lengthBytes as number) + 5 }),
  },
];

describe('a trace that was tampered with is refused at the event that is wrong', () => {
  test.each(TAMPERINGS.map((one) => [one.kind, one] as const))('%s', (_, { rule, fits, tamper }) => {
    let tried = 0;
    for (let seed = 1; seed <= 6; seed++) {
      const { events } = tracedHistory(seed, 600);
      const places = events.map((__, i) => i).filter((i) => fits(events, i));
      // The first, the last, and one between.
      for (const i of new Set([places[0], places[places.length >> 1], places.at(-1)])) {
        if (i === undefined) continue;
        const copy = [...events];
        const wrong = tamper(copy, i);
        const { refused } = judgeTrace(linesOf(copy));
        expect(refused?.event, refused?.why).toBe(wrong + 1);
        expect(refused?.rule).toMatch(rule);
        tried++;
      }
    }
    expect(tried).toBeGreaterThan(3);
  });
});

describe('a trace with snapshots', () => {
  /** A file, a snapshot, a change, a rollback, another change. */
  function history(): TraceEvent[] {
    const events: TraceEvent[] = [];
    const memory = new PlainPageMemory({ pageSizeBytes: 16, pageCount: 12, scratchBytes: 256 });
    const volume = new TracedVolume(
      { memory, caseSensitive: true, label: 'traced' },
      { write: (event) => events.push(event), close: () => {} },
    );
    const write = (path: string, length: number) => {
      const opened = volume.open(path);
      const inode = typeof opened === 'number' ? volume.create(path, 0, false, null, 0) : opened;
      volume.write(inode as Inode, 0, length, memory.scratchAddress, false, false);
      volume.close(inode as Inode);
    };
    write('\\a', 40);
    volume.snapshot('s');
    volume.snapshot('s');
    write('\\a', 60);
    write('\\b', 100);
    volume.snapshot('t');
    void volume.freeBytes;
    volume.rollback('s');
    volume.rollback('none');
    write('\\a', 50);
    write('\\b', 10);
    volume.deleteSnapshot('s');
    write('\\a', 10);
    volume.dispose();
    return events;
  }

  test('is accepted', () => {
    const { refused, counts, isComplete } = judgeTrace(linesOf(history()));
    expect([refused, isComplete]).toEqual([null, true]);
    expect(counts.snapshot).toEqual({ succeeded: 2, failed: 1 });
    expect(counts.rollback).toEqual({ succeeded: 1, failed: 1 });
  });

  const tamperings: [string, (events: TraceEvent[]) => void, RegExp][] = [
    [
      'a snapshot reserves a page less than it is said to',
      (e) => shift(e, 'snapshot', 'snapshotPages', 1),
      /Free/,
    ],
    [
      'a rollback is told that was none',
      (e) => void e.splice(indexOf(e, 'rollback'), 1),
      /Free|Name|Info|Owner/,
    ],
    ['an inode of before the rollback is met again', (e) => shift(e, 'rollback', 'root', -99), /Owner/],
    [
      'the snapshot that is there is not found',
      (e) => set(e, 'rollback', { result: NtStatus.OBJECT_NAME_NOT_FOUND }),
      /Name/,
    ],
    [
      'deleting gives back more than there was',
      (e) => shift(e, 'deleteSnapshot', 'snapshotPages', 1),
      /Free/,
    ],
  ];
  test.each(tamperings)('%s', (_, tamper, rule) => {
    const events = history();
    tamper(events);
    expect(judgeTrace(linesOf(events)).refused?.rule).toMatch(rule);
  });

  const indexOf = (events: TraceEvent[], op: string) => events.findIndex((event) => event.op === op);
  const set = (events: TraceEvent[], op: string, change: Partial<TraceEvent>) => {
    const i = indexOf(events, op);
    events[i] = { ...events[i]!, ...change };
  };
  const shift = (events: TraceEvent[], op: string, field: string, by: number) => {
    const value = events[indexOf(events, op)]![field] as number;
    set(events, op, { [field]: by === -99 ? 1 : value + by });
  };
});
