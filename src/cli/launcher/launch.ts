/**
 * `ramdrive launch <share> [letter]`: the process of a drive that WinFsp's Launcher has started. It has no console that
 * anyone sees, so what it has to say goes to the event log. The Launcher ends it by Ctrl+Break, and by force 5 seconds
 * later: there is no image to save.
 */
import { launchedSettings } from '../../drive/launcher/launched-drive.js';
import { openEventLog } from '../../os/windows-service/event-log.js';
import { describeError, ExitCode, exitCodeOf } from '../exit-codes.js';
import { onStopSignals } from '../mount/stop-signals.js';
import { serveDrive } from '../service/serve-drive.js';

/** Apart from a service's, whose removal takes its own source away. */
export const EVENT_SOURCE = 'ramdrive-launch';

export async function launch(share: string, letter: string): Promise<number> {
  if (process.platform !== 'win32') {
    process.stderr.write('ramdrive: "launch" is what WinFsp\'s Launcher starts on Windows.\n');
    return ExitCode.BAD_INPUT;
  }
  const log = openEventLog(EVENT_SOURCE);
  const drive = serveDrive(() => launchedSettings(share, letter), log);
  const stop = () => {
    const mustEnd = () => true;
    drive.stop(mustEnd).catch((error: unknown) => {
      log('error', describeError(error));
      process.exit(ExitCode.FAILURE);
    });
  };
  const offSignals = onStopSignals({ first: stop, again: () => process.exit(ExitCode.FAILURE) });
  try {
    const { ended } = await drive.start();
    return await ended;
  } catch (error) {
    log('error', describeError(error));
    process.stderr.write(`ramdrive: ${describeError(error)}\n`);
    return exitCodeOf(error);
  } finally {
    offSignals();
  }
}
