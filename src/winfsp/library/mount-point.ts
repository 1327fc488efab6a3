/**
 * What a mount point as people write it means to WinFsp (docs/winfsp.md#installation-and-mount-points): which device,
 * which volume prefix, which argument for SetMountPoint. Which form to try first is the host's policy, not decided
 * here.
 */
import { win32 } from 'node:path';
import { DEVICE_DISK, DEVICE_NET } from '../abi/constants.js';

export type MountForm =
  /** `R:`: visible in the caller's logon session, gone with the process. */
  | 'drive'
  /** `\\.\R:`: through the Mount Manager, visible to everybody. */
  | 'mount-manager-drive'
  /** `*`: the first free letter from Z: down. */
  | 'any-drive'
  /** A directory: on Windows one that must not exist yet, on Linux one that must. */
  | 'directory'
  /** `\\.\C:\dir`: directory mount through the Mount Manager. */
  | 'mount-manager-directory'
  /** `\\server\share`: a network volume; reachable without any mount. */
  | 'unc';

export interface MountPoint {
  form: MountForm;
  device: string;
  /** For VolumeParams.Prefix; undefined for disk volumes. */
  volumePrefix: string | undefined;
  /** For setMountPoint. */
  argument: string | null;
  /** False: a network volume is there as soon as it is created. */
  needsMountPoint: boolean;
}

/** A text that is no mount point on this platform. */
export class MountPointSyntaxError extends Error {
  override readonly name = 'MountPointSyntaxError';
  constructor(
    readonly given: string,
    readonly expected: string,
  ) {
    super(`Mount point "${given}": expected ${expected}.`);
  }
}

const WINDOWS_FORMS =
  'a drive (R:), a Mount Manager drive (\\\\.\\R:), * for the first free drive, a directory (C:\\mnt\\ram) ' +
  'or a share (\\\\server\\share)';

export function parseMountPoint(text: string, platform: string = process.platform): MountPoint {
  if (platform !== 'win32') {
    if (!text.startsWith('/') || text.includes('\0')) {
      throw new MountPointSyntaxError(text, 'the absolute path of a directory');
    }
    return disk('directory', text);
  }
  if (text === '*' || text === '*:') {
    return disk('any-drive', null);
  }
  if (/^[A-Za-z]:\\?$/.test(text)) {
    return disk('drive', `${text[0]!.toUpperCase()}:`);
  }
  if (/^\\\\[.?]\\[A-Za-z]:\\?$/.test(text)) {
    return disk('mount-manager-drive', `\\\\.\\${text[4]!.toUpperCase()}:`);
  }
  if (/^\\\\[.?]\\[A-Za-z]:\\[^/:*?"<>|]+$/.test(text)) {
    return disk('mount-manager-directory', `\\\\.\\${directoryPath(text.slice(4), text)}`);
  }
  if (/^[A-Za-z]:[\\/][^:*?"<>|]+$/.test(text)) {
    return disk('directory', directoryPath(text, text));
  }
  if (/^\\\\[^\\/:*?"<>|.]+\\[^\\/:*?"<>|]+\\?$/.test(text)) {
    return {
      form: 'unc',
      device: DEVICE_NET,
      volumePrefix: text.slice(1).replace(/\\$/, ''),
      argument: null,
      needsMountPoint: false,
    };
  }
  throw new MountPointSyntaxError(text, WINDOWS_FORMS);
}

/**
 * One spelling of a directory: single backslashes, no `.` or `..`, nothing behind the last name. The library does not
 * expect the others, which a shell's completion makes (`C:\\mnt\\`), and may end the process over them.
 */
function directoryPath(path: string, given: string): string {
  const plain = win32.normalize(path).replace(/\\+$/, '');
  if (!/^[A-Za-z]:\\./.test(plain)) {
    throw new MountPointSyntaxError(
      given,
      `${WINDOWS_FORMS}; the root of a drive is no directory to mount at`,
    );
  }
  return plain;
}

function disk(form: MountForm, argument: string | null): MountPoint {
  return { form, device: DEVICE_DISK, volumePrefix: undefined, argument, needsMountPoint: true };
}
