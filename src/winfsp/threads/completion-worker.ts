/**
 * A deliver-only completion thread: takes answers from its ring and completes them by Transact calls without a request
 * buffer, one answer a call, because one that blocks inside the driver would hold up what follows it
 * (docs/winfsp.md#answers-that-may-nest).
 *
 * It may block inside a delivery for as long as another request stays unanswered; the dispatcher goes on meanwhile. It
 * leaves when told to, after the last delivery has returned. It has no event loop of its own to speak of.
 */
import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import koffi from 'koffi';
import { NtStatus } from '../../ntstatus.js';
import { loadWinFsp } from '../library/library.js';
import { type CompletionData, RingWord } from './completion-ring.js';
import { currentThreadId } from './thread-watch.js';

/** How long a completion thread sleeps at most before it looks whether it should leave. */
const NAP_MS = 250;

/** `onReady` is called when it is about to wait for the first answer. */
export function deliverAnswers(data: CompletionData, onReady: () => void): void {
  const { state, slotsAddress, slotBytes, slotCount, lengths, volumeHandle } = data;
  const transact = loadWinFsp(data.libraryPath).fspFsctlTransact;
  Atomics.store(state, RingWord.THREAD_ID, currentThreadId());
  onReady();
  Atomics.store(state, RingWord.READY, 1);
  for (let index = 0; waitForAnswer(state, index); index = (index + 1) | 0) {
    try {
      const status = deliver(index);
      if (status < 0 && status !== NtStatus.CANCELLED) {
        Atomics.add(state, RingWord.FAILURES, 1);
      }
    } catch {
      // One answer is lost, which is bad; a completion thread that is gone would lose all that follow.
      Atomics.add(state, RingWord.FAILURES, 1);
    }
    Atomics.store(state, RingWord.CONSUMED, (index + 1) | 0);
    Atomics.notify(state, RingWord.CONSUMED);
  }

  function deliver(index: number): number {
    if (isInPort(state, index)) {
      const bytes = receive(data.overflow);
      // The copy stays referenced until the call has returned, so its memory stays where it is.
      return transact(volumeHandle, Number(koffi.address(bytes)), bytes.length, 0, 0, 0);
    }
    const slot = index & (slotCount - 1);
    return transact(volumeHandle, slotsAddress + slot * slotBytes, lengths[slot]!, 0, 0, 0);
  }
}

/** True: the answer `index` is there. False: nothing is left and the completion thread shall leave. */
function waitForAnswer(state: Int32Array, index: number): boolean {
  while (Atomics.load(state, RingWord.PRODUCED) === index) {
    if (Atomics.load(state, RingWord.LEAVE) === 1) {
      return Atomics.load(state, RingWord.PRODUCED) !== index;
    }
    Atomics.wait(state, RingWord.PRODUCED, index, NAP_MS);
  }
  return true;
}

function isInPort(state: Int32Array, index: number): boolean {
  return (
    Atomics.load(state, RingWord.OVERFLOWING) === 1 &&
    ((index - Atomics.load(state, RingWord.OVERFLOW_FROM)) | 0) >= 0
  );
}

function receive(port: MessagePort): Uint8Array {
  const message = receiveMessageOnPort(port) as { message: Uint8Array } | undefined;
  if (message === undefined) {
    throw new Error('An answer was announced in the overflow port, but it is not there.');
  }
  return message.message;
}
