/** `ramdrive unmount <mountpoint>`: asks the process that serves the drive to stop, and waits until it has. */

import { ask } from '../drive/control/control-client.js';
import { canonicalPath, isDeadMount, lazyUnmount } from '../drive/mount/linux-mount-point.js';
import { ExitCode } from './exit-codes.js';
import { findDrive } from './find-drive.js';

export async function unmountCommand(mountPoint: string): Promise<number> {
  const drive = await findDrive(mountPoint);
  if (drive !== null) {
    await ask(drive, 'unmount');
    process.stdout.write(`unmounted ${drive.mountPoint}\n`);
    return ExitCode.OK;
  }
  if (process.platform !== 'win32' && (await isDeadMount(mountPoint))) {
    const problem = await lazyUnmount(await canonicalPath(mountPoint));
    if (problem === null) {
      process.stdout.write(`cleared the dead mount at ${mountPoint}\n`);
      return ExitCode.OK;
    }
    process.stderr.write(`ramdrive: the dead mount at ${mountPoint} cannot be cleared: ${problem}.\n`);
    return ExitCode.FAILURE;
  }
  process.stderr.write(
    `ramdrive: no drive of yours is mounted at ${mountPoint}. "ramdrive status" lists them.\n`,
  );
  return ExitCode.FAILURE;
}
