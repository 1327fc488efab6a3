/**
 * The worker behind a conformance run: the RAM drive's own volume and file system, served by the dispatcher that was
 * asked for. It speaks the protocol of tests/unit/winfsp/fixtures/host-worker.mjs, so that Host can start, hold and
 * stop it.
 *
 * Plain Node, no test runner: the same file runs on Linux and with Windows Node under Wine.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { hasNamedStreams, volumeParamsOf } from '../../src/drive/mount/drive-volume-params.js';
import { RamFileSystem } from '../../src/drive/ram-file-system.js';
import { NativePageMemory } from '../../src/os/native-page-memory.js';
import { RamVolume } from '../../src/volume/ram-volume.js';
import {
  AsyncDispatcher,
  type AsyncOperations,
  type FileSystemInterface,
  FspFileSystem,
  InlineDispatcher,
  liveBlocks,
  NativeDispatcher,
  registeredCallbacks,
} from '../../src/winfsp/index.js';
import { fileSystemWithFault } from './historic-faults.js';
import { settingsOf, type WorkerInput } from './served-options.js';

const port = parentPort!;
const input = workerData as WorkerInput;
const before = { callbacks: registeredCallbacks(), blocks: liveBlocks() };
const errors: [string, string][] = [];
const settings = settingsOf(input.volume);

// The parameters that Windows gets, wherever this runs.
const platform = input.volume.posix ? 'linux' : 'win32';

const volume = new RamVolume({
  memory: new NativePageMemory({
    pageSizeBytes: settings.pageSizeBytes,
    pageCount: settings.capacityBytes / settings.pageSizeBytes,
  }),
  caseSensitive: settings.caseSensitive,
  label: settings.label,
  namedStreams: hasNamedStreams(platform),
});
const fileSystem =
  input.fault === null ? new RamFileSystem(volume) : fileSystemWithFault(volume, input.fault);
holdAtGate(fileSystem, input.gate);
const fs = FspFileSystem.create({
  fileSystem,
  volumeParams: volumeParamsOf(settings, undefined, platform),
  control: input.control,
  onError: (where, error) => errors.push([where, error instanceof Error ? error.message : String(error)]),
});
const serve = { inline: serveInline, async: serveAsync, native: serveNative }[input.kind];
const end = await serve();
const disposed = fs.dispose() && fs.dispose();
const selfCheck = volume.selfCheck();
const { openCount } = volume;
volume.dispose();
port.postMessage({
  end,
  disposed,
  errors,
  commands: [],
  turns: 0,
  calls: [],
  openCount,
  selfCheck,
  leaked: { callbacks: registeredCallbacks() - before.callbacks, blocks: liveBlocks() - before.blocks },
});

async function serveInline() {
  const dispatcher = new InlineDispatcher(fs, { ...input.dispatcher, statistics: input.statistics });
  await dispatcher.start();
  port.postMessage({ reference: fs.referenceData, usesCompletionThreads: dispatcher.usesCompletionThreads });
  try {
    return dispatcher.run();
  } finally {
    await dispatcher.finish();
  }
}

async function serveAsync() {
  const dispatcher = new AsyncDispatcher(fs, answeringLater(fileSystem), {
    ...input.dispatcher,
    statistics: input.statistics,
  });
  await dispatcher.start();
  port.postMessage({ reference: fs.referenceData, usesCompletionThreads: dispatcher.usesCompletionThreads });
  try {
    return await dispatcher.ended;
  } finally {
    await dispatcher.stop();
  }
}

async function serveNative() {
  const dispatcher = new NativeDispatcher(fs, { threadCount: 4 });
  dispatcher.start();
  port.postMessage({ reference: fs.referenceData, usesCompletionThreads: false });
  await new Promise((resolve) => port.once('message', resolve));
  await dispatcher.stop();
  return { reason: 'stopped' };
}

/** The same answers, but a turn of the event loop later: other requests come in between. */
function answeringLater(target: RamFileSystem): AsyncOperations {
  const later = <A extends unknown[]>(operation: (...args: A) => number) => {
    return async (...args: A) => {
      await new Promise((resolve) => setImmediate(resolve));
      return operation.apply(target, args);
    };
  };
  return {
    read: later(target.read),
    write: later(target.write),
    readDirectory: later(target.readDirectory),
  };
}

/** While gate[0] is 1 a volume query sits here until it gets a permit in gate[2]; gate[1] tells that it has arrived. */
function holdAtGate(target: FileSystemInterface, gate: Int32Array): void {
  const getVolumeInfo = target.getVolumeInfo!.bind(target);
  target.getVolumeInfo = (view, offset) => {
    if (Atomics.load(gate, 0) === 1) {
      Atomics.store(gate, 1, 1);
      Atomics.notify(gate, 1);
      while (Atomics.load(gate, 0) === 1 && Atomics.load(gate, 2) === 0) {
        Atomics.wait(gate, 2, 0, 50);
      }
      Atomics.store(gate, 2, 0);
      Atomics.store(gate, 1, 0);
    }
    return getVolumeInfo(view, offset);
  };
}
