/**
 * The system's clock through koffi: to 100 ns, where Date.now has milliseconds, and without the number on the heap that
 * each Date.now makes. A file that is made here after one on a disk must not look up to a millisecond older.
 *
 * Linux: clock_gettime. Windows: GetSystemTimePreciseAsFileTime; not run on Windows. May touch: 16 bytes of its own,
 * for ever.
 */
import koffi from 'koffi';
import { putFileTime, type TimeSource } from '../volume/file-clock.js';

const CLOCK_REALTIME = 0;
const NS_PER_UNIT = 100;

export function nativeTimeSource(): TimeSource {
  const pointer = koffi.alloc('uint8_t', 16);
  const address = Number(koffi.address(pointer));
  const words = new Uint32Array(koffi.view(pointer, 16));
  if (process.platform === 'win32') {
    const read = koffi
      .load('kernel32.dll')
      .func('void __stdcall GetSystemTimePreciseAsFileTime(uintptr_t time)');
    return (halves) => {
      read(address);
      halves[0] = words[0] as number;
      halves[1] = words[1] as number;
    };
  }
  // struct timespec of 64-bit systems: seconds and nanoseconds, 8 bytes each.
  const read = koffi.load(null).func('void clock_gettime(int clock, uintptr_t time)');
  return (halves) => {
    read(CLOCK_REALTIME, address);
    const seconds = (words[0] as number) + (words[1] as number) * 0x1_0000_0000;
    putFileTime(halves, seconds, Math.floor((words[2] as number) / NS_PER_UNIT));
  };
}
