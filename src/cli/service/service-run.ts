/**
 * `ramdrive service run`: the process of a Windows service. Everything that a console would show goes to the event log;
 * the exit code tells the service manager whether the start or the end failed (docs/usage.md).
 */
import { ControlServer } from '../../drive/control/control-server.js';
import { driveCommands } from '../../drive/control/drive-commands.js';
import { DriveError } from '../../drive/errors.js';
import { type DriveEvents, RamDrive } from '../../drive/ram-drive.js';
import { readServiceConfig } from '../../drive/service/service-definition.js';
import { runServiceProcess, type ServiceWork } from '../../drive/service/service-process.js';
import { openEventLog } from '../../os/windows-service/event-log.js';
import { windowsServiceLink } from '../../os/windows-service/link.js';
import { describeError, ExitCode, exitCodeOf } from '../exit-codes.js';

export async function serviceRun(name: string, configPath: string): Promise<number> {
  if (process.platform !== 'win32') {
    process.stderr.write(
      'ramdrive: "service run" is for Windows. ' +
        'On Linux the unit of "ramdrive service install" runs "ramdrive mount".\n',
    );
    return ExitCode.BAD_INPUT;
  }
  const log = openEventLog(name);
  return runServiceProcess(windowsServiceLink(name), serveByConfig(configPath, log));
}

type Log = ReturnType<typeof openEventLog>;

/** Mounts what the file says, with its control channel, so that `ramdrive status` and `unmount` work as ever. */
function serveByConfig(configPath: string, log: Log): ServiceWork {
  let drive: RamDrive | null = null;
  const starting = new AbortController();
  return {
    async start() {
      const { settings } = readServiceConfig(configPath);
      const control = await ControlServer.claim(settings.mountPoint);
      try {
        const events: DriveEvents = {
          onWarning: (message) => log('warning', message),
          onHandlerError: (where, error) =>
            log('error', `A request failed inside the drive (${where}): ${error}`),
        };
        const started = await RamDrive.start(settings, events, starting.signal);
        drive = started;
        control.open(started.mountPoint, driveCommands(started));
        return { ended: endOf(started, control, log) };
      } catch (error) {
        await control.close();
        throw error;
      }
    },
    async stop() {
      starting.abort(new DriveError('NOT_RUNNING', 'Stopped before the drive was mounted.'));
      await drive?.stop();
    },
    failed(error) {
      log('error', describeError(error));
      return exitCodeOf(error);
    },
  };
}

/** The exit code of a drive that ended, for whatever reason. */
async function endOf(drive: RamDrive, control: ControlServer, log: Log): Promise<number> {
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
