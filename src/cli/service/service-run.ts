/**
 * `ramdrive service run`: the process of a Windows service. Everything that a console would show goes to the event log;
 * the exit code tells the service manager whether the start or the end failed (docs/usage.md).
 */
import { readServiceConfig } from '../../drive/service/service-definition.js';
import { runServiceProcess } from '../../drive/service/service-process.js';
import { openEventLog } from '../../os/windows-service/event-log.js';
import { windowsServiceLink } from '../../os/windows-service/link.js';
import { ExitCode } from '../exit-codes.js';
import { serveDrive } from './serve-drive.js';

export async function serviceRun(name: string, configPath: string): Promise<number> {
  if (process.platform !== 'win32') {
    process.stderr.write(
      'ramdrive: "service run" is for Windows. ' +
        'On Linux the unit of "ramdrive service install" runs "ramdrive mount".\n',
    );
    return ExitCode.BAD_INPUT;
  }
  const log = openEventLog(name);
  return runServiceProcess(
    windowsServiceLink(name),
    serveDrive(() => readServiceConfig(configPath).settings, log),
  );
}
