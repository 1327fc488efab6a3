/** What the modules that fill the slots of the interface table work with. */
import type { InterfaceLayout } from '../../abi/layouts.js';
import type { CallbackBody, CallbackKind } from '../callbacks.js';
import type { FileSystemInterface } from '../file-system-interface.js';
import type { WinFspLibrary } from '../library.js';
import type { SlotMemory } from './slot-memory.js';

export type OnHandlerError = (where: string, error: unknown) => void;

export interface InterfaceTableOptions {
  caseSensitive: boolean;
  onError: OnHandlerError;
}

type Slot = Exclude<keyof typeof InterfaceLayout, 'SIZE'>;

export interface Slots {
  readonly fs: FileSystemInterface;
  readonly library: WinFspLibrary;
  readonly memory: SlotMemory;
  readonly options: InterfaceTableOptions;
  /** Fills a slot of the C prototype `kind (FSP_FILE_SYSTEM *, parameters)`; leaves it empty without a body. */
  set(
    slot: Slot,
    parameters: readonly string[],
    body: CallbackBody | false | null | undefined,
    kind?: CallbackKind,
  ): void;
  /** Registers a callback that no slot has, and returns its address. */
  register(name: string, parameters: readonly string[], body: CallbackBody): number;
}

/** C types of parameters. */
export const P = 'uintptr_t';
export const U64 = 'uint64_t';
export const U32 = 'uint32_t';
export const BOOL = 'uint8_t';
