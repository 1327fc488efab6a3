/**
 * What WinFsp demands of a RAM drive, one sentence a duty, by the section of docs/winfsp.md that has the rule. Every
 * duty is held by at least one case in cases/ (conformance.test.ts fails otherwise); the report prints duty, test and
 * result beside each other.
 */
type Section = 'b' | 'c' | 'd' | 'e' | 'g' | 'i';

export interface Duty {
  section: Section;
  text: string;
}

function duty(section: Section, text: string): Duty {
  return { section, text };
}

export const DUTIES = {
  // (b) dispatching and stopping
  answerEach: duty('b', 'Every request is answered, exactly once, unknown kinds by a refusal'),
  emptyReceive: duty('b', 'A receive of 0 bytes is no request: receive again, nothing is answered or lost'),
  stopOutstanding: duty(
    'b',
    'Stop0 while answers are outstanding: the loop ends, nothing is touched afterwards',
  ),
  volumeGone: duty('b', 'A CANCELLED that nobody asked for is the end of the volume, not an error to retry'),
  contextPerFile: duty('b', 'One context per file, the same for every open, never 0'),

  // (c) creating and opening
  create: duty('c', 'CREATE makes the file and says CREATED; ARCHIVE is added to files, NORMAL never stored'),
  createCollision: duty('c', 'CREATE itself answers OBJECT_NAME_COLLISION, in any spelling'),
  createDirectory: duty('c', 'FILE_DIRECTORY_FILE makes a directory'),
  createHint: duty('c', "CREATE's allocation size reserves room, or fails with DISK_FULL and makes nothing"),
  open: duty('c', 'OPEN says OPENED and creates nothing'),
  openIf: duty('c', 'OPEN_IF opens or creates and says which'),
  overwrite: duty('c', 'OVERWRITE, OVERWRITE_IF and SUPERSEDE say OVERWRITTEN, SUPERSEDED or CREATED'),
  overwriteRequest: duty(
    'c',
    'Overwrite empties the file, adds or replaces attributes, keeps ARCHIVE, takes the allocation',
  ),
  overwriteFails: duty(
    'c',
    'A failing Overwrite changes nothing; its handle is closed by the library, exactly once',
  ),
  pathOrName: duty('c', 'A missing parent is OBJECT_PATH_NOT_FOUND, a missing leaf OBJECT_NAME_NOT_FOUND'),
  kindOfFile: duty('c', 'Files are not opened as directories, nor directories as files'),
  trailingBackslash: duty('c', 'A trailing backslash names directories only'),
  rootOpen: duty('c', 'The root opens, at any time and with any option that a directory takes'),
  readonly: duty('c', 'READONLY refuses writing and DELETE_ON_CLOSE, SUPERSEDE passes'),
  securityByName: duty(
    'c',
    'GetSecurityByName answers each combination of missing out-pointers, and a buffer too small',
  ),
  accessCheck: duty(
    'c',
    'What GetSecurityByName returns decides who may open, and directories on the way are asked',
  ),
  inheritance: duty(
    'c',
    "New files inherit their directory's entries; no access list is ever empty by accident",
  ),
  descriptorGiven: duty('c', 'A descriptor given at creation is kept'),
  sharingViolation: duty('c', 'Close without Cleanup after a sharing violation leaves file and counts right'),
  normalizedName: duty(
    'c',
    'Opens report the full path in its stored spelling, of the length that was asked for',
  ),
  longNames: duty('c', 'Names of 255 characters and paths of thousands work'),
  targetDirectory: duty(
    'c',
    "A rename's target is opened through its parent, which tells whether the name is taken",
  ),

  // (d) callbacks
  fileInfo: duty('d', 'FILE_INFO is complete and true after every operation'),
  indexNumber: duty('d', 'Index numbers are unique, stable and not 0'),
  volumeInfo: duty('d', 'Volume information is in bytes, and free space true at every moment'),
  volumeLabel: duty('d', 'The volume label is set and returned; one of more than 32 characters is refused'),
  read: duty('d', 'Reads stop at the end of the file; at and past it they are END_OF_FILE'),
  write: duty('d', 'A write past the end fills the gap with zeros'),
  append: duty('d', 'WriteToEndOfFile appends at the size of that moment, also in races'),
  constrained: duty(
    'd',
    'A constrained write never extends: past the end 0 bytes, over it clipped, both success',
  ),
  constrainedLate: duty('d', 'Constrained writes come after Cleanup, also for a deleted file, and are taken'),
  flush: duty('d', 'Flush of a file returns its whole FILE_INFO; context 0 and the root flush the volume'),
  basicInfo: duty(
    'd',
    'SetBasicInfo leaves alone what 0, −1, −2 and 0xffffffff say, and keeps times to 100 ns',
  ),
  setFileSize: duty('d', 'End of file truncates, or extends with zeros; old bytes never come back'),
  setAllocation: duty('d', 'Allocation reserves without extending, truncates below the size'),
  diskFull: duty('d', 'No room is DISK_FULL, and then nothing has changed'),
  canDelete: duty('d', 'A disposition only asks: non-empty directories and READONLY refuse, undo works'),
  cleanupDelete: duty('d', 'Cleanup with Delete takes the name; the data live until the last Close'),
  cleanupNotEmpty: duty('d', 'DELETE_ON_CLOSE of a directory that is not empty is ignored'),
  cleanupFlags: duty('d', 'Cleanup sets ARCHIVE and the times it names to now, and trims the allocation'),
  close: duty('d', 'The last Close gives the room back, once'),
  rename: duty('d', 'A rename moves the file, and with a directory everything below it'),
  renameTaken: duty(
    'd',
    'A taken name is OBJECT_NAME_COLLISION, or replaced if that was asked; a directory ACCESS_DENIED',
  ),
  renameCase: duty('d', 'Case-only renames work; directories on the way may come in capitals'),
  renameInto: duty('d', 'A rename into a missing or its own directory is refused'),
  posix: duty('d', 'POSIX deletes and renames keep the data of open files'),
  security: duty('d', 'SetSecurity merges what it names; malformed descriptors are refused'),
  list: duty('d', 'Listings are sorted, complete and without doubles, whatever the buffer size'),
  listDots: duty('d', '. and .. come first, in every directory but the root'),
  listMarker: duty('d', 'Listings go on behind a marker, also one that is gone, or . or ..'),
  listChanging: duty(
    'd',
    'What is there from begin to end of a listing is listed once, whatever comes and goes meanwhile',
  ),
  listInfo: duty('d', 'Listed information is that of the file itself'),
  dirInfoByName: duty('d', 'One name is looked up in any spelling and told in the stored one'),
  pattern: duty('d', 'A pattern may be ignored, but hides nothing that matches'),
  reparse: duty('d', 'Reparse points are set, read and deleted with their tag'),
  extendedAttributes: duty(
    'd',
    'Extended attributes are added, replaced and removed by name, listed as packed records, and counted in EaSize',
  ),

  streams: duty(
    'd',
    "A stream of a file has a content, a name and handles of its own, and goes with its file; all else is the file's",
  ),
  streamInfo: duty('d', 'Streams are listed with their sizes, behind the content of a file'),

  // (e) caching
  cachedExtend: duty(
    'e',
    'Room is decided at SetFileSize: what was acknowledged there can be written later, on a full drive too',
  ),
  cachedOrder: duty(
    'e',
    'Pages written in any order, also after Cleanup, give the bytes that the program wrote',
  ),
  uncached: duty('e', 'Without the cache a write extends by itself'),

  // (g) volume parameters
  unit: duty('g', 'Sizes are multiples of the allocation unit, which is what the volume reserves'),
  caseSensitivity: duty('g', 'Case decides exactly when the volume says so'),

  // (i) delivery
  inlineA: duty('i', 'What cannot block is delivered by the thread that answers'),
  completionB: duty(
    'i',
    'Answers with FILE_INFO go to the second completionThread, but for the four conditions',
  ),
  completionR: duty(
    'i',
    'Renames go to the first completionThread; directory renames divert Cleanup and FILE_INFO answers',
  ),
  streamDelivery: duty(
    'i',
    'What ends a handle of a stream goes to the third completion thread, also while the others are stuck',
  ),
  nestedAnswered: duty('i', 'A nested request is answered while any completion waits for it'),
  neverWaits: duty('i', 'The serving thread never waits for a completionThread'),
  retried: duty('i', 'Completions that the driver tries again make progress'),
} as const satisfies Record<string, Duty>;

export type DutyId = keyof typeof DUTIES;
