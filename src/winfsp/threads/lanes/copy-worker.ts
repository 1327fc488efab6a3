/**
 * A copy lane: copies what large reads ask for and delivers their answers, one after the other. The copy needs nobody:
 * the dispatcher thread may wait for it. Nor does the delivery: answers to reads never nest (answer-routing.ts).
 */
import { NtStatus } from '../../../ntstatus.js';
import { Rsp } from '../../abi/layouts.js';
import { loadWinFsp } from '../../library/library.js';
import { copyMemory, zeroMemory } from '../../memory/native-memory.js';
import { currentThreadId } from '../thread-watch.js';
import { type CopyLaneData, CopyWord, JOB_DOUBLES, ZEROS } from './copy-ring.js';

/** How long a lane sleeps at most before it looks whether it should leave. */
const NAP_MS = 250;

/** `onReady` is called when it is about to wait for the first read. */
export function copyReads(data: CopyLaneData, onReady: () => void): void {
  const { state, jobs, answersAddress, slotCount, volumeHandle } = data;
  const transact = loadWinFsp(data.libraryPath).fspFsctlTransact;
  Atomics.store(state, CopyWord.THREAD_ID, currentThreadId());
  onReady();
  Atomics.store(state, CopyWord.READY, 1);
  for (let index = 0; waitForRead(state, index); index = (index + 1) | 0) {
    const slot = index & (slotCount - 1);
    copyPieces(jobs, slot * JOB_DOUBLES);
    Atomics.store(state, CopyWord.COPIED, (index + 1) | 0);
    Atomics.notify(state, CopyWord.COPIED);
    const status = transact(volumeHandle, answersAddress + slot * Rsp.SIZE, Rsp.SIZE, 0, 0, 0);
    if (status < 0 && status !== NtStatus.CANCELLED) {
      Atomics.add(state, CopyWord.FAILURES, 1);
    }
    Atomics.store(state, CopyWord.DELIVERED, (index + 1) | 0);
  }
}

/** True: the read `index` is there. False: nothing is left and the lane shall leave. */
function waitForRead(state: Int32Array, index: number): boolean {
  while (Atomics.load(state, CopyWord.PRODUCED) === index) {
    if (Atomics.load(state, CopyWord.LEAVE) === 1) {
      return Atomics.load(state, CopyWord.PRODUCED) !== index;
    }
    Atomics.wait(state, CopyWord.PRODUCED, index, NAP_MS);
  }
  return true;
}

export function copyPieces(jobs: Float64Array, base: number): void {
  const end = base + 2 + 2 * jobs[base]!;
  let to = jobs[base + 1]!;
  for (let at = base + 2; at < end; at += 2) {
    const from = jobs[at]!;
    const lengthBytes = jobs[at + 1]!;
    if (from === ZEROS) {
      zeroMemory(to, 0, lengthBytes);
    } else {
      copyMemory(to, from, lengthBytes);
    }
    to += lengthBytes;
  }
}
