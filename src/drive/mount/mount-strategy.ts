/**
 * Where and how a drive is mounted: the forms of a mount point in the order in which they are tried, and what a user
 * must know about the one that worked (docs/winfsp.md#installation-and-mount-points). Mounting itself is the binding's.
 *
 * `R:` on Windows: the Mount Manager form first, because only that one is visible to every program (other logon
 * sessions, elevated ones, services, the shell's disk tools). It needs administrator rights, or the registry switch
 * that lets the driver do it for everybody; the plain form is for the caller's own session, and works without rights
 * for everyone but service accounts.
 */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { NtStatus } from '../../ntstatus.js';
import type { WindowsAccount } from '../../os/windows-account.js';
import { systemDirectory } from '../../os/windows-directories.js';
import { type MountPoint, MountPointSyntaxError, parseMountPoint } from '../../winfsp/index.js';
import { MountPointError } from '../errors.js';
import { prepareLinuxMountPoint } from './linux-mount-point.js';

interface MountAttempt {
  argument: string | null;
  /** What to tell the user when this attempt is the one that worked. */
  warning: string | null;
}

export interface MountPlan {
  device: string;
  volumePrefix: string | undefined;
  /** Empty: the volume is reachable as soon as it exists. */
  attempts: readonly MountAttempt[];
  /** For Preflight: finds out that a letter or a directory is taken. null: nothing to find out. */
  preflight: string | null;
  /** The mount point for people, until the real one is known. */
  name: string;
  /** Lets go of what the plan holds: after the mount, or instead of it. */
  release: () => Promise<void>;
}

const FOR_ALL =
  'To have it seen by all, run this once as administrator: ' +
  'reg add HKLM\\SOFTWARE\\WOW6432Node\\WinFsp /v MountUseMountmgrFromFSD /t REG_DWORD /d 1 /f';

/** Who will not see a drive that the Mount Manager does not know, by the account that made it. */
const PLAIN_LETTER: Readonly<Record<WindowsAccount, string>> = {
  user:
    'was mounted for this logon session only: programs that run elevated, as a service or as another user ' +
    'do not see it, nor do Disk Management, mountvol and other programs that ask the Mount Manager.',
  'local-system':
    'was mounted as a plain letter: every program sees it but Disk Management, mountvol and others ' +
    'that ask the Mount Manager.',
  service:
    'was mounted through the WinFsp Launcher as a plain letter: Disk Management, mountvol and other programs ' +
    'that ask the Mount Manager do not see it, and it goes when the Launcher does.',
};

function plainLetterWarning(drive: string, account: WindowsAccount): string {
  return `${drive} ${PLAIN_LETTER[account]} ${FOR_ALL}`;
}

/**
 * Checks the mount point as far as that is possible beforehand. `shareLetter`: a letter for a share, which otherwise
 * has none. `onHidden`: a directory that is not empty is mounted on all the same, and this is told. Throws
 * MountPointError.
 */
export async function planMount(
  mountPoint: string,
  platform: NodeJS.Platform = process.platform,
  warn: (message: string) => void = () => {},
  account: WindowsAccount = 'user',
  shareLetter: string | null = null,
  onHidden?: (message: string) => void,
): Promise<MountPlan> {
  const parsed = parse(mountPoint, platform);
  if (platform !== 'win32') {
    const { path, descriptorPath, handle } = await prepareLinuxMountPoint(mountPoint, warn, onHidden);
    const plan = planOf(parsed, [{ argument: descriptorPath, warning: null }], null, path);
    return { ...plan, release: () => handle.close() };
  }
  if (parsed.form === 'unc' && shareLetter !== null) {
    return planOf(parsed, [{ argument: shareLetter, warning: null }], shareLetter, shareLetter);
  }
  return planOf(parsed, windowsAttempts(parsed, account), preflightOf(parsed), mountPoint);
}

function windowsAttempts(
  { form, argument, needsMountPoint }: MountPoint,
  account: WindowsAccount,
): MountAttempt[] {
  if (!needsMountPoint) {
    return [];
  }
  if (form === 'drive') {
    return [
      { argument: `\\\\.\\${argument}`, warning: null },
      { argument, warning: plainLetterWarning(argument!, account) },
    ];
  }
  return [{ argument, warning: form === 'any-drive' ? plainLetterWarning('The drive', account) : null }];
}

