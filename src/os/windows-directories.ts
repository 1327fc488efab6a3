/** Folders of Windows as the system names them: the variables SystemRoot and windir belong to the caller. */
import koffi from 'koffi';

const MAX_UNITS = 261;

/** `C:\Windows\System32`. Windows only. */
export function systemDirectory(): string {
  const get = koffi
    .load('kernel32.dll')
    .func('uint32_t __stdcall GetSystemDirectoryW(void *buffer, uint32_t units)');
  const buffer = Buffer.alloc(2 * MAX_UNITS);
  const units = get(buffer, MAX_UNITS) as number;
  if (units === 0 || units >= MAX_UNITS) {
    throw new Error('Windows does not name its system directory.');
  }
  return buffer.toString('utf16le', 0, 2 * units);
}
