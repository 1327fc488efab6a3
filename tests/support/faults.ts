/** Faults that a test asks a drive's process for; fault-injection.mjs puts them in. */
import { pathToFileURL } from 'node:url';
import { packageRoot } from '../../src/package-root.js';

export interface InjectedFaults {
  /** A request for a path with this last name makes the handler throw. */
  throwOnName?: string;
  /** Callbacks (names of FileSystemInterface) that throw whenever they are called. */
  throwIn?: string[];
  /** A request for a path with this last name ends the volume's thread, as a bug outside of any handler would. */
  dieOnName?: string;
  /** The system refuses to commit more bytes than this. */
  failCommitAboveBytes?: number;
  /** The system refuses to commit anything while this file exists; a path outside of the drive. */
  refuseMemoryWhile?: string;
  /** A save waits before each file that it writes while this file exists; a path outside of the drive. */
  holdSaveWhile?: string;
  /** The heap of the volume's thread has this many MiB. */
  workerHeapMib?: number;
  /** Every answer goes with the dispatcher's next call: shows why completion threads are needed. */
  noCompletionThreads?: boolean;
  /** A rule of fault-injection.mjs by which the serving thread delivers what may nest. */
  deliverInline?: string;
}

/** Environment variables for the process; those that it starts inherit them. */
export function faultEnvironment(faults: InjectedFaults): Record<string, string> {
  const module = new URL('tests/support/fault-injection.mjs', pathToFileURL(`${packageRoot()}/`));
  const options = process.env.NODE_OPTIONS ?? '';
  return {
    NODE_OPTIONS: `${options} --import=${module.href}`.trim(),
    RAMDRIVE_TEST_FAULTS: JSON.stringify(faults),
  };
}
