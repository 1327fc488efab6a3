/** What a drive does for each command of its control channel. */
import { DriveError } from '../errors.js';
import type { RamDrive } from '../ram-drive.js';
import type { Discarded } from './control-client.js';
import type { CommandHandler } from './control-server.js';

export function driveCommands(drive: RamDrive): CommandHandler {
  return async ({ command, check, file, force, name, capacityBytes }) => {
    switch (command) {
      case 'status':
        // Its result is part of the status from then on.
        if (check) await drive.selfCheck();
        return drive.status();
      case 'selfCheck':
        return drive.selfCheck();
      case 'save':
        return drive.save(file);
      case 'snapshot':
        return drive.snapshot(name);
      case 'deleteSnapshot':
        return drive.deleteSnapshot(name ?? '');
      case 'rollback':
        return drive.rollback(name ?? '');
      case 'resize':
        return drive.resize(capacityBytes ?? 0);
      case 'unmount':
        return unmount(drive, force ?? false);
    }
  };
}

async function unmount(drive: RamDrive, force: boolean): Promise<Discarded> {
  const { files, reservedBytes } = drive.status();
  if (force) {
    await drive.stop({ discard: true });
  } else if (!(await drive.stopUnlessBusy())) {
    throw new DriveError('BUSY', 'programs use it');
  }
  // What is in the image is not discarded.
  return drive.hasImage && !force ? { files: 0, bytes: 0 } : { files, bytes: reservedBytes };
}
