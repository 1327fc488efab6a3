/**
 * Reads that lanes copy: tla/copy-lanes in TypeScript, for the explorer. Read the TLA+ module first; names, order and conditions are
 * its own, without the planted faults. Files, pages and lanes count from 1 as there; index 0 of an array is not used.
 */
import { put, putAll } from '../explorer/encoder.js';
import { type Model, type Step, stepOf } from '../explorer/explorer.js';

export interface Constants {
  FileCount: number;
  PageCount: number;
  FilePages: number;
  ValueCount: number;
  LaneCount: number;
  SlotCount: number;
  MayStop: boolean;
  MayDie: boolean;
}

export interface Job {
  readonly file: number;
  readonly pages: readonly number[];
  readonly due: readonly number[];
  /** How many pages are copied. */
  readonly next: number;
  readonly told: boolean;
}

export enum What {
  Nothing,
  Write,
  Cut,
}

export interface Change {
  readonly what: What;
  readonly file: number;
  /** Of a write the page, of a cut the length. */
  readonly index: number;
  readonly value: number;
}

export enum Stop {
  Running,
  Ended,
  Stopped,
}

export interface State {
  readonly table: readonly (readonly number[])[];
  readonly content: readonly number[];
  readonly free: readonly boolean[];
  readonly jobs: readonly (readonly Job[])[];
  readonly waiting: Change;
  readonly dead: readonly boolean[];
  readonly stop: Stop;
  readonly torn: boolean;
  readonly touched: boolean;
}

const NO_CHANGE: Change = { what: What.Nothing, file: 0, index: 0, value: 0 };

