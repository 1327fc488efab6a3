/** Zeroed memory that native code and other threads can see, and its address. The garbage collector frees it. */
import koffi from 'koffi';

export function sharedScratch(lengthBytes: number): { bytes: Uint8Array; address: number } {
  const bytes = new Uint8Array(new SharedArrayBuffer(lengthBytes));
  return { bytes, address: Number(koffi.address(bytes)) };
}
