/**
 * Open handles: numbers that the driver keeps against contexts that the file system gave. Numbers are small and never
 * 0, and carry a generation, so that a request for a handle that was closed finds nothing instead of another file.
 */
import { setMaxListeners } from 'node:events';

const SLOT_BITS = 24;
const MAX_SLOTS = 2 ** SLOT_BITS;

/** A controller whose signal any number of requests may listen to. */
export function newController(): AbortController {
  const controller = new AbortController();
  setMaxListeners(0, controller.signal);
  return controller;
}

/**
 * What cancels the requests of one handle that began before its cleanup, or after it. A request keeps the one that it
 * began under, and it is what handlers get as their request, where nothing else is to be said.
 */
class Cancellation {
  #controller: AbortController | null = null;
  #abortReason: Error | null = null;

  /** Made when a handler asks: most never do. */
  get signal(): AbortSignal {
    if (this.#controller === null) {
      this.#controller = newController();
      if (this.#abortReason !== null) {
        this.#controller.abort(this.#abortReason);
      }
    }
    return this.#controller.signal;
  }

  abort(reason: Error): void {
    this.#abortReason = reason;
    this.#controller?.abort(reason);
  }
}

export class OpenHandle<Context> {
  cancellation = new Cancellation();

  constructor(
    readonly number: number,
    readonly context: Context,
    /** It was opened as the root of the volume, which cannot be renamed. */
    readonly isRoot: boolean,
  ) {}

  /** After the cleanup requests may still come; they are not under what was cancelled. */
  cleanedUp(reason: Error): void {
    this.cancellation.abort(reason);
    this.cancellation = new Cancellation();
  }
}

export class HandleTable<Context> {
  readonly #slots: (OpenHandle<Context> | null)[] = [];
  readonly #generations: number[] = [];
  readonly #free: number[] = [];
  #size = 0;

  /** Handles that are open. */
  get size(): number {
    return this.#size;
  }

  add(context: Context, isRoot = false): OpenHandle<Context> {
    const slot = this.#free.pop() ?? this.#slots.length;
    if (slot >= MAX_SLOTS) {
      throw new RangeError(`More than ${MAX_SLOTS} handles are open.`);
    }
    const generation = (this.#generations[slot] ?? 0) + 1;
    const handle = new OpenHandle(generation * MAX_SLOTS + slot, context, isRoot);
    this.#generations[slot] = generation;
    this.#slots[slot] = handle;
    this.#size += 1;
    return handle;
  }

  get(number: number): OpenHandle<Context> | undefined {
    const handle = this.#slots[number % MAX_SLOTS];
    return handle?.number === number ? handle : undefined;
  }

  delete(handle: OpenHandle<Context>): void {
    if (this.get(handle.number) === handle) {
      const slot = handle.number % MAX_SLOTS;
      this.#slots[slot] = null;
      this.#free.push(slot);
      this.#size -= 1;
    }
  }

  all(): OpenHandle<Context>[] {
    return this.#slots.filter((handle) => handle !== null);
  }
}
