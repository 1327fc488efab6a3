/** Steps of the differential test beyond the everyday ones: extended attributes, and other classes of information. */
import fc from 'fast-check';
import { ntStatusName } from '../../src/ntstatus.js';
import { eaList } from '../support/ea-list.js';
import { EaFlag, openMoreNow, parseEas, queryEasNow, setEasNow } from './ea.js';
import { Access, DirectoryFlag, FileClass, Option, VolumeClass } from './nt.js';
import type { NtFile } from './rig.js';

export type MoreStep =
  | { do: 'set EA'; handle: number; name: string; value: string; second: string | null }
  | { do: 'get EA'; handle: number; names: string[]; flags: number; length: number; index: number | null }
  | { do: 'create with EA'; handle: number; path: string; disposition: number; name: string; value: string }
  | { do: 'classes'; handle: number; length: number }
  | { do: 'list class'; handle: number; class: number; pattern: string | null; length: number };

interface MoreOutcome {
  status: number;
  detail: unknown;
}

const handle = fc.nat({ max: 7 });
const eaName = fc.constantFrom(
  'A',
  'b',
  'Long.Name',
  'B',
  '$KERNEL.X',
  '$LXUID',
  '$LXGID',
  '$LXMOD',
  '$LXDEV',
  'x'.repeat(200),
);
const eaValue = fc.constantFrom(
  '',
  '',
  'v',
  '\x01\x02\x03\x04',
  '8 bytes.',
  'another value',
  'w'.repeat(300),
);

/** Of a directory's entry: where the length of the name and the name are (Windows' public headers). */
const LISTING_CLASSES = new Map([
  [1, { length: 60, name: 64 }],
  [2, { length: 60, name: 68 }],
  [3, { length: 60, name: 94 }],
  [12, { length: 8, name: 12 }],
  [37, { length: 60, name: 104 }],
  [38, { length: 60, name: 80 }],
]);

export const moreStep: fc.Arbitrary<MoreStep> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('set EA' as const),
      handle,
      name: eaName,
      value: eaValue,
      second: fc.constantFrom(null, 'Second', 'SECOND', 'z'),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('get EA' as const),
      handle,
      names: fc.array(eaName, { maxLength: 3 }),
      flags: fc.constantFrom<number>(0, EaFlag.RESTART, EaFlag.RESTART, EaFlag.RESTART | EaFlag.SINGLE),
      length: fc.constantFrom(4096, 4096, 64, 20),
      index: fc.constantFrom(null, null, 1, 2, 3, 9),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('create with EA' as const),
      handle,
      path: fc.constantFrom('a', 'B', 'ea'),
      disposition: fc.nat({ max: 5 }),
      name: eaName,
      value: eaValue,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('classes' as const),
      handle,
      length: fc.constantFrom(1024, 1024, 100, 40, 8),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('list class' as const),
      handle,
      class: fc.constantFrom(...LISTING_CLASSES.keys(), 99),
      pattern: fc.constantFrom(null, '*', 'A*', 'b', '*.txt'),
      length: fc.constantFrom(4096, 600, 200, 120),
    }),
  },
);

const MORE = new Set(['set EA', 'get EA', 'create with EA', 'classes', 'list class']);
export const isMoreStep = (step: { do: string }): step is MoreStep => MORE.has(step.do);

export function performMore(step: MoreStep, file: NtFile, root: string): MoreOutcome {
  switch (step.do) {
    case 'set EA': {
      const more = step.second === null ? {} : { [step.second]: 'second' };
      return { status: setEasNow(file, eaList({ [step.name]: step.value, ...more })), detail: null };
    }
    case 'get EA': {
      const { status, data } = queryEasNow(file, step);
      return { status, detail: status === 0 ? parseEas(data) : null };
    }
    case 'create with EA':
      return createWithEa(step, root);
    case 'classes':
      return { status: 0, detail: classes(file, step.length) };
    case 'list class':
      return listClass(step, file);
  }
}

/** Whether an open that said this emptied a file that was there: FILE_SUPERSEDED, FILE_OVERWRITTEN. */
export const hasReplaced = (information: number): boolean => information === 0 || information === 3;

