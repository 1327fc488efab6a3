/**
 * A drive without a console, with its control channel, so that `ramdrive status` and `unmount` work as ever: the
 * process of a service, or what WinFsp's Launcher has started. What a console would show goes to the event log.
 */
import type { DriveSettings } from '../../drive/config/settings.js';
import { ControlServer } from '../../drive/control/control-server.js';
import { driveCommands } from '../../drive/control/drive-commands.js';
import { DriveError, isNotSaved } from '../../drive/errors.js';
import { type DriveEvents, RamDrive } from '../../drive/ram-drive.js';
import type { ServiceWork } from '../../drive/service/service-process.js';
import type { EventLog } from '../../os/windows-service/event-log.js';
import { describeError, ExitCode, exitCodeOf } from '../exit-codes.js';

/** `settings` is asked at each start. */
export function serveDrive(settingsOf: () => DriveSettings, log: EventLog): ServiceWork {
  let drive: RamDrive | null = null;
  let isLost = false;
  const starting = new AbortController();
  return {
    async start() {
      const settings = settingsOf();
      const control = await ControlServer.claim(settings.mountPoint);
      try {
        const events: DriveEvents = {
          onWarning: (message) => log('warning', message),
          onNotSaved: (error) => {
            isLost = true;
            log('error', `What was changed since the last save is lost: ${error}`);
          },
          onHandlerError: (where, error) =>
            log('error', `A request failed inside the drive (${where}): ${error}`),
        };
        const started = await RamDrive.start(settings, events, starting.signal);
        drive = started;
        control.open(started.mountPoint, driveCommands(started));
        const ended = endOf(started, control, log);
        return { ended: ended.then((code) => (isLost ? ExitCode.FAILURE : code)) };
      } catch (error) {
        await control.close();
        throw error;
      }
    },
    async stop(mustEnd) {
      starting.abort(new DriveError('NOT_RUNNING', 'Stopped before the drive was mounted.'));
      try {
        await drive?.stop();
        return true;
      } catch (error) {
        if (drive === null || !isNotSaved(error)) throw error;
        const { mountPoint } = drive;
        if (mustEnd()) {
          log(
            'error',
            `${describeError(error)} The system shuts down, so ${mountPoint} is unmounted anyway.`,
          );
          await drive.stop({ discard: true });
          return true;
        }
        log(
          'error',
          `${describeError(error)} The drive stays mounted at ${mountPoint}. Correct that and stop it again, ` +
            `or end it without its image: ramdrive unmount --force ${mountPoint}`,
        );
        return false;
      }
    },
    failed(error) {
      log('error', describeError(error));
      return exitCodeOf(error);
    },
  };
}

/** The exit code of a drive that ended, for whatever reason. */
async function endOf(drive: RamDrive, control: ControlServer, log: EventLog): Promise<number> {
  const { reason, error } = await drive.ended;
  await control.close();
  if (reason === 'died') {
    log('error', `The drive at ${drive.mountPoint} has died; its contents are gone: ${error?.message}`);
    return ExitCode.FAILURE;
  }
  if (reason === 'volume-gone') {
    log('warning', `The drive at ${drive.mountPoint} was unmounted from outside.`);
  }
  return ExitCode.OK;
}
