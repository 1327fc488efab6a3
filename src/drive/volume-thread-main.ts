/**
 * The dispatcher thread, which owns the volume: builds memory, volume and file system, then serves requests until the
 * volume is stopped. While it serves, its event loop does not run: commands come through the control block, figures go
 * through shared memory, and messages to the main thread are posted (posting needs no event loop).
 *
 * Whatever happens here, the volume is taken down in order (dispatcher, file system, memory), so that no mount outlives
 * it. If even that is not possible, the main thread sees the worker's exit and pulls the volume away.
 */
import { isMainThread, parentPort, resourceLimits, workerData } from 'node:worker_threads';
import { nativeTimeSource } from '../os/native-clock.js';
import { NativePageMemory } from '../os/native-page-memory.js';
import { windowsUpperCase } from '../os/windows-upper-case.js';
import type { PageMemory } from '../volume/content/page-memory.js';
import { RamVolume } from '../volume/ram-volume.js';
import {
  ControlWord,
  FileAttribute,
  FspFileSystem,
  InlineDispatcher,
  readStatistics,
} from '../winfsp/index.js';
import { HEAP_SHARE_OF_INODES, MAX_PATH_UNITS } from './config/limits.js';
import type { DriveSettings } from './config/settings.js';
import { messageOf } from './errors.js';
import { FillWatch } from './fill-watch.js';
import { LedgerPublisher } from './ledger.js';
import { volumeParamsOf } from './mount/drive-volume-params.js';
import { setLinuxOptions } from './mount/linux-options.js';
import { refuseToExhaust } from './mount/memory.js';
import { RamFileSystem } from './ram-file-system.js';
import { ThreadImage } from './thread-image.js';
import { TracedVolume, TraceWriter } from './trace.js';
import {
  CHECK_NUMBER_WORD,
  DriveCommand,
  type LoopEndMessage,
  type VolumeThreadInput,
  type VolumeThreadMessage,
} from './volume-thread-messages.js';

/** A handler that fails for every request must not flood the main thread; the statistics count them all. */
const MAX_HANDLER_ERRORS_REPORTED = 100;

if (isMainThread || parentPort === null) {
  throw new Error('volume-thread-main is started by VolumeThread.');
}
const port = parentPort;
await main(workerData as VolumeThreadInput);

function post(message: VolumeThreadMessage): void {
  port.postMessage(message);
}

async function main(input: VolumeThreadInput): Promise<void> {
  const image =
    input.settings.imageFile === undefined ? null : new ThreadImage(input.settings.imageFile, post);
  let volume: RamVolume;
  try {
    volume = createVolume(input, image);
  } catch (error) {
    post({ type: 'failed', error: messageOf(error) });
    return;
  }
  let fs: FspFileSystem | null = null;
  let dispatcher: InlineDispatcher | null = null;
  let end: LoopEndMessage | null = null;
  try {
    const started = createFileSystem(volume, input, image);
    fs = started.fs;
    dispatcher = started.dispatcher;
    await dispatcher.start();
    post({ type: 'ready', reference: fs.referenceData });
    const { reason, status } = dispatcher.run();
    end = { type: 'ended', reason, status, error: null };
  } catch (error) {
    end = { type: 'ended', reason: 'died', status: 0, error: textOf(error) };
  } finally {
    const tornDown = await tearDown(fs, dispatcher);
    if (end !== null && end.reason !== 'died') {
      // No request can come any more: what was changed since the last save is saved now.
      image?.saveChanges(volume, readStatistics(input.statistics));
    }
    // Memory that the library may still copy from is left to the end of the process.
    if (tornDown) {
      volume.dispose();
    }
  }
  post(end);
}

/** Throws with nothing left behind: a mapping would outlive this thread. */
function createVolume(input: VolumeThreadInput, image: ThreadImage | null): RamVolume {
  const { pageSizeBytes, capacityBytes } = input.settings;
  const memory: PageMemory = new NativePageMemory({
    pageSizeBytes,
    pageCount: capacityBytes / pageSizeBytes,
  });
  try {
    return createVolumeIn(memory, input, image);
  } catch (error) {
    memory.dispose();
    throw error;
  }
}

