/** A volume whose handlers run on this thread, served by the async dispatcher. */
import { AsyncDispatcher } from '../dispatch/async-dispatcher.js';
import { FspFileSystem } from '../library/fsp-file-system.js';
import type { VolumeReference } from '../library/volume-reference.js';
import type { FileSystem } from './file-system.js';
import { FileSystemAdapter } from './file-system-adapter.js';
import {
  allocationUnitBytes,
  errorOf,
  type ServedVolume,
  type VolumeEnd,
  type VolumeOptions,
  volumeEndOf,
  volumeParamsFor,
} from './served-volume.js';

export class LocalVolume<Context> implements ServedVolume {
  readonly reference: VolumeReference;
  readonly ended: Promise<VolumeEnd>;
  readonly adapter: FileSystemAdapter<Context>;
  readonly dispatcher: AsyncDispatcher;
  readonly #fs: FspFileSystem;
  readonly #onError: (where: string, error: unknown) => void;
  #stopping: Promise<void> | null = null;

  /** Throws VolumeParamsError, WinFspLibraryError or WinFspCallError; nothing is left behind then. */
  static async start<Context>(
    fileSystem: FileSystem<Context>,
    options: VolumeOptions,
  ): Promise<LocalVolume<Context>> {
    const volume = new LocalVolume(fileSystem, options);
    try {
      await volume.dispatcher.start();
      return volume;
    } catch (error) {
      await volume.stop();
      throw error;
    }
  }

  private constructor(fileSystem: FileSystem<Context>, options: VolumeOptions) {
    const volumeParams = volumeParamsFor(fileSystem as FileSystem, options.volumeParams);
    this.#onError = (where, error) => options.onError(errorOf(error), where);
    this.adapter = new FileSystemAdapter(fileSystem, allocationUnitBytes(volumeParams));
    this.#fs = FspFileSystem.create({
      fileSystem: this.adapter.table,
      volumeParams,
      device: options.device,
      onError: this.#onError,
    });
    this.dispatcher = new AsyncDispatcher(this.#fs, this.adapter.operations, {
      stopGraceMs: options.stopGraceMs,
      ...options.delivery,
    });
    this.reference = this.#fs.reference();
    this.ended = this.dispatcher.ended.then(volumeEndOf);
  }

  get statistics(): SharedArrayBuffer {
    return this.dispatcher.statistics;
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    await this.dispatcher.stop();
    this.adapter.closeAll(this.#onError);
    if (!(await this.#fs.disposeAsync())) {
      this.#onError(
        'stop',
        new Error('Calls into the library did not return; the volume was left as it is.'),
      );
    }
  }
}
