/**
 * Faults in a running drive, for tests of what must never happen: loaded before the compiled program (`node --import`,
 * see faults.ts), it changes classes of the program in the process and in its volume thread. What ships knows nothing
 * of it.
 */
import { existsSync } from 'node:fs';
import { createRequire, syncBuiltinESMExports } from 'node:module';
import { pathToFileURL } from 'node:url';
import { isMainThread } from 'node:worker_threads';

const faults = JSON.parse(process.env.RAMDRIVE_TEST_FAULTS ?? '{}');
const [, root, script] = /^(.*[\\/])dist[\\/]src[\\/](.*)\.js$/.exec(process.argv[1] ?? '') ?? [];

const WRITE = 6;
const SET_INFORMATION = 8;
const informationClass = (request) => request.getUint32(32, true);
const setsSize = (request) => [19, 20].includes(informationClass(request));
/** Faults in the rules of src/winfsp/threads/answer-routing.ts: who would be the serving thread's by them. */
const inlineRules = {
  writes: (kind) => kind === WRITE,
  sizes: (kind, request) => kind === SET_INFORMATION && setsSize(request),
  /** As if only the new end counted. */
  'whole pages': (kind, request, response) =>
    kind === SET_INFORMATION && setsSize(request) && response.getUint32(24 + 16, true) % 4096 === 0,
};

if (isMainThread && faults.workerHeapMib !== undefined) {
  limitHeap(faults.workerHeapMib);
}
if (!isMainThread && /^drive[\\/]volume-thread-main$/.test(script ?? '')) {
  await changeMemory(faults);
  await changeDelivery(faults);
  await changeFileSystem(faults);
}
if (!isMainThread && /^drive[\\/]image[\\/]save-thread-main$/.test(script ?? '')) {
  await changeSave(faults);
}

function load(module) {
  return import(pathToFileURL(`${root}dist/src/${module}`).href);
}

/** The heap of the volume's thread, in MiB. */
function limitHeap(maxOldGenerationSizeMb) {
  const threads = createRequire(import.meta.url)('node:worker_threads');
  threads.Worker = class extends threads.Worker {
    constructor(url, options) {
      const isVolume = options?.name === 'ramdrive-volume';
      super(url, isVolume ? { ...options, resourceLimits: { maxOldGenerationSizeMb } } : options);
    }
  };
  syncBuiltinESMExports();
}

/** `failCommitAboveBytes` in all, or every commit while the file `refuseMemoryWhile` is there. */
async function changeMemory({ failCommitAboveBytes = Number.POSITIVE_INFINITY, refuseMemoryWhile }) {
  const { NativePageMemory } = await load('os/native-page-memory.js');
  const { commit, decommit } = NativePageMemory.prototype;
  let committedBytes = 0;
  NativePageMemory.prototype.commit = function (firstPage, count) {
    const bytes = count * this.pageSizeBytes;
    if (committedBytes + bytes > failCommitAboveBytes) return false;
    if (refuseMemoryWhile !== undefined && existsSync(refuseMemoryWhile)) return false;
    if (!commit.call(this, firstPage, count)) return false;
    committedBytes += bytes;
    return true;
  };
  NativePageMemory.prototype.decommit = function (firstPage, count) {
    committedBytes -= count * this.pageSizeBytes;
    decommit.call(this, firstPage, count);
  };
}

/** A disk as slow as a test wants. */
async function changeSave({ holdSaveWhile }) {
  const { TarWriter } = await load('image/tar/tar-writer.js');
  const { entry } = TarWriter.prototype;
  const nothing = new Int32Array(new SharedArrayBuffer(4));
  TarWriter.prototype.entry = function (...args) {
    while (holdSaveWhile !== undefined && existsSync(holdSaveWhile)) Atomics.wait(nothing, 0, 0, 10);
    entry.apply(this, args);
  };
}

/**
 * `noCompletionThreads`: every answer goes with the dispatcher's next call; `deliverInline`: those of this rule do.
 */
async function changeDelivery({ noCompletionThreads = false, deliverInline }) {
  const { AnswerDelivery } = await load('winfsp/threads/answer-delivery.js');
  if (noCompletionThreads) {
    AnswerDelivery.prototype.start = async () => {};
  }
  if (deliverInline !== undefined) {
    const { AnswerRouting } = await load('winfsp/threads/answer-routing.js');
    const { route } = AnswerRouting.prototype;
    const isInline = inlineRules[deliverInline];
    AnswerRouting.prototype.route = function (kind, request, response, ...more) {
      const decided = route.call(this, kind, request, response, ...more);
      return isInline(kind, request, response) ? 0 : decided;
    };
  }
}

/**
 * Callbacks that throw: those named by `throwIn`, all that meet `throwOnName`; `dieOnName` ends the dispatcher's loop.
 */
async function changeFileSystem({ throwIn = [], throwOnName, dieOnName }) {
  const { RamFileSystem } = await load('drive/ram-file-system.js');
  const { StatisticsWriter } = await load('winfsp/memory/statistics.js');
  const callbacks = RamFileSystem.prototype;
  let isDying = false;
  const { count } = StatisticsWriter.prototype;
  StatisticsWriter.prototype.count = function (head) {
    if (isDying) throw new Error('Injected: the thread dies.');
    count.call(this, head);
  };
  for (const callback of ['getSecurityByName', 'create']) {
    const original = callbacks[callback];
    callbacks[callback] = function (fileName, ...rest) {
      const name = fileName.slice(fileName.lastIndexOf('\\') + 1);
      if (name === throwOnName) throw new Error(`Injected: the handler throws for ${fileName}.`);
      isDying ||= name === dieOnName;
      return original.call(this, fileName, ...rest);
    };
  }
  for (const callback of throwIn) {
    if (typeof callbacks[callback] !== 'function')
      throw new Error(`throwIn: there is no callback "${callback}".`);
    callbacks[callback] = () => {
      throw new Error(`Injected: ${callback} throws.`);
    };
  }
}
