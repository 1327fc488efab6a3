/**
 * The settings of a drive: their names, their types, what is expected of each value, their defaults. The configuration
 * file uses the names as they are, the command line in kebab case. One table, so that file, command line, messages and
 * docs agree.
 */
import * as v from 'valibot';
import { MAX_LABEL_UNITS, MAX_NAME_UNITS } from '../../limits.js';
import { readMemory } from '../mount/memory.js';
import {
  CAPACITY_DEFAULT_BYTES,
  FILE_INFO_TIMEOUT_DEFAULT_MS,
  MAX_CAPACITY_BYTES,
  MAX_FILE_INFO_TIMEOUT_MS,
  MAX_INITIAL_DIRECTORIES,
  MAX_PAGE_SIZE_BYTES,
  MAX_SAVE_EVERY_MS,
  MIN_PAGE_SIZE_BYTES,
  MIN_SAVE_EVERY_MS,
  PAGE_SIZE_DEFAULT_BYTES,
} from './limits.js';
import { formatSize, parseDuration, parseSize, partOfMemory, SIZE_EXPECTED } from './sizes.js';

/** What a drive runs with. Structured-cloneable: it goes to the worker as it is. */
export interface DriveSettings {
  /** A directory (Linux), or `R:`, `\\.\R:`, `*`, a directory, `\\server\share` (Windows). */
  mountPoint: string;
  /** With a share: the letter that it has besides; from WinFsp's Launcher only. */
  shareLetter?: string;
  /** A multiple of the page size. */
  capacityBytes: number;
  pageSizeBytes: number;
  /** Take all of the memory at start, instead of as files grow. */
  preallocate: boolean;
  label: string;
  /** The kernel caches data and metadata without end (docs/winfsp.md#caching). */
  kernelCache: boolean;
  /** Without the kernel cache: how long metadata may be cached. */
  fileInfoTimeoutMs: number;
  caseSensitive: boolean;
  /** Absolute, with backslashes; parents are made too. */
  initialDirectories: string[];
  /** Linux: every read and write reaches the drive. */
  directIo: boolean;
  /** Linux: users other than the one who mounted may enter. */
  allowOther: boolean;
  /** Nothing can be written, made or removed there. */
  readOnly: boolean;
  /** Linux: permissions of the root and of the initial directories. */
  mode: number;
  /** The image that is loaded at start and saved at the end: an absolute path outside of the drive. */
  imageFile?: string;
  /** How often it is saved meanwhile. */
  saveEveryMs?: number;
  /** Pre-allocate also what exceeds the available memory; from the command line only. */
  force?: boolean;
  /** Where to record what happens (trace.ts); from the command line only. An absolute path outside of the drive. */
  traceFile?: string;
}

const size = (check: (bytes: number) => boolean, expected: string) =>
  v.pipe(
    v.union([v.string(), v.number()], expected),
    v.transform((given) => (typeof given === 'string' ? parseSize(given) : given)),
    v.custom<number>(
      (bytes) => typeof bytes === 'number' && Number.isSafeInteger(bytes) && bytes >= 0 && check(bytes),
      expected,
    ),
  );

const CAPACITY_EXPECTED =
  `${SIZE_EXPECTED}, from one page to ${formatSize(MAX_CAPACITY_BYTES)}, ` +
  'or a part of the memory such as 50%';
const PAGE_SIZES = `${formatSize(MIN_PAGE_SIZE_BYTES)} to ${formatSize(MAX_PAGE_SIZE_BYTES)}`;
const PAGE_SIZE_EXPECTED = `a power of two from ${PAGE_SIZES}, such as 4K or 64K`;
const LABEL_EXPECTED = `a text of at most ${MAX_LABEL_UNITS} characters, without control characters`;
const TIMEOUT_EXPECTED = `a whole number of milliseconds from 0 to ${MAX_FILE_INFO_TIMEOUT_MS}`;
const DIRECTORY_EXPECTED =
  'an absolute path inside the drive such as "\\\\Temp" or "/Temp", ' +
  `names of at most ${MAX_NAME_UNITS} characters, none of them . or .. or with any of : * ? " < > |`;
const DIRECTORIES_EXPECTED = `a list of at most ${MAX_INITIAL_DIRECTORIES} paths, each ${DIRECTORY_EXPECTED}`;

const MODE_EXPECTED = 'permissions as three octal digits, such as "0700" or "755"';

const SAVE_EVERY_EXPECTED = 'a time from 10s to 168h, such as 30s, 10m or 2h';

