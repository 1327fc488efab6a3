/**
 * Where the drive and memfs differ and the drive is right, or both are: each with a reason and an example that shows
 * it. One whose example no longer differs fails.
 */
import { isDeepStrictEqual } from 'node:util';
import { CreateDisposition } from '../../src/winfsp/abi/constants.js';
import { withoutEaSize } from './differential-more.js';
import type { Outcome, Step } from './differential-steps.js';
import { Access, FsControl, Option, Share } from './nt.js';

export interface Difference {
  step: Step;
  drive: Outcome;
  memfs: Outcome;
}

export interface Allowed {
  id: string;
  reason: string;
  example: readonly Step[];
  matches: (difference: Difference) => boolean;
  /** The two volumes differ from then on, so the run ends there. */
  ends?: true;
}

const FILE = Option.SYNCHRONOUS | Option.NON_DIRECTORY;
const DIRECTORY = Option.SYNCHRONOUS | Option.DIRECTORY;
const SYMLINK = 0xa000000c;
const { FILE_CREATE, FILE_SUPERSEDE, FILE_OVERWRITE_IF } = CreateDisposition;

const open = (path: string, disposition: number, options: number = FILE): Step => ({
  do: 'open',
  path,
  disposition,
  options,
  access: Access.ALL,
  share: Share.ALL,
  attributes: 0,
});
const streamsIn = ({ detail }: Outcome): string =>
  JSON.stringify((detail as { streams?: unknown } | null)?.streams);
const statuses =
  (drive: string, memfs: string) =>
  (difference: Difference): boolean =>
    difference.drive.status === `STATUS_${drive}` && difference.memfs.status === `STATUS_${memfs}`;
const sizeOf = ({ detail }: Outcome): unknown => (detail as { size?: string } | null)?.size;
const baseOf = ({ detail }: Outcome): string => JSON.stringify((detail as { base?: unknown } | null)?.base);
const isLink = ({ detail }: Outcome): boolean => (detail as { isLink?: boolean } | null)?.isLink === true;

export const ALLOWED: readonly Allowed[] = [
  {
    id: 'a path through a file',
    reason: 'NTFS says that the path is not found; memfs names the reason.',
    example: [open('a', FILE_CREATE), open('a\\B', FILE_SUPERSEDE)],
    matches: statuses('OBJECT_PATH_NOT_FOUND', 'NOT_A_DIRECTORY'),
  },
  {
    id: 'the size of a directory',
    reason: 'It has none that could be set (MS-FSA: INVALID_PARAMETER); memfs gives it one.',
    example: [open('dir', FILE_CREATE, DIRECTORY), { do: 'size', handle: 0, bytes: 1 }],
    matches: ({ step, ...both }) =>
      (step.do === 'size' || step.do === 'allocation') &&
      statuses('INVALID_PARAMETER', 'SUCCESS')({ step, ...both }),
    ends: true,
  },
  {
    id: 'overwriting a directory',
    reason:
      'There is no content to replace: the directory is in the way. memfs overwrites its attributes and times.',
    example: [open('dir', FILE_CREATE, DIRECTORY), open('dir', FILE_OVERWRITE_IF, Option.SYNCHRONOUS)],
    matches: statuses('OBJECT_NAME_COLLISION', 'SUCCESS'),
    ends: true,
  },
  {
    id: 'attributes set on a link',
    reason:
      'The reparse bit is not among those that can be set, so it stays; memfs loses it while the tag stays.',
    example: [
      open('a', FILE_CREATE),
      { do: 'link', handle: 0, control: FsControl.SET_REPARSE, tag: SYMLINK },
      { do: 'basic', handle: 0, attributes: 0x80, time: false },
    ],
    matches: ({ step, drive, memfs }) => step.do === 'basic' && isLink(drive) && !isLink(memfs),
    ends: true,
  },
  {
    id: 'attributes set through a stream',
    reason: "It keeps its size; memfs answers with that of the file, and the driver cuts the stream's cache.",
    example: [
      open('a:s', FILE_CREATE),
      { do: 'write', handle: 0, offset: 0, length: 4096 },
      { do: 'basic', handle: 0, attributes: 0x80, time: false },
    ],
    matches: ({ step, drive, memfs }) => step.do === 'basic' && sizeOf(drive) !== sizeOf(memfs),
    ends: true,
  },
  {
    id: 'attributes set through a stream of a directory',
    reason: 'It stays a directory, and a link stays a link; memfs replaces these bits too.',
    example: [
      open('dir', FILE_CREATE, DIRECTORY),
      open('dir:s', FILE_CREATE),
      { do: 'basic', handle: 1, attributes: 1, time: false },
    ],
    matches: ({ step, drive, memfs }) => step.do === 'basic' && baseOf(drive) !== baseOf(memfs),
    ends: true,
  },
  {
    id: 'overwriting a file with open streams',
    reason:
      'All streams go with the content; memfs keeps those that are open, or that the system has not closed yet.',
    example: [open('a', FILE_CREATE), open('a:s', FILE_CREATE), open('a', FILE_SUPERSEDE)],
    matches: ({ step, drive, memfs }) =>
      (step.do === 'open' || step.do === 'create with EA') && streamsIn(drive) !== streamsIn(memfs),
    ends: true,
  },
  {
    id: 'a list of streams from the cache',
    reason: "The driver keeps memfs's list although a size in it has changed; the drive has it ask again.",
    example: [
      open('a', FILE_CREATE),
      { do: 'streams', handle: 0, pattern: null, length: 4096 },
      { do: 'size', handle: 0, bytes: 4096 },
      { do: 'streams', handle: 0, pattern: null, length: 4096 },
    ],
    matches: ({ step, drive, memfs }) => step.do === 'streams' && drive.status === memfs.status,
  },
  {
    id: "the spelling of a stream's path",
    reason: 'It is that of the names as they are stored; memfs keeps the one in which the stream was made.',
    example: [
      open('a', FILE_CREATE),
      open('A:s', FILE_CREATE),
      { do: 'query', handle: 1, pattern: null, length: 4096 },
    ],
    matches: ({ step, drive, memfs }) =>
      step.do === 'query' &&
      JSON.stringify(drive).includes(':') &&
      JSON.stringify(drive).toLowerCase() === JSON.stringify(memfs).toLowerCase(),
  },
  {
    id: 'overwriting a link',
    reason: 'Its content goes, it stays a link; memfs makes it an ordinary file whose tag stays.',
    example: [
      open('a', FILE_CREATE),
      { do: 'link', handle: 0, control: FsControl.SET_REPARSE, tag: SYMLINK },
      open('a', FILE_SUPERSEDE, FILE | Option.OPEN_REPARSE_POINT),
    ],
    matches: ({ step, drive, memfs }) => step.do === 'open' && isLink(drive) && !isLink(memfs),
    ends: true,
  },
  {
    id: 'the size of extended attributes',
    reason:
      'It is that of those the file has. memfs subtracts the new size of one that is replaced, and keeps bytes that are gone.',
    example: [
      open('a', FILE_CREATE),
      { do: 'set EA', handle: 0, name: 'A', value: 'v', second: null },
      { do: 'set EA', handle: 0, name: 'A', value: '', second: null },
      { do: 'classes', handle: 0, length: 1024 },
    ],
    matches: ({ step, drive, memfs }) =>
      step.do === 'classes' && isDeepStrictEqual(withoutEaSize(drive.detail), withoutEaSize(memfs.detail)),
  },
];
