import { describe, expect, it } from 'vitest';
import { NtStatus } from '../../../../src/ntstatus.js';
import type { Inode } from '../../../../src/volume/inode.js';
import { RamVolume } from '../../../../src/volume/ram-volume.js';
import { PlainPageMemory } from '../../../support/plain-page-memory.js';

const MAX_UNITS = 40;

function setUp() {
  const memory = new PlainPageMemory({ pageSizeBytes: 4096, pageCount: 4 });
  const volume = new RamVolume({ memory, caseSensitive: true, label: '', maxPathUnits: MAX_UNITS });
  const make = (path: string): Inode => {
    const inode = volume.create(path, 0, true, null, 0);
    if (typeof inode === 'number') throw new Error(`${path}: ${inode}`);
    volume.close(inode);
    return inode;
  };
  /** A chain of directories, and the last one's path. */
  const chain = (name: string, units: number): string => {
    const names = [name];
    const length = () => names.join().length + 1;
    make(`\\${name}`);
    while (length() + 1 < units) {
      names.push('x'.repeat(Math.min(4, units - length() - 1)));
      make(`\\${names.join('\\')}`);
    }
    return `\\${names.join('\\')}`;
  };
  return { volume, make, chain };
}

const at = (volume: RamVolume, path: string) => volume.lookup(path) as Inode;

describe('the limit of paths', () => {
  it('is reached, and not passed, by what is made and by what is renamed alone', () => {
    const { volume, make } = setUp();
    make(`\\${'a'.repeat(MAX_UNITS - 1)}`);
    expect(volume.create(`\\${'b'.repeat(MAX_UNITS)}`, 0, false, null, 0)).toBe(NtStatus.NAME_TOO_LONG);
    const short = make('\\s');
    expect(volume.rename(short, `\\${'c'.repeat(MAX_UNITS)}`, false)).toBe(NtStatus.NAME_TOO_LONG);
    expect(volume.rename(short, `\\${'c'.repeat(MAX_UNITS - 1)}`, false)).toBe(NtStatus.SUCCESS);
    expect(volume.inodeCount).toBe(3);
  });

  it('holds for what lies below a directory that moves; refused, nothing has changed', () => {
    const { volume, chain } = setUp();
    const one = chain('one', 21);
    const two = chain('two', 21);
    expect(volume.rename(at(volume, '\\one'), `${two}\\one`, false)).toBe(NtStatus.NAME_TOO_LONG);
    expect(typeof volume.lookup(one)).toBe('object');
    // 21 units of its own name and what is below, 19 above: exactly the limit.
    const [parent] = [two.slice(0, two.lastIndexOf('\\'))];
    expect(parent.length).toBe(19);
    expect(volume.rename(at(volume, '\\one'), `${parent}\\one`, false)).toBe(NtStatus.SUCCESS);
    expect(typeof volume.lookup(`${parent}${one}`)).toBe('object');
    expect(volume.rename(at(volume, `${parent}\\one`), `${parent}\\ones`, false)).toBe(
      NtStatus.NAME_TOO_LONG,
    );
  });

  it('counts both ways when two names are exchanged', () => {
    const { volume, make, chain } = setUp();
    chain('one', 30);
    const deep = chain('two', 21);
    const small = make('\\s');
    expect(volume.exchange(small, '\\one')).toBe(NtStatus.SUCCESS);
    expect(volume.exchange(at(volume, '\\s'), deep)).toBe(NtStatus.NAME_TOO_LONG);
    expect(volume.exchange(at(volume, deep), '\\s')).toBe(NtStatus.NAME_TOO_LONG);
    expect(volume.exchange(at(volume, deep), '\\one')).toBe(NtStatus.SUCCESS);
  });

  it('is still exact after a directory was renamed to and fro a thousand times', () => {
    const { volume, make } = setUp();
    const directory = make('\\a');
    make('\\a\\b');
    for (let i = 0; i < 1000; i++) {
      expect(volume.rename(directory, '\\abcdefgh', false)).toBe(NtStatus.SUCCESS);
      expect(volume.rename(directory, '\\a', false)).toBe(NtStatus.SUCCESS);
    }
    const longest = `\\${'a'.repeat(MAX_UNITS - 3)}`;
    expect(volume.rename(directory, `${longest}a`, false)).toBe(NtStatus.NAME_TOO_LONG);
    expect(volume.rename(directory, longest, false)).toBe(NtStatus.SUCCESS);
  });
});
