/**
 * The process of a drive that a program has mounted through the API. It is a process of its own, so that the program
 * may use the drive synchronously, and so that the drive goes when the program does, however that ends: the channel
 * between them closes.
 */
import { mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ControlServer } from '../drive/control/control-server.js';
import { driveCommands } from '../drive/control/drive-commands.js';
import { DriveError } from '../drive/errors.js';
import { placeOf } from '../drive/mount/mounts.js';
import { RamDrive } from '../drive/ram-drive.js';
import { type DriveProcessMessage, type ProgramMessage, packError } from './drive-process-messages.js';
import type { ResolvedOptions } from './options.js';

const starting = new AbortController();
let drive: RamDrive | null = null;

/** The channel may close at any moment, and then nobody waits for the message. */
function tell(message: DriveProcessMessage): void {
  if (process.connected) {
    process.send!(message, () => {});
  }
}

function stop(): void {
  starting.abort(new DriveError('NOT_RUNNING', 'Stopped before the drive was mounted.'));
  drive?.stop().catch(() => process.exit(1));
}

async function serve({ settings, temporary }: ResolvedOptions): Promise<void> {
  const directory = temporary ? mkdtempSync(join(tmpdir(), 'ramdrive-')) : null;
  const mountPoint = directory ?? settings.mountPoint;
  let control: ControlServer | null = null;
  try {
    control = await ControlServer.claim(await placeOf(mountPoint));
    const events = {
      onWarning: (message: string) => tell({ type: 'warning', message }),
      onNotSaved: (error: string) =>
        tell({ type: 'warning', message: `What was changed since the last save is lost: ${error}` }),
      onHandlerError: (where: string, error: string) =>
        tell({ type: 'warning', message: `A request failed inside the drive (${where}): ${error}` }),
    };
    const started = await RamDrive.start({ ...settings, mountPoint }, events, starting.signal);
    drive = started;
    const handle = driveCommands(started);
    control.open(started.mountPoint, handle);
    process.on('message', (message: ProgramMessage) => {
      if (message.type === 'request') {
        const { id, request } = message;
        handle(request).then(
          (result) => tell({ type: 'answer', id, result }),
          (error: unknown) => tell({ type: 'refused', id, error: packError(error) }),
        );
      }
    });
    tell({ type: 'mounted', path: started.mountPoint });
    const { reason, error } = await started.ended;
    await cleanUp(control, directory);
    tell({ type: 'ended', reason, error: error === null ? null : packError(error) });
  } catch (error) {
    await drive?.stop().catch(() => {});
    await cleanUp(control, directory);
    tell({ type: 'failed', error: packError(error) });
  }
  if (process.connected) {
    process.disconnect();
  }
}

async function cleanUp(control: ControlServer | null, directory: string | null): Promise<void> {
  await control?.close();
  if (directory !== null) {
    try {
      rmdirSync(directory);
    } catch {
      // Someone has put something there; it is not ours to remove.
    }
  }
}

// A terminal's Ctrl+C goes to the program too, which decides what becomes of its drive.
process.on('SIGINT', () => {});
process.on('SIGHUP', () => {});
process.once('SIGTERM', stop);
process.once('disconnect', stop);
process.once('message', (message: ProgramMessage) => {
  if (message.type === 'start') {
    void serve(message);
  }
});
