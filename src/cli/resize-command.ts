/** `ramdrive resize <mountpoint> <size>`: another capacity for a drive that is in use. */
import { resolveCapacity } from '../drive/config/config.js';
import { formatSize } from '../drive/config/sizes.js';
import { ask } from '../drive/control/control-client.js';
import { printable } from '../drive/printable.js';
import { ExitCode } from './exit-codes.js';
import { findDriveOrSay } from './find-drive.js';

export async function resizeCommand(mountPoint: string, size: string): Promise<number> {
  const asked = resolveCapacity('<size>', size);
  const drive = await findDriveOrSay(mountPoint);
  if (drive === null) return ExitCode.FAILURE;
  const { capacityBytes } = await ask(drive, 'resize', { capacityBytes: asked });
  process.stdout.write(`${printable(drive.mountPoint)} has ${formatSize(capacityBytes)} now\n`);
  return ExitCode.OK;
}
