/**
 * The life of a Windows service, as its process tells it to the service manager: START_PENDING with checkpoints until
 * the drive is mounted, RUNNING, STOP_PENDING until everything is saved and unmounted, STOPPED with the exit code. A
 * stop whose save fails leads back to RUNNING, unless the system shuts down. The calls of advapi32 are behind
 * `ServiceManagerLink` (src/os/windows-service/link.ts), so that what only a system in its shutdown sends can be tested
 * anywhere.
 *
 * Rules (documentation of SetServiceStatus and HandlerEx): a pending state must be told again, with a higher
 * checkpoint, within its wait hint, or the manager believes that the service hangs; the control handler returns at
 * once; STOPPED is the last word, and is told when the process has nothing left to lose.
 */

import { ServiceControl, type ServiceManagerLink, ServiceState } from '../../os/windows-service/states.js';

/** SERVICE_ACCEPT_STOP, SERVICE_ACCEPT_SHUTDOWN, SERVICE_ACCEPT_PRESHUTDOWN. */
const ACCEPTED_WHILE_RUNNING = 0x1 | 0x4 | 0x100;

/** ERROR_SERVICE_SPECIFIC_ERROR: the code that counts is `serviceSpecificExitCode`. */
const SERVICE_SPECIFIC_ERROR = 1066;

/** How often a pending state is told again, and how long the manager may wait for it. */
const CHECKPOINT_EVERY_MS = 1000;
const WAIT_HINT_MS = 10_000;

export interface ServiceWork {
  /**
   * Mounts. Settles when the drive can be used, with a promise of its end: the exit code, 0 when in order, also after
   * `stop`. Rejects with what prevents it.
   */
  start(): Promise<{ ended: Promise<number> }>;
  /**
   * Saves and unmounts. False: it could not be saved and stays mounted; the log says why. When `mustEnd` answers true
   * by then, it ends without. A rejection ends the service, with a code that says so.
   */
  stop(mustEnd: () => boolean): Promise<boolean>;
  /** The exit code for what `start` or `stop` threw; says why in the log. */
  failed(error: unknown): number;
}

/** Runs `work` as a service. Answers its exit code when the service manager has let go of the process. */
export async function runServiceProcess(link: ServiceManagerLink, work: ServiceWork): Promise<number> {
  let checkpoint = 0;
  let exitCode = 0;
  let ticking: NodeJS.Timeout | undefined;
  let stopping = false;
  let mustEnd = false;
  let stopped = false;

  const pending = (state: number) => {
    clearInterval(ticking);
    checkpoint = 0;
    const tell = () =>
      link.setStatus({
        state,
        controlsAccepted: 0,
        win32ExitCode: 0,
        serviceSpecificExitCode: 0,
        checkpoint: ++checkpoint,
        waitHintMs: WAIT_HINT_MS,
      });
    tell();
    ticking = setInterval(tell, CHECKPOINT_EVERY_MS);
  };
  const settled = (state: number) => {
    // STOPPED is the last word.
    if (stopped) return;
    stopped = state === ServiceState.STOPPED;
    clearInterval(ticking);
    link.setStatus({
      state,
      controlsAccepted: state === ServiceState.RUNNING ? ACCEPTED_WHILE_RUNNING : 0,
      win32ExitCode: state === ServiceState.STOPPED && exitCode !== 0 ? SERVICE_SPECIFIC_ERROR : 0,
      serviceSpecificExitCode: state === ServiceState.STOPPED ? exitCode : 0,
      checkpoint: 0,
      waitHintMs: 0,
    });
  };
  const run = async () => {
    pending(ServiceState.START_PENDING);
    try {
      const { ended } = await work.start();
      if (!stopping) settled(ServiceState.RUNNING);
      const code = await ended;
      if (!stopped) exitCode = code;
    } catch (error) {
      // A start that was broken off because the service has to stop is in order.
      if (!stopping) exitCode = work.failed(error);
    }
    settled(ServiceState.STOPPED);
  };
  const stop = async (control: number) => {
    // Of a stop that fails an operator hears, and can make room; a system in its shutdown waits for no one.
    if (control !== ServiceControl.STOP) mustEnd = true;
    if (stopping) return;
    stopping = true;
    pending(ServiceState.STOP_PENDING);
    try {
      if (!(await work.stop(() => mustEnd))) {
        stopping = false;
        settled(ServiceState.RUNNING);
      }
    } catch (error) {
      exitCode = work.failed(error);
      settled(ServiceState.STOPPED);
    }
  };
  await link.connect(
    () => void run(),
    (control) => {
      if (
        control === ServiceControl.STOP ||
        control === ServiceControl.SHUTDOWN ||
        control === ServiceControl.PRESHUTDOWN
      ) {
        void stop(control);
      }
    },
  );
  return exitCode;
}
