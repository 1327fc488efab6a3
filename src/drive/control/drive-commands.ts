/** What a drive does for each command of its control channel. */
import type { RamDrive } from '../ram-drive.js';
import type { CommandHandler } from './control-server.js';

export function driveCommands(drive: RamDrive): CommandHandler {
  return async ({ command }) => {
    switch (command) {
      case 'status':
        return drive.status();
      case 'selfCheck':
        return drive.selfCheck();
      case 'unmount':
        await drive.stop();
        return null;
    }
  };
}
