/** Windows: names are compared by ntdll's own table, on a drive of this process, unit by unit. */
import assert from 'node:assert/strict';
import koffi from 'koffi';
import { NativePageMemory } from '../../src/os/native-page-memory.js';
import { windowsUpperCase } from '../../src/os/windows-upper-case.js';
import { ntfsUpperCase } from '../../src/volume/names/case-folding.js';
import { RamVolume } from '../../src/volume/ram-volume.js';
import { check, note } from './check.js';

const UNITS = 0x10000;
const SEPARATOR = 0x5c;
/** Another entry of ntdll than the one that the table is made with. */
const upcaseChar = koffi.load('ntdll.dll').func('uint16_t __stdcall RtlUpcaseUnicodeChar(uint16_t unit)');
const units = Array.from({ length: UNITS }, (_, unit) => unit);

await check('the table is the one of ntdll, for all 65,536 units', () => {
  const table = windowsUpperCase()!;
  assert.deepEqual(
    units.filter((unit) => table[unit] !== upcaseChar(unit)),
    [],
  );
  const unlikeNtfs = units.filter((unit) => table[unit] !== ntfsUpperCase[unit]);
  note(`${unlikeNtfs.length} of 65,536 units differ from the table that NTFS volumes carry`);
});
await check('a drive finds a file by another spelling exactly where ntdll says that it is the same', () => {
  const memory = new NativePageMemory({ pageSizeBytes: 4096, pageCount: 16 });
  const volume = new RamVolume({
    memory,
    caseSensitive: false,
    label: '',
    upperCase: windowsUpperCase() ?? undefined,
  });
  const names = units.filter((unit) => unit !== 0 && unit !== SEPARATOR && unit !== 0x2e);
  const made = new Map<number, number>();
  for (const unit of names) {
    const inode = volume.create(`\\${String.fromCharCode(unit)}`, 0, false, null, 0);
    if (typeof inode !== 'number') made.set(unit, inode.indexNumber);
  }
  for (const unit of names) {
    const found = volume.lookup(`\\${String.fromCharCode(unit)}`);
    assert.ok(typeof found !== 'number');
    const same = upcaseChar(found.name.charCodeAt(0)) === upcaseChar(unit);
    assert.ok(same, `U+${unit.toString(16)} finds U+${found.name.charCodeAt(0).toString(16)}`);
  }
  assert.equal(made.size, new Set(names.map((unit) => upcaseChar(unit))).size);
  volume.dispose();
});
