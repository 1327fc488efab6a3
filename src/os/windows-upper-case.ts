/**
 * Windows' own table of capitals: what RtlUpcaseUnicodeString of ntdll makes of each UTF-16 unit. The WinFsp driver
 * compares the names of open files by the kernel's copy of that table, so a drive that compared by another one would
 * disagree with its driver about which names are the same. Run under Wine; not run on Windows.
 */
import koffi from 'koffi';

const UNITS = 0x10000;
/** A UNICODE_STRING holds at most 65,535 bytes, so the units are asked for in parts. */
const PART_UNITS = 0x4000;

/** Unit → its capital, all 65,536; null on other systems. Throws when ntdll refuses, which it has no reason to. */
export function windowsUpperCase(): Uint16Array | null {
  if (process.platform !== 'win32') return null;
  const upcase = koffi
    .load('ntdll.dll')
    .func('int32_t __stdcall RtlUpcaseUnicodeString(void *to, void *from, uint8_t allocate)');
  const table = new Uint16Array(UNITS);
  for (let first = 0; first < UNITS; first += PART_UNITS) {
    const from = Uint16Array.from({ length: PART_UNITS }, (_, i) => first + i);
    const to = table.subarray(first, first + PART_UNITS);
    const status = upcase(unicodeString(to), unicodeString(from), 0);
    if (status < 0) throw new Error(`RtlUpcaseUnicodeString failed with ${(status >>> 0).toString(16)}`);
  }
  return table;
}

/**
 * UNICODE_STRING of 64-bit Windows: length and capacity in bytes, padding, address of `text`, which must outlive it.
 */
function unicodeString(text: Uint16Array): Buffer {
  const string = Buffer.alloc(16);
  string.writeUInt16LE(text.byteLength, 0);
  string.writeUInt16LE(text.byteLength, 2);
  string.writeBigUInt64LE(BigInt(koffi.address(text)), 8);
  return string;
}