/** FILE_STREAM_INFORMATION: next u32@0, bytes of the name u32@4, size u64@8, allocation u64@16, name@24. */
export function streamsOf(file: NtFile): { status: number; all: [string, string][] } {
  const { status, data } = file.queryNow(FileClass.STREAM, 4096);
  const all: [string, string][] = [];
  for (let at = 0; status === 0 && at + 24 <= data.length; ) {
    const nameBytes = data.readUInt32LE(at + 4);
    all.push([
      data.toString('utf16le', at + 24, at + 24 + nameBytes),
      data.readBigUInt64LE(at + 8).toString(),
    ]);
    const next = data.readUInt32LE(at);
    if (next === 0) {
      break;
    }
    at += next;
  }
  return { status, all };
}

function createWithEa(step: Extract<MoreStep, { do: 'create with EA' }>, root: string): MoreOutcome {
  const options = Option.SYNCHRONOUS | Option.NON_DIRECTORY;
  const extendedAttributes = eaList({ [step.name]: step.value });
  const { disposition } = step;
  const opened = openMoreNow(
    `${root}\\${step.path}`,
    { access: Access.ALL, disposition, options },
    { extendedAttributes },
  );
  if (opened.file === null) return { status: opened.status, detail: null };
  const { status, data } = queryEasNow(opened.file);
  const lost = hasReplaced(opened.information) ? { streams: streamsOf(opened.file).all } : {};
  opened.file.closeNow();
  const eas = status === 0 ? parseEas(data) : ntStatusName(status);
  return { status: opened.status, detail: { information: opened.information, eas, ...lost } };
}

/**
 * What each class says, as far as it depends neither on the clock, nor on the unit of allocation, nor on how the file
 * system counts its files: the status, how much came, and these fields.
 */
const FILE_CLASSES: readonly { class: number; fields: readonly [at: number, bytes: number][] }[] = [
  { class: 4, fields: [[32, 4]] },
  { class: 5, fields: [[8, 13]] },
  { class: 6, fields: [] },
  { class: 7, fields: [[0, 4]] },
  { class: 9, fields: [] },
  // Attributes; size, links, deletion, kind; EaSize.
  {
    class: 18,
    fields: [
      [32, 4],
      [48, 14],
      [72, 4],
    ],
  },
  { class: 28, fields: [] },
  { class: 34, fields: [[40, 12]] },
  { class: 35, fields: [[0, 8]] },
  { class: 48, fields: [] },
  { class: 59, fields: [] },
  // Stat, StatLx, CaseSensitive: the size, attributes and tag; the access; what WSL keeps in attributes of $LX names.
  {
    class: 68,
    fields: [
      [48, 16],
      [68, 4],
    ],
  },
  {
    class: 70,
    fields: [
      [48, 16],
      [68, 28],
    ],
  },
  { class: 71, fields: [[0, 4]] },
];
/** Where the last field is the size of the attributes. */
const EA_SIZE_CLASSES = new Set<unknown>([7, 18]);
const VOLUME_CLASSES = Object.values(VolumeClass);

function classes(file: NtFile, length: number): unknown[] {
  const ofFile = FILE_CLASSES.map(({ class: one, fields }) => {
    const { status, data } = file.queryNow(one, length);
    const said = fields.map(([at, bytes]) => data.subarray(at, at + bytes).toString('hex'));
    return [one, ntStatusName(status), data.length, ...(status === 0 ? said : [])];
  });
  const ofVolume = VOLUME_CLASSES.map((one) => {
    const { status } = file.queryVolumeNow(one, length);
    return [`volume ${one}`, ntStatusName(status)];
  });
  return [...ofFile, ...ofVolume];
}

/** The answers of `classes` but for the size of the attributes. */
export function withoutEaSize(detail: unknown): unknown[] {
  return (detail as unknown[][]).map((answer) =>
    EA_SIZE_CLASSES.has(answer[0]) ? answer.slice(0, -1) : answer,
  );
}

function listClass(step: Extract<MoreStep, { do: 'list class' }>, file: NtFile): MoreOutcome {
  const layout = LISTING_CLASSES.get(step.class);
  const names: string[] = [];
  for (let flags: number = DirectoryFlag.RESTART; ; flags = 0) {
    const pattern = flags === 0 ? null : step.pattern;
    const { status, data } = file.directoryNow(pattern, flags, step.length, step.class);
    if (status !== 0 || layout === undefined) {
      return { status, detail: names };
    }
    names.push(...namesIn(data, layout));
  }
}
function namesIn(data: Buffer, layout: { length: number; name: number }): string[] {
  const names: string[] = [];
  for (let at = 0, next = -1; next !== 0; at += next) {
    next = data.readUInt32LE(at);
    const bytes = data.readUInt32LE(at + layout.length);
    names.push(data.toString('utf16le', at + layout.name, at + layout.name + bytes));
  }
  return names;
}