export function copyLanesModel(constants: Constants): Model<State> {
  const { FileCount, PageCount, FilePages, ValueCount, LaneCount, SlotCount } = constants;
  const files = upTo(FileCount);
  const pages = upTo(PageCount);
  const lanes = upTo(LaneCount);
  const reached = new Set<string>();
  const mark = (isTrue: boolean, name: string): void => {
    if (isTrue) reached.add(name);
  };

  const isOpen = (s: State): boolean => s.stop === Stop.Running && s.waiting === NO_CHANGE;
  const isRead = (s: State, file: number): boolean =>
    lanes.some((l) => !s.dead[l] && s.jobs[l]!.some((job) => job.file === file && !job.told));
  const isBusy = (s: State, l: number): boolean => !s.dead[l] && s.jobs[l]!.length > 0;

  function Read(s: State, file: number, l: number): State | null {
    const table = s.table[file]!;
    if (!isOpen(s) || table.length === 0 || s.jobs[l]!.length >= SlotCount) return null;
    mark(
      lanes.some((other) => other !== l && s.jobs[other]!.some((job) => job.file === file)),
      'BothLanes',
    );
    const job = { file, pages: table, due: table.map((page) => s.content[page]!), next: 0, told: false };
    return { ...s, jobs: withAt(s.jobs, l, [...s.jobs[l]!, job]) };
  }

  const writeNow = (s: State, file: number, index: number, value: number, page: number): State | null => {
    const table = s.table[file]!;
    const content = withAt(s.content, page, value);
    if (index <= table.length) return page === table[index - 1] ? { ...s, content } : null;
    if (!s.free[page]) return null;
    return {
      ...s,
      content,
      table: withAt(s.table, file, [...table, page]),
      free: withAt(s.free, page, false),
    };
  };

  const cutNow = (s: State, file: number, length: number): State => {
    const table = s.table[file]!;
    return {
      ...s,
      table: withAt(s.table, file, table.slice(0, length)),
      free: s.free.map((isFree, page) => isFree || table.indexOf(page) >= length),
    };
  };

  const mayWrite = (s: State, file: number, index: number): boolean => {
    const { length } = s.table[file]!;
    return index <= length + 1 && index <= FilePages && (index <= length || s.free.includes(true));
  };

  function Write(s: State, file: number, index: number, value: number, page: number): State | null {
    if (!isOpen(s) || !mayWrite(s, file, index) || isRead(s, file)) return null;
    const after = writeNow(s, file, index, value, page);
    mark(
      after !== null &&
        index > s.table[file]!.length &&
        s.jobs.some((queue) => queue.some((job) => job.pages.includes(page))),
      'ReuseBeforeDelivery',
    );
    return after;
  }

  function Cut(s: State, file: number, length: number): State | null {
    if (!isOpen(s) || length >= s.table[file]!.length || isRead(s, file)) return null;
    return cutNow(s, file, length);
  }

  function WaitToWrite(s: State, file: number, index: number, value: number): State | null {
    if (!isOpen(s) || !mayWrite(s, file, index) || !isRead(s, file)) return null;
    mark(true, 'Waits');
    return { ...s, waiting: { what: What.Write, file, index, value } };
  }

  function WaitToCut(s: State, file: number, length: number): State | null {
    if (!isOpen(s) || length >= s.table[file]!.length || !isRead(s, file)) return null;
    mark(true, 'Waits');
    return { ...s, waiting: { what: What.Cut, file, index: length, value: 0 } };
  }

  function Wake(s: State, page: number): State | null {
    const { what, file, index, value } = s.waiting;
    if (what === What.Nothing || isRead(s, file)) return null;
    const after =
      what === What.Write
        ? writeNow(s, file, index, value, page)
        : page === 1
          ? cutNow(s, file, index)
          : null;
    if (after === null) return null;
    mark(
      lanes.some((l) => s.dead[l] && s.jobs[l]!.some((job) => job.file === file && !job.told)),
      'WakesByDeath',
    );
    return { ...after, waiting: NO_CHANGE };
  }

  const withHead = (s: State, l: number, head: Job): State => ({
    ...s,
    jobs: withAt(s.jobs, l, [head, ...s.jobs[l]!.slice(1)]),
  });

  function Copy(s: State, l: number): State | null {
    if (!isBusy(s, l)) return null;
    const job = s.jobs[l]![0]!;
    if (job.next >= job.pages.length) return null;
    const torn = s.torn || s.content[job.pages[job.next]!] !== job.due[job.next];
    const touched = s.touched || s.stop === Stop.Stopped;
    return { ...withHead(s, l, { ...job, next: job.next + 1 }), torn, touched };
  }

  function Tell(s: State, l: number): State | null {
    if (!isBusy(s, l)) return null;
    const job = s.jobs[l]![0]!;
    return job.told || job.next < job.pages.length ? null : withHead(s, l, { ...job, told: true });
  }

  function Deliver(s: State, l: number): State | null {
    if (!isBusy(s, l) || !s.jobs[l]![0]!.told) return null;
    return { ...s, jobs: withAt(s.jobs, l, s.jobs[l]!.slice(1)) };
  }

  function Die(s: State, l: number): State | null {
    if (!constants.MayDie || s.stop !== Stop.Running || s.dead[l]) return null;
    return { ...s, dead: withAt(s.dead, l, true) };
  }

  function EndLoop(s: State): State | null {
    return isOpen(s) && (constants.MayStop || s.dead.includes(true)) ? { ...s, stop: Stop.Ended } : null;
  }

  function StopVolume(s: State): State | null {
    if (s.stop !== Stop.Ended || lanes.some((l) => isBusy(s, l))) return null;
    return { ...s, stop: Stop.Stopped, jobs: s.jobs.map(() => []) };
  }

  const indexes = upTo(FilePages);
  const values = upTo(ValueCount);
  const steps: Step<State>[] = [
    ...files.flatMap((f) => lanes.map((l) => stepOf(Read, f, l))),
    ...files.flatMap((f) =>
      indexes.flatMap((i) => values.flatMap((v) => pages.map((page) => stepOf(Write, f, i, v, page)))),
    ),
    ...files.flatMap((f) => indexes.map((i) => stepOf(Cut, f, i - 1))),
    ...files.flatMap((f) => indexes.flatMap((i) => values.map((v) => stepOf(WaitToWrite, f, i, v)))),
    ...files.flatMap((f) => indexes.map((i) => stepOf(WaitToCut, f, i - 1))),
    ...pages.map((page) => stepOf(Wake, page)),
    ...lanes.flatMap((l) => [stepOf(Copy, l), stepOf(Tell, l), stepOf(Deliver, l)]),
    ...(constants.MayDie ? lanes.map((l) => stepOf(Die, l)) : []),
    stepOf(EndLoop),
    stepOf(StopVolume),
  ];

  const uncopied = (s: State): Job[] =>
    lanes.flatMap((l) => (s.dead[l] ? [] : s.jobs[l]!.filter((job) => job.next < job.pages.length)));

  return {
    initial: {
      table: [[], ...files.map(() => [])],
      content: [0, ...pages.map(() => 0)],
      free: [false, ...pages.map(() => true)],
      jobs: [[], ...lanes.map(() => [])],
      waiting: NO_CHANGE,
      dead: [false, ...lanes.map(() => false)],
      stop: Stop.Running,
      torn: false,
      touched: false,
    },
    steps,
    reached,
    encode: (s) => encode(s),
    isFinal: (s) => s.stop === Stop.Stopped,
    invariants: {
      TypeOK: (s) =>
        s.table.every((table) => table.length <= FilePages) &&
        s.jobs.every((queue) => queue.length <= SlotCount),
      ReadConsistent: (s) => !s.torn,
      NoReuseBeforeDone: (s) =>
        uncopied(s).every((job) =>
          job.pages.every((page, i) => i < job.next || (!s.free[page] && s.table[job.file]![i] === page)),
        ),
      FreeBytesAccurate: (s) =>
        pages.every(
          (page) => s.table.flat().filter((used) => used === page).length === (s.free[page] ? 0 : 1),
        ),
      NoBufferTouchedAfterStop: (s) => !s.touched,
      WaitsForACopyOnly: (s) =>
        s.waiting === NO_CHANGE || !isRead(s, s.waiting.file) || lanes.some((l) => isBusy(s, l)),
    },
  };
}

function encode(s: State): void {
  for (const table of s.table) {
    put(table.length);
    putAll(table);
  }
  putAll(s.content);
  for (const queue of s.jobs) {
    put(queue.length);
    for (const { file, pages, due, next, told } of queue) {
      putAll([file, pages.length, ...pages, ...due, next, Number(told)]);
    }
  }
  const { what, file, index, value } = s.waiting;
  putAll([what, file, index, value, ...s.dead.map(Number), s.stop, Number(s.torn), Number(s.touched)]);
}

function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i + 1);
}

function withAt<Value>(values: readonly Value[], at: number, value: Value): Value[] {
  const copy = values.slice();
  copy[at] = value;
  return copy;
}
