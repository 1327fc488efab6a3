/**
 * The image of a volume: a tar archive with pax headers, so that it can be listed and unpacked without this program.
 *
 * The first entry is the root, `./`, whose comment says that this is an image, and of which version. Directories come
 * before what is in them. A file of several names is there under the first, and under the others as a hard link to it.
 * The last entry is the manifest: counts, and the SHA-256 of all bytes before it. What tar has no place for is in pax
 * records that other programs have already, or that they keep as extended attributes:
 *
 *     atime, mtime, ctime           seconds since 1970 with 7 digits, the volume's own 100 ns
 *     LIBARCHIVE.creationtime       the same (bsdtar)
 *     GNU.sparse.*                  holes, in the format 1.0 (GNU tar, bsdtar, Python)
 *     hdrcharset                    BINARY where a name is not UTF-8: it is the bytes that a Linux mount shows
 *     user.DOSATTRIB                attributes as 0x…, as Samba keeps them
 *     user.ramdrive.security        the self-relative security descriptor, in base64
 *     user.ramdrive.reparse         reparse data with their head, in base64
 *     user.ramdrive.ea              all extended attributes as Windows lists them, in base64; those that Linux could
 *                                   have stand beside it under their own names, for programs that unpack them
 *     user.ramdrive.name            a name that stands for no bytes: its UTF-16 units, in base64
 *     user.ramdrive.stream          the entry is a named stream of the file or directory before it; the name of the
 *                                   stream, as UTF-16 units in base64. Other programs unpack it as `FILE:STREAM`
 *
 * Those from `user.` on with `SCHILY.xattr.` before them. Unknown records are ignored, so that a later program may add
 * some; a change that this one must not ignore is a new version.
 */
import * as v from 'valibot';

export const IMAGE_VERSION = 1;
const MARK = /^ramdrive image, version (\d{1,9})$/;
export const MARK_TEXT = `ramdrive image, version ${IMAGE_VERSION}`;
export const MANIFEST_MARK = 'ramdrive manifest';

export const Key = {
  COMMENT: 'comment',
  CHARSET: 'hdrcharset',
  PATH: 'path',
  LINK: 'linkpath',
  SIZE: 'size',
  ACCESS: 'atime',
  WRITE: 'mtime',
  CHANGE: 'ctime',
  CREATION: 'LIBARCHIVE.creationtime',
  SPARSE_MAJOR: 'GNU.sparse.major',
  SPARSE_MINOR: 'GNU.sparse.minor',
  SPARSE_NAME: 'GNU.sparse.name',
  SPARSE_SIZE: 'GNU.sparse.realsize',
  ATTRIBUTES: 'SCHILY.xattr.user.DOSATTRIB',
  SECURITY: 'SCHILY.xattr.user.ramdrive.security',
  REPARSE: 'SCHILY.xattr.user.ramdrive.reparse',
  EXTENDED: 'SCHILY.xattr.user.ramdrive.ea',
  NAME: 'SCHILY.xattr.user.ramdrive.name',
  STREAM: 'SCHILY.xattr.user.ramdrive.stream',
} as const;

export const XATTR_PREFIX = 'SCHILY.xattr.';

export const BLOCK_BYTES = 512;

/** The version that a comment tells of; null when it is no image's. */
export function versionOf(comment: string | undefined): number | null {
  const match = MARK.exec(comment ?? '');
  return match === null ? null : Number(match[1]);
}

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const manifestSchema = v.object({
  label: v.pipe(v.string(), v.maxLength(32)),
  caseSensitive: v.boolean(),
  savedAt: v.string(),
  /** Besides the root. */
  directories: count,
  files: count,
  /** Symbolic links, and further names of files. */
  links: count,
  /** Named streams. */
  streams: v.optional(count, 0),
  /** Lengths of all files and streams, holes included, each once. */
  bytes: count,
  /** Of all bytes before the manifest's entry. */
  sha256: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
});
export type Manifest = v.InferOutput<typeof manifestSchema>;

/** null when the text is no manifest. */
export function parseManifest(text: string): Manifest | null {
  try {
    const result = v.safeParse(manifestSchema, JSON.parse(text));
    return result.success ? result.output : null;
  } catch {
    return null;
  }
}

const UNITS_PER_SECOND = 10_000_000n;
const UNIX_EPOCH_UNITS = 116_444_736_000_000_000n;

/** A FILETIME as seconds since 1970, exactly. */
export function timeText(fileTime: bigint): string {
  const units = fileTime - UNIX_EPOCH_UNITS;
  const size = units < 0n ? -units : units;
  const fraction = size % UNITS_PER_SECOND;
  const digits = fraction === 0n ? '' : `.${fraction.toString().padStart(7, '0')}`;
  return `${units < 0n ? '-' : ''}${size / UNITS_PER_SECOND}${digits}`;
}

/** null when the text is no time of a volume. */
export function parseTime(text: string | undefined): bigint | null {
  const match = /^(-?)(\d{1,12})(?:\.(\d{1,7}))?$/.exec(text ?? '');
  if (match === null) return null;
  const size = BigInt(match[2]!) * UNITS_PER_SECOND + BigInt((match[3] ?? '').padEnd(7, '0'));
  const fileTime = (match[1] === '-' ? -size : size) + UNIX_EPOCH_UNITS;
  return BigInt.asIntN(64, fileTime) === fileTime ? fileTime : null;
}
