/** koffi's slots for callbacks, of which the process has a fixed number that all of its threads share. */
import koffi from 'koffi';

const MAX_SLOTS = 8192;
const type = koffi.pointer(koffi.proto('void', []));

/**
 * Slots that cannot be had, whichever thread took them and whether it still lives. For a moment takes all that are
 * free.
 */
export function usedCallbackSlots(): number {
  const pointers: bigint[] = [];
  try {
    while (pointers.length < MAX_SLOTS) {
      pointers.push(koffi.register(() => {}, type));
    }
  } catch {
    // None is left.
  }
  for (const pointer of pointers) {
    koffi.unregister(pointer);
  }
  return MAX_SLOTS - pointers.length;
}
