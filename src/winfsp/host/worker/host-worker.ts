/**
 * The worker of a WorkerVolume: loads the module of a synchronous file system and serves it with the inline dispatcher.
 * While it serves, its event loop does not run; messages to the main thread are posted all the same. Afterwards it can
 * serve the next file system of the same module.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { parentPort } from 'node:worker_threads';
import { InlineDispatcher } from '../../dispatch/inline-dispatcher.js';
import { FspFileSystem } from '../../library/fsp-file-system.js';
import type { FileSystem } from '../file-system.js';
import { FileSystemAdapter } from '../file-system-adapter.js';
import {
  allocationUnitBytes,
  errorOf,
  type VolumeEnd,
  volumeEndOf,
  volumeParamsFor,
} from '../served-volume.js';
import type { HostWorkerInput, HostWorkerMessage } from './host-worker-protocol.js';

const port = parentPort!;

port.on('message', (input: HostWorkerInput | null) => {
  if (input === null) {
    port.close();
  } else {
    void main(input);
  }
});

function post(message: HostWorkerMessage): void {
  port.postMessage(message);
}

function reportError(where: string, error: unknown): void {
  // Not every thrown value can be sent; its text can.
  const { message, stack } = errorOf(error);
  post({ type: 'handlerError', where, error: Object.assign(new Error(message), { stack }) });
}

async function main(input: HostWorkerInput): Promise<void> {
  let fs: FspFileSystem;
  let adapter: FileSystemAdapter<unknown>;
  let dispatcher: InlineDispatcher;
  let reusable: boolean;
  try {
    const exported = await load(input.moduleUrl);
    // What a module exports itself may have changed while it was served; what its function returns is new each time.
    reusable = typeof exported === 'function';
    const fileSystem = await fileSystemOf(exported, input);
    const volumeParams = volumeParamsFor(fileSystem, input.volumeParams);
    adapter = new FileSystemAdapter(fileSystem, allocationUnitBytes(volumeParams));
    fs = FspFileSystem.create({
      fileSystem: adapter.table,
      volumeParams,
      device: input.device,
      control: input.control,
      onError: reportError,
    });
    dispatcher = new InlineDispatcher(fs, { statistics: input.statistics });
  } catch (error) {
    post({ type: 'failed', error: errorOf(error) });
    port.close();
    return;
  }
  let end: VolumeEnd;
  try {
    await dispatcher.start();
    post({ type: 'ready', reference: fs.referenceData });
    end = volumeEndOf(dispatcher.run());
  } catch (error) {
    end = { reason: 'died', error: errorOf(error) };
  }
  await dispatcher.finish();
  adapter.closeAll(reportError);
  fs.dispose();
  reusable &&= end.error === null;
  post({ type: 'ended', end, reusable });
  if (reusable) {
    // The file system is garbage now, perhaps a lot of it, and a thread that waits would not collect it.
    setImmediate(collectGarbage);
  } else {
    port.close();
  }
}

async function load(moduleUrl: string): Promise<unknown> {
  return ((await import(moduleUrl)) as { default?: unknown }).default;
}

async function fileSystemOf(exported: unknown, { moduleUrl, data }: HostWorkerInput): Promise<FileSystem> {
  const fileSystem = typeof exported === 'function' ? await exported(data) : exported;
  if (typeof fileSystem !== 'object' || fileSystem === null) {
    throw new TypeError(
      `${moduleUrl}: expected a default export that is a file system, or a function that returns one.`,
    );
  }
  return fileSystem as FileSystem;
}

function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as () => void;
  setFlagsFromString('--no-expose-gc');
  gc();
}
