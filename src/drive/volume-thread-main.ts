/**
 * The dispatcher thread, which owns the volume: builds memory, volume and file system, then serves requests until the
 * volume is stopped. While it serves, its event loop does not run: commands come through the control block, figures go
 * through shared memory, and messages to the main thread are posted (posting needs no event loop).
 *
 * Whatever happens here, the volume is taken down in order (dispatcher, file system, memory), so that no mount outlives
 * it. If even that is not possible, the main thread sees the worker's exit and pulls the volume away.
 */
import {
  isMainThread,
  parentPort,
  receiveMessageOnPort,
  resourceLimits,
  workerData,
} from 'node:worker_threads';
import { NtStatus } from '../ntstatus.js';
import { nativeTimeSource } from '../os/native-clock.js';
import { NativePageMemory } from '../os/native-page-memory.js';
import { windowsUpperCase } from '../os/windows-upper-case.js';
import { MAX_PAGE_COUNT, type PageMemory } from '../volume/content/page-memory.js';
import { RamVolume } from '../volume/ram-volume.js';
import {
  allocateControlBlock,
  ControlWord,
  FileAttribute,
  FspFileSystem,
  InlineDispatcher,
} from '../winfsp/index.js';
import { HEAP_SHARE_OF_INODES, MAX_PATH_UNITS } from './config/limits.js';
import type { DriveSettings } from './config/settings.js';
import { messageOf } from './errors.js';
import { FillWatch } from './fill-watch.js';
import type { SaveRequest } from './image/save-messages.js';
import { ThreadImage } from './image/thread-image.js';
import { LedgerPublisher } from './ledger.js';
import { hasNamedStreams, volumeParamsOf } from './mount/drive-volume-params.js';
import { setLinuxOptions } from './mount/linux-options.js';
import { readMemory, refuseToExhaust } from './mount/memory.js';
import { RamFileSystem } from './ram-file-system.js';
import type { RequestMessage } from './requests/messages.js';
import { handleRequest, snapshotList } from './requests/request-handler.js';
import { TracedVolume, TraceWriter } from './trace.js';
import {
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
  const { imageFile, traceFile } = input.settings;
  const standsStill = traceFile !== undefined;
  const image = new ThreadImage({ path: imageFile, statistics: input.statistics, standsStill, post });
  let volume: RamVolume;
  try {
    volume = await createVolume(input, image);
  } catch (error) {
    post({ type: 'failed', error: messageOf(error) });
    return;
  }
  const fill = new FillWatch((step) =>
    post({ type: 'filled', step, freeBytes: volume.freeBytes, capacityBytes: volume.totalBytes }),
  );
  let served = await serve(volume, input, image, fill);
  while (served.isRolledBack) {
    served = await serve(volume, { ...input, control: allocateControlBlock() }, image, fill);
  }
  const isIdle = await image.untilIdle(() => takeSaves(volume, image));
  if (served.isSound) {
    // No request can come any more: what was changed since the last save is saved now.
    await image.saveChanges(volume);
  }
  // Memory that the library or a save may still copy from is left to the end of the process.
  if (served.isTornDown && isIdle) {
    volume.dispose();
  }
  post(served.end);
}

/** When no loop runs any more; whoever waits for other requests hears that the drive has ended. */
function takeSaves(volume: RamVolume, image: ThreadImage): void {
  for (let next = receiveMessageOnPort(port); next !== undefined; next = receiveMessageOnPort(port)) {
    const message = next.message as RequestMessage | SaveRequest;
    if ('type' in message) image.handle(volume, message);
  }
}

interface Served {
  end: LoopEndMessage;
  /** Nothing can use the volume's memory any more. */
  isTornDown: boolean;
  /** No exception can have left the volume's content half changed. */
  isSound: boolean;
  /** The volume is to get another front end, which knows nothing of before. */
  isRolledBack: boolean;
}