function createVolumeIn(
  memory: PageMemory,
  { settings, ledger }: VolumeThreadInput,
  image: ThreadImage | null,
): RamVolume {
  const options = {
    memory,
    caseSensitive: settings.caseSensitive,
    upperCase: windowsUpperCase() ?? undefined,
    maxPathUnits: MAX_PATH_UNITS,
    label: settings.label,
    preallocate: settings.preallocate,
    onPreallocated: (doneBytes: number, totalBytes: number) => {
      post({ type: 'preallocated', doneBytes, totalBytes });
      if (settings.force !== true) {
        refuseToExhaust(doneBytes, totalBytes);
      }
    },
    maxHeapBytes: resourceLimits.maxOldGenerationSizeMb! * 2 ** 20 * HEAP_SHARE_OF_INODES,
    timeSource: nativeTimeSource(),
    keepsSetTimes: process.platform === 'win32',
  };
  const volume =
    settings.traceFile === undefined
      ? new RamVolume(options)
      : new TracedVolume(
          options,
          new TraceWriter(settings.traceFile, (error) => {
            post({ type: 'handlerError', where: 'trace, which ends here', error: messageOf(error) });
          }),
        );
  image?.load(volume);
  makeInitialDirectories(volume, settings);
  new LedgerPublisher(ledger).publish(volume);
  return volume;
}

/** Parents first; a directory that is there already is fine (`\a` and `\a\b`). */
function makeInitialDirectories(volume: RamVolume, { initialDirectories }: DriveSettings): void {
  for (const path of initialDirectories) {
    const names = path.slice(1).split('\\');
    for (let depth = 1; depth <= names.length; depth++) {
      const directory = `\\${names.slice(0, depth).join('\\')}`;
      if (typeof volume.lookup(directory) !== 'number') {
        continue;
      }
      const inode = volume.create(directory, FileAttribute.DIRECTORY, true, null, 0);
      if (typeof inode === 'number') {
        throw new Error(`The initial directory ${directory} cannot be made: ${inode >>> 0}.`);
      }
      volume.cleanup(inode, 0);
      volume.close(inode);
    }
  }
}

function createFileSystem(
  volume: RamVolume,
  { settings, device, volumePrefix, control, statistics, ledger }: VolumeThreadInput,
  image: ThreadImage | null,
): { fs: FspFileSystem; dispatcher: InlineDispatcher } {
  let reported = 0;
  const fs = FspFileSystem.create({
    fileSystem: new RamFileSystem(
      volume,
      new LedgerPublisher(ledger),
      new FillWatch((step) => post({ type: 'filled', step, freeBytes: volume.freeBytes })),
      (label) => post({ type: 'label', label }),
      process.platform !== 'win32',
    ),
    volumeParams: volumeParamsOf(settings, volumePrefix),
    device,
    control,
    onError: (where, error) => {
      if (reported < MAX_HANDLER_ERRORS_REPORTED) {
        reported += 1;
        post({ type: 'handlerError', where, error: textOf(error) });
      }
    },
  });
  setLinuxOptions(fs, settings);
  const dispatcher = new InlineDispatcher(fs, {
    statistics,
    onCommand: () => {
      const command = Atomics.exchange(control, ControlWord.COMMAND, DriveCommand.NONE);
      if ((command & DriveCommand.SAVE) !== 0) {
        image?.save(volume, readStatistics(statistics));
      }
      if ((command & DriveCommand.SELF_CHECK) !== 0) {
        const number = Atomics.load(control, CHECK_NUMBER_WORD);
        const begun = performance.now();
        const violations = volume.selfCheck();
        const milliseconds = performance.now() - begun;
        post({ type: 'selfCheck', number, violations, milliseconds });
      }
    },
  });
  return { fs, dispatcher };
}

/** False when something may still use the volume's memory. */
async function tearDown(fs: FspFileSystem | null, dispatcher: InlineDispatcher | null): Promise<boolean> {
  try {
    await dispatcher?.finish();
    return fs?.dispose() ?? true;
  } catch (error) {
    post({ type: 'handlerError', where: 'teardown', error: textOf(error) });
    return false;
  }
}

function textOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
