/** The thread that owns a volume and serves it with one of the dispatchers, for dispatchers.ts. */
import { parentPort, workerData } from 'node:worker_threads';
import { RamFileSystem } from '../../src/drive/ram-file-system.js';
import { NativePageMemory } from '../../src/os/native-page-memory.js';
import { RamVolume } from '../../src/volume/ram-volume.js';
import {
  AsyncDispatcher,
  FspFileSystem,
  InlineDispatcher,
  NativeDispatcher,
  type VolumeReferenceData,
} from '../../src/winfsp/index.js';

export type DispatcherName = 'inline' | 'async' | 'native';
export interface ServerReady {
  reference: VolumeReferenceData;
  context: number;
}

const CAPACITY_BYTES = 64 * 2 ** 20;
const PIECE_BYTES = 2 ** 20;

const { name, fileBytes } = workerData as { name: DispatcherName; fileBytes: number };
const port = parentPort!;
const memory = new NativePageMemory({ pageCount: CAPACITY_BYTES / 4096 });
const volume = new RamVolume({ memory, caseSensitive: true, label: name });
const node = volume.create('\\file', 0, false, null, 0);
if (typeof node === 'number') throw new Error('the file cannot be made');
const piece = new NativePageMemory({ pageCount: PIECE_BYTES / 4096 });
piece.zero(piece.baseAddress, PIECE_BYTES);
for (let at = 0; at < fileBytes; at += PIECE_BYTES)
  volume.write(node, at, PIECE_BYTES, piece.baseAddress, false, false);
piece.dispose();

const fileSystem = new RamFileSystem(volume);
const fs = FspFileSystem.create({
  fileSystem,
  volumeParams: { CaseSensitiveSearch: true, PersistentAcls: true, FileInfoTimeout: 0xffffffff },
});
const ready: ServerReady = { reference: fs.referenceData, context: volume.contextOf(node) };
const asked = new Promise<void>((resolve) => port.once('message', () => resolve()));
if (name === 'inline') {
  const dispatcher = new InlineDispatcher(fs);
  await dispatcher.start();
  port.postMessage(ready);
  dispatcher.run();
  await dispatcher.finish();
} else if (name === 'async') {
  const dispatcher = new AsyncDispatcher(fs, fileSystem);
  await dispatcher.start();
  port.postMessage(ready);
  await dispatcher.ended;
  await dispatcher.stop();
} else {
  const dispatcher = new NativeDispatcher(fs);
  dispatcher.start();
  port.postMessage(ready);
  await asked;
  await dispatcher.stop();
}
fs.dispose();
memory.dispose();
port.close();