/** A failure that the next attempt would only repeat, or worse, hide. */
export function isFinalFailure(status: number): boolean {
  return status === NtStatus.OBJECT_NAME_COLLISION || status === NtStatus.OBJECT_NAME_INVALID;
}

/** What to do about a refused mount. `message`: what fusermount3 said about it, if anything. */
export function mountAdvice(
  status: number,
  platform: NodeJS.Platform = process.platform,
  account: WindowsAccount = 'user',
  message: string | null = null,
): string {
  if (platform === 'win32') {
    if (
      account === 'service' &&
      status !== NtStatus.OBJECT_NAME_COLLISION &&
      status !== NtStatus.NO_SUCH_DEVICE
    ) {
      return (
        'This service account may not make a drive by itself: start the service WinFsp.Launcher, ' +
        `run as LocalSystem, or let the driver do it. ${FOR_ALL}`
      );
    }
    switch (status) {
      case NtStatus.OBJECT_NAME_COLLISION:
        return 'The letter or the directory is in use: choose another one, or * for the first free letter.';
      case NtStatus.ACCESS_DENIED:
        return 'Run as administrator, or mount as a plain drive letter such as R:.';
      case NtStatus.NO_SUCH_DEVICE:
        return 'The WinFsp driver does not run. Install WinFsp again, or start it: sc start WinFsp';
      default:
        return 'Run "ramdrive doctor" to see what is missing.';
    }
  }
  if (message?.includes('user_allow_other')) {
    return `${message}. As root, add the line "user_allow_other" to /etc/fuse.conf, or leave out --allow-other.`;
  }
  if (message !== null) {
    return `${message}.`;
  }
  switch (status) {
    case NtStatus.ACCESS_DENIED:
      return 'You may not mount there: run as root, or install fusermount3 (package fuse3) and own the directory.';
    case NtStatus.NO_SUCH_DEVICE:
      return (
        '/dev/fuse is missing or not accessible. Load the module (sudo modprobe fuse), ' +
        'or give the container --device /dev/fuse.'
      );
    default:
      return 'Run "ramdrive doctor" to see what is missing.';
  }
}

export function usesMountManager({ attempts }: MountPlan): boolean {
  return attempts.some(({ argument }) => argument?.startsWith('\\\\.\\'));
}

/**
 * Lets the driver make Mount Manager calls, so that drives are visible to everybody. Setting the switch takes
 * administrator rights; a failure is no error, the plain form remains. It stays set, for every WinFsp drive of the
 * machine, so the user is told. Must run before the library is loaded: it reads the switch once per process.
 * Answers whether the switch is set.
 */
export async function allowMountManager(
  tell: (message: string) => void = () => {},
  reg = join(systemDirectory(), 'reg.exe'),
): Promise<boolean> {
  const run = promisify(execFile);
  const [key, name] = ['HKLM\\SOFTWARE\\WOW6432Node\\WinFsp', 'MountUseMountmgrFromFSD'];
  const now = await run(reg, ['query', key, '/v', name], { windowsHide: true }).catch(() => null);
  if (now !== null && /\b0x1\b/.test(now.stdout)) {
    return true;
  }
  try {
    await run(reg, ['add', key, '/v', name, '/t', 'REG_DWORD', '/d', '1', '/f'], { windowsHide: true });
  } catch {
    return false;
  }
  tell(
    `the registry switch ${name} of WinFsp was set, so that every program sees the drive. It stays set; ` +
      `to undo: reg delete ${key} /v ${name} /f`,
  );
  return true;
}

function parse(mountPoint: string, platform: NodeJS.Platform): MountPoint {
  try {
    return parseMountPoint(mountPoint, platform);
  } catch (error) {
    if (error instanceof MountPointSyntaxError) {
      throw new MountPointError(
        'MALFORMED',
        mountPoint,
        `"${mountPoint}" is no mount point.`,
        `Expected ${error.expected}.`,
      );
    }
    throw error;
  }
}

function preflightOf({ form, argument }: MountPoint): string | null {
  switch (form) {
    case 'drive':
    case 'directory':
      return argument;
    case 'mount-manager-drive':
      return argument!.slice(-2);
    default:
      return null;
  }
}

function planOf(
  { device, volumePrefix }: MountPoint,
  attempts: MountAttempt[],
  preflight: string | null,
  name: string,
): MountPlan {
  return { device, volumePrefix, attempts, preflight, name, release: async () => {} };
}
