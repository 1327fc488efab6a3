/**
 * `ramdrive mount`: serves a drive in this process until a signal, `ramdrive unmount`, an unmount from outside, or the
 * worker's death. Prints `mounted <path>` on standard output when the drive can be used; everything else goes to
 * standard error.
 */
import { rmSync } from 'node:fs';
import type { DriveSettings } from '../../drive/config/settings.js';
import { ControlServer } from '../../drive/control/control-server.js';
import { driveCommands } from '../../drive/control/drive-commands.js';
import { DriveError, isNotSaved } from '../../drive/errors.js';
import type { SaveProgress } from '../../drive/image/save-messages.js';
import { placeOf } from '../../drive/mount/mounts.js';
import { printable, printableLines } from '../../drive/printable.js';
import { type DriveEnd, RamDrive } from '../../drive/ram-drive.js';
import { isUnderSystemd, notifySystemd } from '../../os/sd-notify.js';
import { describeError, ExitCode } from '../exit-codes.js';
import { Progress } from '../progress.js';
import { BACKGROUND_LOG_VARIABLE, type BackgroundMessage, backgroundLog } from './mount-in-background.js';
import { StatusLine } from './status-line.js';
import { stopForSystemd } from './stop-for-systemd.js';
import { onStopSignals, refuseToPause } from './stop-signals.js';
import { TraceFile } from './trace-file.js';

/** More than the time between two steps of a save, even on a slow disk. */
const STOP_EXTENSION_US = 60_000_000;

export async function mountCommand(settings: DriveSettings): Promise<number> {
  const say = (message: string) => process.stderr.write(`ramdrive: ${printableLines(message)}\n`);
  let drive: RamDrive | null = null;
  let isLost = false;
  let isStopping = false;
  const start = new AbortController();
  const offSignals = onStopSignals({
    first: () => {
      isStopping = true;
      notifySystemd('STOPPING=1');
      start.abort(new DriveError('NOT_RUNNING', 'Stopped before the drive was mounted.'));
      // What goes wrong in stopping is reported below, through `ended` or here.
      if (drive === null) return;
      const stopped = isUnderSystemd() ? stopForSystemd(drive, say) : drive.stop();
      stopped.catch((error: unknown) => {
        say(describeError(error));
        saving.end();
        if (isNotSaved(error)) {
          say(
            `the drive stays mounted. Make room and unmount it, or end it without its image by a second signal.`,
          );
          return;
        }
        process.exit(ExitCode.FAILURE);
      });
    },
    again: () => {
      say(
        `forced: taking the mount away at once${settings.imageFile === undefined ? '' : '; the image is not saved'}.`,
      );
      void (drive?.forceStop() ?? Promise.resolve()).finally(() => process.exit(ExitCode.FAILURE));
    },
  });
  const offPause = refuseToPause(say);
  const control = await ControlServer.claim(await placeOf(settings.mountPoint));
  const progress = new Progress(process.stderr, 'taking memory');
  const saving = new Progress(process.stderr, 'saving');
  let trace: TraceFile | null = null;
  try {
    trace = settings.traceFile === undefined ? null : TraceFile.claim(settings.traceFile);
    const events = {
      onWarning: say,
      onSaving: ({ doneBytes, totalBytes }: SaveProgress, atEnd: boolean) => {
        if (!isStopping && !atEnd) return;
        // systemd waits as long as it goes on.
        notifySystemd(`EXTEND_TIMEOUT_USEC=${STOP_EXTENSION_US}`);
        // On a terminal the status line tells.
        if (!process.stdout.isTTY) saving.update(doneBytes, totalBytes);
      },
      onNotSaved: (error: string) => {
        isLost = true;
        say(`what was changed since the last save is lost: ${error}`);
      },
      onHandlerError: (where: string, error: string) =>
        say(`a request failed inside the drive (${where}): ${error}`),
      onPreallocated: (doneBytes: number, totalBytes: number) => {
        progress.update(doneBytes, totalBytes);
        tellParent({ doneBytes, totalBytes });
      },
    };
    drive = await RamDrive.start({ ...settings, ...traced(trace) }, events, start.signal);
    trace?.keep();
    trace = null;
    progress.end();
    const end = await serve(drive, control);
    const code = report(end, drive, say);
    return isLost ? ExitCode.FAILURE : code;
  } catch (error) {
    progress.end();
    trace?.discard();
    // Nothing may stay mounted that cannot be found.
    await drive?.stop().catch(() => {});
    throw error;
  } finally {
    offSignals();
    offPause();
    await control.close();
    removeBackgroundLog();
  }
}

function traced(trace: TraceFile | null): { traceFile?: string } {
  return trace === null ? {} : { traceFile: trace.path };
}

async function serve(drive: RamDrive, control: ControlServer): Promise<DriveEnd> {
  control.open(drive.mountPoint, driveCommands(drive));
  notifySystemd('READY=1');
  process.stdout.write(`mounted ${printable(drive.mountPoint)}\n`);
  tellParent({ mounted: drive.mountPoint }, () => {
    // The parent may have hung up the moment it heard; to hang up twice would end the drive.
    if (process.connected) {
      process.disconnect();
    }
  });
  const statusLine = new StatusLine(process.stdout, () => drive.status());
  statusLine.start();
  try {
    return await drive.ended;
  } finally {
    statusLine.stop();
  }
}

function report({ reason, error }: DriveEnd, drive: RamDrive, say: (message: string) => void): number {
  if (error?.code === 'NOT_MOUNTED') {
    say(`${error.message} ${drive.hasImage ? 'Its image has what was on it.' : 'Its contents are gone.'}`);
    return ExitCode.FAILURE;
  }
  if (reason === 'died') {
    say(
      `the drive at ${drive.mountPoint} has died and is unmounted; its contents are gone: ${error?.message}`,
    );
    return ExitCode.FAILURE;
  }
  if (reason === 'volume-gone') {
    say(`the drive at ${drive.mountPoint} was unmounted from outside.`);
  }
  return ExitCode.OK;
}

/** What `mount --background` waits for. */
function tellParent(message: BackgroundMessage, done: () => void = () => {}): void {
  if (process.env[BACKGROUND_LOG_VARIABLE] !== undefined && process.connected) {
    process.send?.(message, done);
  }
}

function removeBackgroundLog(): void {
  const log = backgroundLog();
  // Until the parent has let go it wants to read it.
  if (log !== null && !process.connected) {
    rmSync(log, { force: true });
  }
}
