/**
 * The thread that serves a file system that does nothing, for prices.ts: what is left is the dispatcher. `bare` has
 * none: it takes requests and sends answers with the native call alone, and is what the others are compared with.
 */
import { parentPort, workerData } from 'node:worker_threads';
import {
  AsyncDispatcher,
  FspFileSystem,
  InlineDispatcher,
  Limit,
  NativeBlock,
  NativeDispatcher,
  Req,
  ReqRead,
  Rsp,
  TransactKind,
} from '../../src/winfsp/index.js';
import type { ServerReady } from '../read-path/dispatcher-worker.js';

export type NoOpServer = 'bare' | 'inline' | 'async' | 'async, promise' | 'native';

const { name } = workerData as { name: NoOpServer };
const port = parentPort!;

const read = (_context: number, _buffer: number, _offset: number, length: number) => length;
const readLater = async (_context: number, _buffer: number, _offset: number, length: number) => length;

const fs = FspFileSystem.create({ fileSystem: { read }, volumeParams: {} });
const ready: ServerReady = { reference: fs.referenceData, context: 1 };
const asked = new Promise<void>((resolve) => port.once('message', () => resolve()));

switch (name) {
  case 'bare':
    port.postMessage(ready);
    serveBare();
    fs.library.fspFsctlStop(fs.volumeHandle);
    break;
  case 'inline': {
    const dispatcher = new InlineDispatcher(fs);
    await dispatcher.start();
    port.postMessage(ready);
    dispatcher.run();
    await dispatcher.finish();
    break;
  }
  case 'native': {
    const dispatcher = new NativeDispatcher(fs);
    dispatcher.start();
    port.postMessage(ready);
    await asked;
    await dispatcher.stop();
    break;
  }
  default: {
    const dispatcher = new AsyncDispatcher(fs, { read: name === 'async' ? read : readLater });
    await dispatcher.start();
    port.postMessage(ready);
    await dispatcher.ended;
    await dispatcher.stop();
  }
}
fs.dispose();
port.close();

function serveBare(): void {
  const transact = fs.library.fspFsctlTransact;
  const request = new NativeBlock(Limit.TRANSACT_REQ_SIZEMAX);
  const response = new NativeBlock(Rsp.SIZE);
  const size = new NativeBlock(8);
  response.view.setUint16(Rsp.Size, Rsp.SIZE, true);
  response.view.setUint32(Rsp.Kind, TransactKind.Read, true);
  transact(fs.volumeHandle, 0, 0, 0, 0, 0);
  let answerBytes = 0;
  for (;;) {
    size.view.setUint32(0, Limit.TRANSACT_REQ_SIZEMAX, true);
    size.view.setUint32(4, 0, true);
    const answer = answerBytes === 0 ? 0 : response.address;
    if (transact(fs.volumeHandle, answer, answerBytes, request.address, size.address, 0) < 0) break;
    answerBytes = 0;
    // A time-out brings no request.
    if (size.view.getUint32(0, true) === 0) continue;
    response.view.setUint32(Rsp.Hint, request.view.getUint32(Req.Hint, true), true);
    response.view.setUint32(Rsp.Hint + 4, request.view.getUint32(Req.Hint + 4, true), true);
    const length = request.view.getUint32(ReqRead.Length, true);
    response.view.setUint32(Rsp['IoStatus.Information'], length, true);
    answerBytes = Rsp.SIZE;
  }
  for (const block of [request, response, size]) block.free();
}
