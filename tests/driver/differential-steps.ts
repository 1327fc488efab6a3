/**
 * What the differential test does: steps as plain data, made by fast-check, and how each is done on one volume with a
 * result that can be compared. Handles are numbered as they were opened; a step takes the number modulo their count.
 */
import fc from 'fast-check';
import { ntStatusName } from '../../src/ntstatus.js';
import { CreateDisposition, FileAttribute } from '../../src/winfsp/abi/constants.js';
import {
  hasReplaced,
  isMoreStep,
  type MoreStep,
  moreStep,
  performMore,
  streamsOf,
} from './differential-more.js';
import { Access, DirectoryFlag, FileClass, FsControl, LockFlag, Option, Share } from './nt.js';
import { basicInformation, int64, type NtFile, namesOf, openNow } from './rig.js';

export type Step =
  | MoreStep
  | {
      do: 'open';
      path: string;
      disposition: number;
      options: number;
      access: number;
      share: number;
      attributes: number;
    }
  | { do: 'close'; handle: number }
  | { do: 'read' | 'write'; handle: number; offset: number; length: number }
  | { do: 'size' | 'allocation'; handle: number; bytes: number }
  | { do: 'basic'; handle: number; attributes: number; time: boolean }
  | { do: 'dispose'; handle: number; on: boolean }
  | { do: 'rename'; handle: number; path: string; replace: boolean }
  | {
      do: 'query' | 'list' | 'streams' | 'flush' | 'security';
      handle: number;
      pattern: string | null;
      length: number;
    }
  | { do: 'lock' | 'unlock'; handle: number; offset: number; length: number; flags: number }
  | { do: 'link'; handle: number; control: number; tag: number };

const TIME = 0x01d0000000000000n;
const NAMES = ['a', 'B', 'Ab', 'dir', 'long name.txt'];
/** The last ones are the file itself, or nothing. */
const STREAMS = [
  ':s',
  ':S',
  ':T t',
  ':s:$DATA',
  ':t T:$data',
  '::$DATA',
  ':',
  ':s:',
  ':$I30:$INDEX_ALLOCATION',
];
const OPENED = 1;
const LINK_TAG = 0xa000000c;
const OTHER_TAG = 0xa0000019;

const name = fc.constantFrom(...NAMES, ...NAMES.map((one) => one.toUpperCase()));
const plainPath = fc.oneof(
  { weight: 3, arbitrary: name },
  {
    weight: 2,
    arbitrary: fc.tuple(fc.constantFrom('dir', 'DIR', 'a'), name).map((parts) => parts.join('\\')),
  },
);
const path = fc.oneof(
  { weight: 3, arbitrary: plainPath },
  {
    weight: 2,
    arbitrary: fc.tuple(plainPath, fc.constantFrom(...STREAMS)).map((parts) => parts.join('')),
  },
);
const handle = fc.nat({ max: 7 });
const offset = fc.oneof(fc.nat({ max: 9000 }), fc.constantFrom(0, 4095, 4096, 4097, 8192));
const dispositions = Object.values(CreateDisposition);
const kinds = [
  Option.SYNCHRONOUS | Option.NON_DIRECTORY,
  Option.SYNCHRONOUS | Option.DIRECTORY,
  Option.SYNCHRONOUS,
  Option.NON_DIRECTORY,
  Option.SYNCHRONOUS | Option.NON_DIRECTORY | Option.DELETE_ON_CLOSE,
  Option.SYNCHRONOUS | Option.OPEN_REPARSE_POINT,
  Option.SYNCHRONOUS | Option.NON_DIRECTORY | Option.WRITE_THROUGH,
];

