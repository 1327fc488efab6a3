/**
 * The interface table (FSP_FILE_SYSTEM_INTERFACE, 512 bytes) of a FileSystemInterface: one koffi callback for each
 * method it has, all other slots 0, which WinFsp answers with INVALID_DEVICE_REQUEST.
 *
 * Duties and traps of each callback: docs/winfsp.md#creating-and-opening, #callbacks. Handlers get views of scratch
 * memory that lives as long as the table (slot-memory.ts). Callbacks may run inside operation functions on this thread
 * (inline dispatcher) or be called by foreign threads through the event loop (native dispatcher), one at a time in both
 * cases; only reparse look-up nests.
 */
import { setUint64 } from '../../abi/fields.js';
import { InterfaceLayout } from '../../abi/layouts.js';
import { NativeBlock } from '../../memory/native-memory.js';
import { CallbackSet } from '../callbacks.js';
import type { FileSystemInterface } from '../file-system-interface.js';
import type { WinFspLibrary } from '../library.js';
import { setContentSlots } from './content-slots.js';
import { setNameSlots } from './name-slots.js';
import { setOpenSlots } from './open-slots.js';
import { SlotMemory } from './slot-memory.js';
import { type InterfaceTableOptions, P, type Slots } from './slots.js';

export class InterfaceTable {
  readonly #table = new NativeBlock(InterfaceLayout.SIZE);
  readonly #memory = new SlotMemory();
  readonly #callbacks: CallbackSet;

  constructor(library: WinFspLibrary, fs: FileSystemInterface, options: InterfaceTableOptions) {
    this.#callbacks = new CallbackSet(options.onError);
    const slots: Slots = {
      fs,
      library,
      memory: this.#memory,
      options,
      set: (slot, parameters, body, kind = 'NTSTATUS') => {
        if (body) {
          const address = this.#callbacks.add(slot, kind, [P, ...parameters], body);
          setUint64(this.#table.view, InterfaceLayout[slot], address);
        }
      },
      register: (name, parameters, body) => this.#callbacks.add(name, 'NTSTATUS', [P, ...parameters], body),
    };
    try {
      setOpenSlots(slots);
      setContentSlots(slots);
      setNameSlots(slots);
    } catch (error) {
      this.dispose();
      throw error;
    }
  }

  get address(): number {
    return this.#table.address;
  }

  /** After FspFileSystemDelete only: the library keeps a pointer to the table, not a copy. */
  dispose(): void {
    this.#callbacks.unregisterAll();
    this.#table.free();
    this.#memory.free();
  }
}
