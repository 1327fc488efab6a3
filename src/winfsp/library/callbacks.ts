/**
 * koffi callbacks of the binding, counted: a slot that is not given back is a leak, and koffi (3.3.4) has 8192 of them
 * for the process.
 *
 * Every callback is wrapped: when one throws, C gets what the callback before it answered, which may be a success, and
 * the callback is not called again for the rest of that call.
 */
import { isMainThread } from 'node:worker_threads';
import koffi from 'koffi';
import { NtStatus } from '../../ntstatus.js';
import { finalStatusOf } from '../abi/status-of.js';

let registered = 0;

/** Callbacks registered and not yet unregistered in this thread. */
export function registeredCallbacks(): number {
  return registered;
}

export type CallbackKind = 'NTSTATUS' | 'VOID';
// biome-ignore lint/suspicious/noExplicitAny: koffi passes what the C prototype says; each callback names its types.
export type CallbackBody = (...args: any[]) => unknown;

type Arg = unknown;

/** koffi keeps every type for good, so one is made for each prototype and not for each volume. */
const pointerTypes = new Map<string, ReturnType<typeof koffi.pointer>>();

function pointerTo(kind: CallbackKind, parameters: readonly string[]): ReturnType<typeof koffi.pointer> {
  const key = [kind, ...parameters].join();
  let type = pointerTypes.get(key);
  if (type === undefined) {
    type = koffi.pointer(koffi.proto(kind === 'VOID' ? 'void' : 'int32_t', [...parameters]));
    pointerTypes.set(key, type);
  }
  return type;
}

/** Sets with callbacks in them. */
const live = new Set<CallbackSet>();

// The slots of a thread that has ended are lost to the process, and only the thread itself can give them back.
if (!isMainThread) {
  process.once('exit', () => {
    for (const set of live) {
      set.unregisterAll();
    }
  });
}

export class CallbackSet {
  readonly #pointers: bigint[] = [];

  constructor(readonly onError: (where: string, error: unknown) => void) {}

  /** Registers `body` under the C prototype `kind (parameters)`; returns the function's address. */
  add(name: string, kind: CallbackKind, parameters: readonly string[], body: CallbackBody): number {
    // Twelve parameters are the most that a callback has; written out, because collecting them would cost an array per
    // call.
    const guarded: CallbackBody = (
      a: Arg,
      b: Arg,
      c: Arg,
      d: Arg,
      e: Arg,
      f: Arg,
      g,
      h,
      i,
      j,
      k,
      l,
    ): number => {
      try {
        const result = body(a, b, c, d, e, f, g, h, i, j, k, l);
        return kind === 'VOID' ? NtStatus.SUCCESS : finalStatusOf(result);
      } catch (error) {
        return this.#failure(name, error);
      }
    };
    const pointer = koffi.register(guarded, pointerTo(kind, parameters));
    this.#pointers.push(pointer);
    live.add(this);
    registered += 1;
    return Number(pointer);
  }

  /** Nothing may leave a callback, not even what the report of an error throws. */
  #failure(name: string, error: unknown): number {
    try {
      this.onError(name, error);
    } catch {
      // There is no listener left to tell.
    }
    return NtStatus.INTERNAL_ERROR;
  }

  /** Only when no thread can call any more: a call through a freed slot is a crash. */
  unregisterAll(): void {
    for (const pointer of this.#pointers.splice(0)) {
      koffi.unregister(pointer);
      registered -= 1;
    }
    live.delete(this);
  }
}
