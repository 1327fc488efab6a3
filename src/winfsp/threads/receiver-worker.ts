/**
 * A receiver of the async dispatcher: a thread that does nothing but wait in FspFsctlTransact for the next request and
 * put it where the answering thread finds it. At least two of them are at work, so one is always on its way to the
 * driver (docs/winfsp.md#dispatching).
 *
 * It ends when Transact fails, which Stop0 makes it do.
 */
import { Limit } from '../abi/constants.js';
import { loadWinFsp } from '../library/library.js';
import { NativeBlock } from '../memory/native-memory.js';
import {
  REQUEST_STRIDE_BYTES,
  type ReceiverData,
  ReceiverWord,
  receiverEnded,
  signal,
} from './receiver-ring.js';

/** `onReady` is called when it is about to wait for the first request. */
export function receiveRequests(data: ReceiverData, onReady: () => void): void {
  const { control, shared, state, slotsAddress, slotCount, volumeHandle } = data;
  const transact = loadWinFsp(data.libraryPath).fspFsctlTransact;
  const size = new NativeBlock(8);
  onReady();
  let status = 0;
  for (let produced = 0; status >= 0; ) {
    const consumed = Atomics.load(state, ReceiverWord.CONSUMED);
    if (((produced - consumed) | 0) >= slotCount) {
      Atomics.wait(state, ReceiverWord.CONSUMED, consumed);
      continue;
    }
    size.view.setUint32(0, Limit.TRANSACT_REQ_SIZEMAX, true);
    size.view.setUint32(4, 0, true);
    const address = slotsAddress + (produced & (slotCount - 1)) * REQUEST_STRIDE_BYTES;
    status = transact(volumeHandle, 0, 0, address, size.address, 0);
    if (status >= 0 && size.view.getUint32(0, true) !== 0) {
      produced = (produced + 1) | 0;
      Atomics.store(state, ReceiverWord.PRODUCED, produced);
      signal(shared);
    }
  }
  size.free();
  receiverEnded(control, shared, status);
}