const flag = v.boolean('true or false');
const label = v.pipe(
  v.string(LABEL_EXPECTED),
  v.maxLength(MAX_LABEL_UNITS, LABEL_EXPECTED),
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there.
  v.regex(/^[^\u0000-\u001f\u007f]*$/, LABEL_EXPECTED),
);
const initialDirectory = v.pipe(
  v.string(DIRECTORY_EXPECTED),
  v.transform((path) => toVolumePath(path)),
  v.custom<string>((path) => typeof path === 'string', DIRECTORY_EXPECTED),
);

/** Settings by their name in the file. The message of every schema is what was expected. */
export const SETTING_SCHEMAS = {
  mountPoint: v.pipe(v.string('a mount point'), v.nonEmpty('a mount point, not an empty text')),
  capacity: v.pipe(
    v.union([v.string(), v.number()], CAPACITY_EXPECTED),
    v.transform((given) => partOfMemory(given, readMemory().totalBytes) ?? given),
    size((bytes) => bytes > 0 && bytes <= MAX_CAPACITY_BYTES, CAPACITY_EXPECTED),
  ),
  image: v.pipe(v.string('a file'), v.nonEmpty('a file, not an empty text')),
  saveEvery: v.pipe(
    v.string(SAVE_EVERY_EXPECTED),
    v.transform(parseDuration),
    v.custom<number>(
      (ms) => typeof ms === 'number' && ms >= MIN_SAVE_EVERY_MS && ms <= MAX_SAVE_EVERY_MS,
      SAVE_EVERY_EXPECTED,
    ),
  ),
  pageSize: size(
    (bytes) => bytes >= MIN_PAGE_SIZE_BYTES && bytes <= MAX_PAGE_SIZE_BYTES && (bytes & (bytes - 1)) === 0,
    PAGE_SIZE_EXPECTED,
  ),
  preallocate: flag,
  label,
  kernelCache: flag,
  fileInfoTimeout: v.pipe(
    v.number(TIMEOUT_EXPECTED),
    v.integer(TIMEOUT_EXPECTED),
    v.minValue(0, TIMEOUT_EXPECTED),
    v.maxValue(MAX_FILE_INFO_TIMEOUT_MS, TIMEOUT_EXPECTED),
  ),
  caseSensitive: flag,
  initialDirectories: v.pipe(
    v.array(initialDirectory, DIRECTORIES_EXPECTED),
    v.maxLength(MAX_INITIAL_DIRECTORIES, DIRECTORIES_EXPECTED),
  ),
  directIo: flag,
  allowOther: flag,
  readOnly: flag,
  mode: v.pipe(
    v.string(MODE_EXPECTED),
    v.regex(/^0?[0-7]{3}$/, MODE_EXPECTED),
    v.transform((text) => Number.parseInt(text, 8)),
  ),
} as const;

export type SettingName = keyof typeof SETTING_SCHEMAS;
export const SETTING_NAMES = Object.keys(SETTING_SCHEMAS) as SettingName[];
/** Settings that only a FUSE mount has. */
export const LINUX_ONLY: ReadonlySet<SettingName> = new Set(['directIo', 'allowOther', 'mode']);

export type SettingValues = {
  [Name in SettingName]?: v.InferOutput<(typeof SETTING_SCHEMAS)[Name]>;
};

/** Defaults that do not depend on other settings. */
export function defaultSettings(platform: NodeJS.Platform): Omit<DriveSettings, 'mountPoint'> {
  return {
    capacityBytes: CAPACITY_DEFAULT_BYTES,
    pageSizeBytes: PAGE_SIZE_DEFAULT_BYTES,
    preallocate: false,
    label: 'RAM Drive',
    kernelCache: true,
    fileInfoTimeoutMs: FILE_INFO_TIMEOUT_DEFAULT_MS,
    // Programs of each system rely on their own rule: a Makefile beside a makefile, or WINDOWS.H for windows.h.
    caseSensitive: platform !== 'win32',
    initialDirectories: [],
    directIo: false,
    allowOther: false,
    readOnly: false,
    mode: 0o755,
  };
}

/** `/a/b` or `\a\b` → `\a\b`; null when it is no path that the drive could hold. */
function toVolumePath(path: string): string | null {
  if (!/^[\\/]/.test(path)) {
    return null;
  }
  const names = path.split(/[\\/]/).filter((name) => name !== '');
  const valid = names.every(
    (name) =>
      name.length <= MAX_NAME_UNITS &&
      name !== '.' &&
      name !== '..' &&
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there.
      !/[\u0000-\u001f:*?"<>|]/.test(name),
  );
  return names.length === 0 || !valid ? null : `\\${names.join('\\')}`;
}
