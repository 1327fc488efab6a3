/**
 * What differs between the systems that the end-to-end layer runs on: who is compared, where a drive is put, what uses
 * it, and how processes stay on one CPU. The system is chosen here and nowhere else; everything above knows only this
 * interface.
 */
import type { ChildProcess } from 'node:child_process';
import type { Workload } from '../end-to-end/workloads.js';
import type { Contender } from './contender.js';
import { LINUX } from './linux.js';
import { WINDOWS } from './windows.js';

export interface Platform {
  /** Why no drive can be measured here, or null. */
  whyNoMount(): string | null;
  contenders: readonly Contender[];
  /**
   * Builds what has to be built; returns what went wrong, or null. Contenders that are missing then say so themselves.
   */
  buildPeers(): Promise<string | null>;

  /** The program that uses the drives, to be followed by the words of a workload. */
  client: readonly string[];
  /** Why a workload cannot be measured here, or null. */
  whyLeftOut(workload: Workload): string | null;
  /** Why memory cannot be measured here, or null. */
  whyNoMemory(): string | null;

  /** A free place for a contender to be mounted at: a directory or a drive. */
  makePlace(contender: Contender): string;
  /** Whether another file system is there than before. */
  isMounted(place: string): boolean;
  /** Asks a server to end. */
  stopServer(server: ChildProcess, contender: Contender, place: string): Promise<void>;
  /** Takes the place from a server that does not end when it is asked. */
  detach(place: string): Promise<void>;
  /** Gives the place back once its server has ended, even if the mount outlived it. */
  removePlace(place: string): Promise<void>;

  /** Why nothing can be pinned here, or null. Without it nothing can be ranked, see docs/performance.md. */
  whyNotPinned(): string | null;
  /**
   * The command that runs `command` on the one CPU that all measured processes share, or everywhere. To be started at
   * once.
   */
  pinned(command: readonly string[], pin: boolean): string[];
  /** For measurements inside of this process: all of its threads, those that it has and those that it will start. */
  pinThisProcess(): void;
  /** Lets every thread run everywhere again. */
  unpinThisProcess(): void;
}

export const PLATFORM: Platform = process.platform === 'win32' ? WINDOWS : LINUX;