export const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: moreStep },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('open' as const),
      path,
      disposition: fc.constantFrom(
        ...dispositions,
        CreateDisposition.FILE_OPEN,
        CreateDisposition.FILE_OPEN_IF,
      ),
      options: fc.constantFrom(...kinds),
      access: fc.constantFrom(
        Access.ALL,
        Access.READ,
        Access.READ_WRITE,
        Access.READ_ATTRIBUTES,
        Access.READ_WRITE | Access.DELETE,
        Access.LIST,
        Access.MAXIMUM_ALLOWED,
      ),
      share: fc.constantFrom<number>(
        Share.ALL,
        Share.ALL,
        Share.ALL,
        Share.READ,
        Share.NONE,
        Share.READ | Share.WRITE,
      ),
      attributes: fc.constantFrom(0, 0, 0x80, 1, 2),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('close' as const), handle }) },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constantFrom('read' as const, 'write' as const),
      handle,
      offset,
      length: fc.oneof(fc.nat({ max: 9000 }), fc.constantFrom(0, 1, 4096)),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constantFrom('size' as const, 'allocation' as const),
      handle,
      bytes: fc.constantFrom(0, 4096, 8192, 12_288),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('size' as const), handle, bytes: fc.nat({ max: 9000 }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('basic' as const),
      handle,
      attributes: fc.constantFrom(0, 1, 2, 0x20, 0x80, 0x22),
      time: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('dispose' as const), handle, on: fc.boolean() }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('rename' as const), handle, path, replace: fc.boolean() }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constantFrom(
        'query' as const,
        'list' as const,
        'streams' as const,
        'streams' as const,
        'flush' as const,
        'security' as const,
      ),
      handle,
      pattern: fc.constantFrom(null, null, '*', 'A*', '*.TXT', 'dir', 'none', '?'),
      length: fc.constantFrom(4096, 4096, 300, 130),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constantFrom('lock' as const, 'unlock' as const),
      handle,
      offset: fc.constantFrom(0, 10, 100),
      length: fc.constantFrom(1, 10, 100),
      flags: fc.constantFrom<number>(
        LockFlag.FAIL_IMMEDIATELY,
        LockFlag.FAIL_IMMEDIATELY | LockFlag.EXCLUSIVE,
      ),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('link' as const),
      handle,
      control: fc.constantFrom<number>(
        FsControl.SET_REPARSE,
        FsControl.GET_REPARSE,
        FsControl.DELETE_REPARSE,
      ),
      tag: fc.constantFrom(LINK_TAG, LINK_TAG, OTHER_TAG),
    }),
  },
);

/** What came of a step: compared between the two volumes. */
export interface Outcome {
  status: string;
  detail: unknown;
}
const outcome = (status: number, detail: unknown = null): Outcome => ({
  status: ntStatusName(status),
  detail: status === 0 ? detail : null,
});

export function openStep(
  step: Extract<Step, { do: 'open' }>,
  root: string,
): { result: Outcome; file: NtFile | null } {
  const { status, information, file } = openNow(`${root}\\${step.path}`, step);
  // What overwriting makes of a link shows later only, as another error.
  const overwritten =
    (step.options & Option.OPEN_REPARSE_POINT) !== 0 && file !== null && information !== OPENED;
  const replaced = file !== null && hasReplaced(information);
  const link = overwritten ? { isLink: isLink(file) } : {};
  const lost = replaced ? { streams: streamsOf(file).all } : {};
  return { result: outcome(status, { information, ...link, ...lost }), file };
}

/** The bytes of a write tell its place. */
function content(offset: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let i = 0; i < length; i++) {
    bytes[i] = (offset * 7 + i * 31) & 0xff;
  }
  return bytes;
}

/** `root`: the directory of this run, as an NT path. */
export function perform(step: Exclude<Step, { do: 'open' }>, file: NtFile, root: string): Outcome {
  if (isMoreStep(step)) {
    const { status, detail } = performMore(step, file, root);
    return { status: ntStatusName(status), detail };
  }
  switch (step.do) {
    case 'close':
      return outcome(file.closeNow());
    case 'read': {
      const { status, data } = file.readNow(step.length, step.offset);
      return outcome(status, data.toString('base64'));
    }
    case 'write': {
      const { status, done } = file.writeNow(content(step.offset, step.length), step.offset);
      return outcome(status, done);
    }
    case 'size':
      return outcome(file.setNow(FileClass.END_OF_FILE, int64(step.bytes)));
    case 'allocation':
      return outcome(file.setNow(FileClass.ALLOCATION, int64(step.bytes)));
    case 'basic': {
      const times = step.time ? { creationTime: TIME, lastWriteTime: TIME } : {};
      const change = basicInformation({ attributes: step.attributes, ...times });
      const status = file.setNow(FileClass.BASIC, change);
      return outcome(status, { isLink: isLink(file), size: sizeOf(file), base: base(file, root) });
    }
    case 'dispose':
      return outcome(file.setNow(FileClass.DISPOSITION, Buffer.from([step.on ? 1 : 0])));
    case 'rename':
      return outcome(file.renameNow(`${root}\\${step.path}`, FileClass.RENAME, step.replace ? 1 : 0));
    case 'query':
      return query(file);
    case 'list':
      return list(file, step.pattern, step.length);
    case 'streams': {
      const { status, all } = streamsOf(file);
      return outcome(status, all);
    }
    case 'flush':
      return outcome(file.flushNow());
    case 'security':
      return outcome(file.querySecurityNow(7, step.length).status);
    case 'lock':
      return outcome(file.lockNow(step.offset, step.length, step.flags));
    case 'unlock':
      return outcome(file.unlockNow(step.offset, step.length));
    case 'link':
      return link(file, step.control, step.tag);
  }
}

