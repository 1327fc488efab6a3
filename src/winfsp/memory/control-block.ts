/**
 * A few int32 words in shared memory through which other threads talk to a dispatcher that sits in a native call: its
 * event loop does not run, so messages would not arrive.
 */

/** Indices of the words. Those from USER on belong to the program that uses the binding. */
export const ControlWord = {
  /** LoopState; waiters are notified when it changes. */
  LOOP_STATE: 0,
  /** Not 0: the end of the loop was asked for, so CANCELLED is the expected end. */
  STOP_REQUESTED: 1,
  /** NTSTATUS that ended the loop. */
  END_STATUS: 2,
  /** Not 0: a command waits; the loop calls `onCommand` between two requests. The one who handles it stores 0. */
  COMMAND: 3,
  /** Calls of other threads into the library that are under way; the owner deletes the file system only at 0. */
  VISITORS: 4,
  /** Not 0: a call of RemoveMountPoint is queued or under way. Two at once could take the mount away twice. */
  UNMOUNTING: 5,
  USER: 8,
} as const;

/**
 * TEARDOWN is entered once, by compare-exchange: the owner that deletes the file system, or the main thread of a
 * process that dies. The thread that wins does it; from then on no other thread may call into the library for this file
 * system.
 */
export const LoopState = { NOT_STARTED: 0, RUNNING: 1, ENDED: 2, TEARDOWN: 3 } as const;

export const CONTROL_BLOCK_WORDS = 64;

export function allocateControlBlock(): Int32Array {
  return new Int32Array(new SharedArrayBuffer(CONTROL_BLOCK_WORDS * 4));
}

/** Enters TEARDOWN unless another thread has. */
export function claimTeardown(control: Int32Array): boolean {
  for (;;) {
    const state = Atomics.load(control, ControlWord.LOOP_STATE);
    if (state === LoopState.TEARDOWN) {
      return false;
    }
    if (Atomics.compareExchange(control, ControlWord.LOOP_STATE, state, LoopState.TEARDOWN) === state) {
      Atomics.notify(control, ControlWord.LOOP_STATE);
      return true;
    }
  }
}

/**
 * Announces a call into the library from another thread. False, and nothing announced, when the file system is going.
 */
export function enterAsVisitor(control: Int32Array): boolean {
  Atomics.add(control, ControlWord.VISITORS, 1);
  if (Atomics.load(control, ControlWord.LOOP_STATE) !== LoopState.TEARDOWN) {
    return true;
  }
  leaveAsVisitor(control);
  return false;
}

export function leaveAsVisitor(control: Int32Array): void {
  Atomics.sub(control, ControlWord.VISITORS, 1);
  Atomics.notify(control, ControlWord.VISITORS);
}

/**
 * Waits until no visitor is inside. False when that took longer than `limitMs`: then leak rather than free what is in
 * use.
 */
export function waitForVisitors(control: Int32Array, limitMs: number): boolean {
  const deadline = Date.now() + limitMs;
  for (;;) {
    const visitors = Atomics.load(control, ControlWord.VISITORS);
    if (visitors === 0) {
      return true;
    }
    const left = deadline - Date.now();
    if (left <= 0) {
      return false;
    }
    Atomics.wait(control, ControlWord.VISITORS, visitors, left);
  }
}

/** The same without blocking the thread, whose own asynchronous calls may be the visitors. */
export async function visitorsGone(control: Int32Array, limitMs: number): Promise<boolean> {
  const deadline = Date.now() + limitMs;
  for (;;) {
    const visitors = Atomics.load(control, ControlWord.VISITORS);
    const left = deadline - Date.now();
    if (visitors === 0 || left <= 0) {
      return visitors === 0;
    }
    await Atomics.waitAsync(control, ControlWord.VISITORS, visitors, left).value;
  }
}

/** Stores a loop state and wakes the threads that wait for it. */
export function setLoopState(control: Int32Array, state: number): void {
  Atomics.store(control, ControlWord.LOOP_STATE, state);
  Atomics.notify(control, ControlWord.LOOP_STATE);
}
