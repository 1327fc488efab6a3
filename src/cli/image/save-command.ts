/** `ramdrive save <mountpoint> [file]`: asks a drive to save what is on it now. */
import { resolve } from 'node:path';
import { ask } from '../../drive/control/control-client.js';
import { printable } from '../../drive/printable.js';
import { countOf } from '../count-of.js';
import { ExitCode } from '../exit-codes.js';
import { findDriveOrSay } from '../find-drive.js';
import { withSaveProgress } from './save-progress.js';

export async function saveCommand(mountPoint: string, file?: string): Promise<number> {
  const drive = await findDriveOrSay(mountPoint);
  if (drive === null) return ExitCode.FAILURE;
  const { path, files, milliseconds } = await withSaveProgress(
    drive,
    ask(drive, 'save', { file: file === undefined ? undefined : resolve(file) }),
  );
  const what = `${countOf(files, 'file')} in ${(milliseconds / 1000).toFixed(1)} s`;
  process.stdout.write(`saved ${printable(drive.mountPoint)} to ${printable(path)}: ${what}\n`);
  return ExitCode.OK;
}
