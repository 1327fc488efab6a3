/**
 * A receiver of the async dispatcher: a thread that does nothing but wait in FspFsctlTransact for the next request and
 * put it where the answering thread finds it. At least two of them are at work, so one is always on its way to the
 * driver (docs/winfsp.md#dispatching).
 *
 * It ends when Transact fails, which Stop0 makes it do; the last one to end stores the status and LoopState.ENDED.
 */
import { Limit } from '../abi/constants.js';
import { loadWinFsp } from '../library/library.js';
import { ControlWord, LoopState } from '../memory/control-block.js';
import { NativeBlock } from '../memory/native-memory.js';
import { DispatchWord, REQUEST_STRIDE_BYTES, type ReceiverData, ReceiverWord } from './receiver-ring.js';

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
  Atomics.store(control, ControlWord.END_STATUS, status);
  if (Atomics.sub(shared, DispatchWord.LIVE, 1) === 1) {
    // A process that dies may have entered TEARDOWN meanwhile, which must stay.
    Atomics.compareExchange(control, ControlWord.LOOP_STATE, LoopState.RUNNING, LoopState.ENDED);
    Atomics.notify(control, ControlWord.LOOP_STATE);
  }
  signal(shared);
}

function signal(shared: Int32Array): void {
  Atomics.add(shared, DispatchWord.SIGNAL, 1);
  Atomics.notify(shared, DispatchWord.SIGNAL);
}
