/**
 * The clock that the system's own file systems take, through koffi, and without the number on the heap that each
 * Date.now makes. With any other one a file here would look older or newer than one that is made on a disk just before
 * or after.
 *
 * Linux: clock_gettime of the kernel's coarse clock, which moves with its ticks. Windows:
 * GetSystemTimePreciseAsFileTime; not run on Windows. May touch: 16 bytes of its own, for as long as the process lives.
 */
import koffi from 'koffi';
import { putFileTime, type TimeSource } from '../volume/file-clock.js';

const CLOCK_REALTIME_COARSE = 5;
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
    read(CLOCK_REALTIME_COARSE, address);
    const seconds = (words[0] as number) + (words[1] as number) * 0x1_0000_0000;
    putFileTime(halves, seconds, Math.floor((words[2] as number) / NS_PER_UNIT));
  };
}