/** All that does not depend on the clock or on the unit of allocation. */
function query(file: NtFile): Outcome {
  const standard = file.queryNow(FileClass.STANDARD, 24);
  const basic = file.queryNow(FileClass.BASIC, 40);
  const name = file.queryNow(FileClass.NAME, 2048);
  const tag = file.queryNow(FileClass.ATTRIBUTE_TAG, 8);
  return outcome(basic.status, {
    standard: ntStatusName(standard.status),
    size: standard.status === 0 ? standard.data.readBigUInt64LE(8).toString() : null,
    isDeleted: standard.data[20],
    isDirectory: standard.data[21],
    attributes: basic.status === 0 ? basic.data.readUInt32LE(32) : null,
    isCreationSet: basic.status === 0 && basic.data.readBigInt64LE(0) === TIME,
    name: name.status === 0 ? name.data.toString('utf16le', 4) : ntStatusName(name.status),
    tag: tag.status === 0 ? tag.data.readUInt32LE(4) : ntStatusName(tag.status),
  });
}

/** From the start to the end, in buffers of this length. */
function list(file: NtFile, pattern: string | null, length: number): Outcome {
  const names: string[] = [];
  for (let flags: number = DirectoryFlag.RESTART; ; flags = 0) {
    const { status, data } = file.directoryNow(flags === 0 ? null : pattern, flags, length);
    if (status !== 0) {
      return { status: ntStatusName(status), detail: names };
    }
    names.push(...namesOf(data));
  }
}

/** As the handle tells it, so that of a stream for a stream. */
function sizeOf(file: NtFile): string {
  const { status, data } = file.queryNow(FileClass.STANDARD, 24);
  return status === 0 ? data.readBigUInt64LE(8).toString() : ntStatusName(status);
}

/**
 * Whether the file that a stream belongs to is a directory (a status) or a link. Null: not the handle of a stream. The
 * driver itself remembers what is a directory, so its attributes would not tell.
 */
function base(file: NtFile, root: string): { status: string; isLink: boolean } | null {
  const { status, data } = file.queryNow(FileClass.NAME, 2048);
  const path = status === 0 ? data.toString('utf16le', 4) : '';
  if (!path.includes(':')) return null;
  const volume = root.slice(0, root.lastIndexOf('\\'));
  const options = Option.SYNCHRONOUS | Option.OPEN_REPARSE_POINT | Option.NON_DIRECTORY;
  const opened = openNow(volume + path.slice(0, path.indexOf(':')), {
    access: Access.READ_ATTRIBUTES,
    options,
  });
  const result = {
    status: ntStatusName(opened.status),
    isLink: opened.file !== null && isLink(opened.file),
  };
  opened.file?.closeNow();
  return result;
}

function isLink(file: NtFile): boolean {
  const { status, data } = file.queryNow(FileClass.BASIC, 40);
  return status === 0 && (data.readUInt32LE(32) & FileAttribute.REPARSE_POINT) !== 0;
}

function link(file: NtFile, control: number, tag: number): Outcome {
  const target = Buffer.from('none', 'utf16le');
  const data = Buffer.alloc(20 + target.length);
  data.writeUInt32LE(tag, 0);
  data.writeUInt16LE(control === FsControl.DELETE_REPARSE ? 0 : data.length - 8, 4);
  data.writeUInt16LE(target.length, 10);
  data.writeUInt32LE(1, 16);
  target.copy(data, 20);
  const input = control === FsControl.DELETE_REPARSE ? data.subarray(0, 8) : data;
  const result = file.controlNow(
    control,
    control === FsControl.GET_REPARSE ? null : input,
    control === FsControl.GET_REPARSE ? 1024 : 0,
  );
  return outcome(result.status, result.data.toString('base64'));
}