/** Gives the volume a front end, and takes it away when the loop has ended. */
async function serve(
  volume: RamVolume,
  input: VolumeThreadInput,
  image: ThreadImage,
  fill: FillWatch,
): Promise<Served> {
  let started: FrontEnd | null = null;
  let end: LoopEndMessage;
  let isSound = true;
  try {
    started = createFileSystem(volume, input, image, fill);
    await started.dispatcher.start();
    post({ type: 'ready', reference: started.fs.referenceData });
    isSound = false;
    const { reason, status } = started.dispatcher.run();
    isSound = true;
    end = { type: 'ended', reason, status, error: null };
  } catch (error) {
    end = { type: 'ended', reason: 'died', status: 0, error: textOf(error) };
  }
  const isTornDown = await tearDown(started);
  const isRolledBack = started?.isRolledBack() === true && isSound;
  if (isRolledBack && !isTornDown) {
    const error = 'after a rollback the volume of before could not be taken away';
    return { end: { ...end, reason: 'died', error }, isTornDown, isSound, isRolledBack: false };
  }
  return { end, isTornDown, isSound, isRolledBack };
}

/** Throws with nothing left behind: a mapping would outlive this thread. */
async function createVolume(input: VolumeThreadInput, image: ThreadImage): Promise<RamVolume> {
  const memory = reserveMemory(input.settings);
  try {
    return await createVolumeIn(memory, input, image);
  } catch (error) {
    memory.dispose();
    throw error;
  }
}

/** Addresses for as much as the machine has, to grow into; where the system refuses them, for the capacity. */
function reserveMemory({ pageSizeBytes, capacityBytes }: DriveSettings): PageMemory {
  const pageCount = capacityBytes / pageSizeBytes;
  const pagesOfMachine = Math.min(Math.floor(readMemory().totalBytes / pageSizeBytes), MAX_PAGE_COUNT);
  if (pagesOfMachine > pageCount) {
    try {
      return new NativePageMemory({ pageSizeBytes, pageCount: pagesOfMachine });
    } catch {
      // A limit of the address space.
    }
  }
  return new NativePageMemory({ pageSizeBytes, pageCount });
}

async function createVolumeIn(
  memory: PageMemory,
  { settings, ledger }: VolumeThreadInput,
  image: ThreadImage,
): Promise<RamVolume> {
  const options = {
    memory,
    caseSensitive: settings.caseSensitive,
    namedStreams: hasNamedStreams(),
    upperCase: windowsUpperCase() ?? undefined,
    maxPathUnits: MAX_PATH_UNITS,
    label: settings.label,
    capacityPages: settings.capacityBytes / settings.pageSizeBytes,
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
  await image.load(volume);
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

interface FrontEnd {
  fs: FspFileSystem;
  dispatcher: InlineDispatcher;
  isRolledBack: () => boolean;
}

function createFileSystem(
  volume: RamVolume,
  { settings, device, volumePrefix, control, statistics, ledger }: VolumeThreadInput,
  image: ThreadImage,
  fill: FillWatch,
): FrontEnd {
  let reported = 0;
  const fileSystem = new RamFileSystem(
    volume,
    new LedgerPublisher(ledger),
    fill,
    (label) => post({ type: 'label', label }),
    process.platform !== 'win32',
  );
  const fs = FspFileSystem.create({
    fileSystem,
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
  let isRolledBack = false;
  const onRequests = () => {
    for (let next = receiveMessageOnPort(port); next !== undefined; next = receiveMessageOnPort(port)) {
      const message = next.message as RequestMessage | SaveRequest;
      if ('type' in message) {
        image.handle(volume, message);
        fileSystem.publish();
        continue;
      }
      const { id, request } = message;
      const answer = handleRequest(volume, request);
      if (request.command === 'rollback' && 'result' in answer) {
        // What the kernel and programs know is of before: nothing of the new content may be mixed with it.
        isRolledBack = true;
        dispatcher.refuseRequests(NtStatus.VOLUME_DISMOUNTED);
        image.markChanged();
      }
      fileSystem.publish();
      post({ type: 'snapshots', ...snapshotList(volume) });
      post({ type: 'answer', id, answer });
    }
  };
  const dispatcher = new InlineDispatcher(fs, {
    statistics,
    onDiskFull: () => image.makeRoom(volume),
    onCommand: () => {
      const command = Atomics.exchange(control, ControlWord.COMMAND, DriveCommand.NONE);
      if ((command & DriveCommand.REQUEST) !== 0) {
        onRequests();
      }
    },
  });
  return { fs, dispatcher, isRolledBack: () => isRolledBack };
}

/** False when something may still use the volume's memory. */
async function tearDown(frontEnd: FrontEnd | null): Promise<boolean> {
  try {
    await frontEnd?.dispatcher.finish();
    return frontEnd?.fs.dispose() ?? true;
  } catch (error) {
    post({ type: 'handlerError', where: 'teardown', error: textOf(error) });
    return false;
  }
}

function textOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
