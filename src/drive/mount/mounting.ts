/** The steps of mounting a volume that serves already, and of taking away what a dead one has left. */
import { setTimeout as sleep } from 'node:timers/promises';
import { NtStatus } from '../../ntstatus.js';
import type { WindowsAccount } from '../../os/windows-account.js';
import type { VolumeReference, WinFspLibrary } from '../../winfsp/index.js';
import { MOUNT_GRACE_MS, STOP_GRACE_MS } from '../config/limits.js';
import { MountError, MountPointError } from '../errors.js';
import { withinTime } from '../within-time.js';
import { lazyUnmount } from './linux-mount-point.js';
import { isFinalFailure, type MountPlan, mountAdvice } from './mount-strategy.js';
import { isDeadMount } from './mounts.js';

/**
 * No driver, and a taken letter or directory, are found before a volume is made (docs/winfsp.md#functions Preflight).
 */
export async function preflight(
  library: WinFspLibrary,
  { preflight, device, name }: MountPlan,
): Promise<void> {
  const status = await new Promise<number>((resolve, reject) => {
    library.fspFileSystemPreflight.async(device, preflight, (error, result) =>
      error === null ? resolve(result) : reject(error),
    );
  });
  if (status === NtStatus.OBJECT_NAME_COLLISION) {
    throw new MountPointError('ALREADY_MOUNTED', name, `${name} is in use.`, mountAdvice(status));
  }
  if (status < 0) {
    throw new MountError(name, status, mountAdvice(status));
  }
}

/** Tries the plan's forms in turn. Returns where the volume is mounted, as people write it. Throws MountError. */
export async function mountVolume(
  reference: VolumeReference,
  plan: MountPlan,
  account: WindowsAccount,
  warn: (message: string) => void,
): Promise<string> {
  let status: number = NtStatus.UNSUCCESSFUL;
  for (const { argument, warning } of plan.attempts) {
    status = await withinTime(reference.setMountPoint(argument), MOUNT_GRACE_MS, `mounting at ${plan.name}`);
    if (status >= 0) {
      if (warning !== null) {
        warn(warning);
      }
      return process.platform === 'win32'
        ? displayName(reference.mountPoint() ?? argument ?? plan.name)
        : plan.name;
    }
    if (isFinalFailure(status)) {
      break;
    }
  }
  const advice = mountAdvice(status, process.platform, account, reference.mountMessage());
  throw new MountError(plan.name, status, advice);
}

/** A system that has just let go of a letter or a directory may need a moment until it takes it again. */
const MOUNT_AGAIN_TRIES = 5;
const MOUNT_AGAIN_INTERVAL_MS = 200;

/** Mounts a volume where another one of this process was until now. Throws MountError or MountPointError. */
export async function mountAgain(
  reference: VolumeReference,
  account: WindowsAccount,
  planAgain: () => Promise<MountPlan>,
): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      const plan = await planAgain();
      try {
        // What there is to know about the place was told when it was mounted first.
        await mountVolume(reference, plan, account, () => {});
      } finally {
        await plan.release();
      }
      return;
    } catch (error) {
      if (tries === MOUNT_AGAIN_TRIES) throw error;
      await sleep(MOUNT_AGAIN_INTERVAL_MS);
    }
  }
}

/** `\\.\R:` → `R:`: the Mount Manager's spelling is nothing that people type. */
function displayName(mountPoint: string): string {
  return mountPoint.replace(/^\\\\[.?]\\(?=[A-Za-z]:$)/, '');
}

/** Processes that were killed a moment ago still have their files. */
const IDLE_TRIES = 10;
const IDLE_INTERVAL_MS = 50;

/** Unmounts unless programs use the drive; says whether it did. Throws DriveError TIMEOUT. */
export async function unmountIdle(reference: VolumeReference): Promise<boolean> {
  for (let tries = 1; ; tries++) {
    const isRemoved = await withinTime(reference.removeIdleMountPoint(), STOP_GRACE_MS, 'unmounting');
    if (isRemoved || tries === IDLE_TRIES) {
      return isRemoved;
    }
    await sleep(IDLE_INTERVAL_MS);
  }
}

/** Our mount ends with the file system, so one that is alive belongs to another drive, and stays. */
export async function clearOwnDeadMount(mountPoint: string): Promise<void> {
  if (await isDeadMount(mountPoint)) {
    await lazyUnmount(mountPoint);
  }
}
