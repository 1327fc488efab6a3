/**
 * What a run tortures: a drive of its own, a drive that is mounted already, or any other directory (then without the
 * ledger).
 */

import { mkdtempSync, realpathSync, rmdirSync } from 'node:fs';
import { rmdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MountedDrive } from '../../scripts/demo/mounted-drive.js';
import { formatSize } from '../../src/drive/config/sizes.js';
import {
  type AskOptions,
  ask,
  type CommandResults,
  findDrives,
} from '../../src/drive/control/control-client.js';
import type { ControlCommand } from '../../src/drive/control/control-protocol.js';
import type { DriveRecord } from '../../src/drive/control/drive-records.js';
import { lazyUnmount } from '../../src/drive/mount/linux-mount-point.js';
import { readMounts } from '../../src/drive/mount/mounts.js';
import type { DriveStatus, SelfCheckResult } from '../../src/drive/status.js';
import { faultEnvironment } from '../support/faults.js';

const LATE_DRIVE = fileURLToPath(new URL('./late-drive.js', import.meta.url));

export interface TargetOptions {
  capacityBytes: number;
  mountOptions: readonly string[];
  /** A drive that answers late and out of order. */
  lateAnswers: boolean;
  /** While this file exists the drive gets no memory from the system. */
  refuseMemoryFlag: string;
}

export class Target {
  #drive: MountedDrive | null = null;
  #record: DriveRecord | null = null;

  private constructor(
    /** An empty directory, on the file system that is tortured. */
    readonly root: string,
    readonly options: TargetOptions | null,
  ) {}

  static async mount(options: TargetOptions): Promise<Target> {
    const target = new Target(mkdtempSync(join(realpathSync(tmpdir()), 'ramdrive-chaos-')), options);
    try {
      await target.#mount();
    } catch (error) {
      await target.abandon();
      throw error;
    }
    return target;
  }

  /** An existing directory. */
  static async existing(path: string): Promise<Target> {
    const target = new Target(mkdtempSync(join(realpathSync(path), 'ramdrive-chaos-')), null);
    const drives = await findDrives();
    target.#record = drives.find(({ mountPoint }) => target.root.startsWith(mountPoint + sep)) ?? null;
    return target;
  }

  get isOwn(): boolean {
    return this.options !== null;
  }

  /** Whether there is a drive of this project behind it, which can be asked. */
  get isDrive(): boolean {
    return this.#record !== null;
  }

  get pid(): number | null {
    return this.#record?.pid ?? null;
  }

  /** The drive's own process, for signals; only when it is ours. */
  get process() {
    return this.#drive?.process ?? null;
  }

  get errorOutput(): string {
    return this.#drive?.errorOutput() ?? '';
  }

  /** Throws when there is no drive that could be asked, or when it does not answer. */
  status(): Promise<DriveStatus> {
    return ask(this.#record!, 'status');
  }

  selfCheck(): Promise<SelfCheckResult> {
    return ask(this.#record!, 'selfCheck');
  }

  ask<C extends ControlCommand>(command: C, options: AskOptions): Promise<CommandResults[C]> {
    return ask(this.#record!, command, options);
  }

  /** Saves to an image that is not there yet, unmounts, and mounts that again. Returns the exit code in between. */
  async reload(image: string): Promise<number | null> {
    await this.ask('save', { file: image });
    const code = await this.#drive!.unmount();
    await this.#mount(['--image', image]);
    return code;
  }

  /** After the drive was killed: a dead mount is cleared by the next one at the same place. */
  async remount(): Promise<void> {
    await this.#drive!.ended();
    await this.#mount();
  }

  /** In order, as a user ends it. Returns the exit code of the drive's process. */
  async unmount(): Promise<number | null> {
    const code = await this.#drive!.unmount();
    this.#drive = null;
    this.#record = null;
    rmdirSync(this.root);
    return code;
  }

  /** Whatever state it is in, away with it. */
  async abandon(): Promise<void> {
    const drive = this.#drive;
    if (drive !== null) {
      drive.process.kill('SIGCONT');
      drive.kill();
      await drive.ended();
      this.#drive = null;
    }
    await this.#removeRoot();
  }

  async #removeRoot(): Promise<void> {
    const mounts = process.platform === 'linux' ? await readMounts() : [];
    if (mounts.some(({ mountPoint }) => mountPoint === this.root)) {
      await lazyUnmount(this.root);
    }
    // In someone else's directory what was found is left where it is.
    if (this.isOwn) {
      await rmdir(this.root).catch(() => {});
    }
  }

  describe(): string {
    if (this.options === null) {
      return this.isDrive ? `the drive mounted at ${this.#record!.mountPoint}` : `the directory ${this.root}`;
    }
    const more = [...(this.options.lateAnswers ? ['late answers'] : []), ...this.options.mountOptions].join(
      ' ',
    );
    return `a drive of ${formatSize(this.options.capacityBytes)}${more === '' ? '' : ` (${more})`}`;
  }

  async #mount(more: readonly string[] = []): Promise<void> {
    const { capacityBytes, mountOptions, lateAnswers, refuseMemoryFlag } = this.options!;
    this.#drive = await MountedDrive.mount(
      this.root,
      ['--capacity', String(capacityBytes), ...mountOptions, ...more],
      // Ctrl+C ends the run, which then ends the drive.
      {
        env: faultEnvironment({ refuseMemoryWhile: refuseMemoryFlag }),
        detached: true,
        ...(lateAnswers ? { program: LATE_DRIVE } : {}),
      },
    );
    this.#record = this.#drive.record;
  }
}
