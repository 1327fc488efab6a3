/** Section (d): directory listings. */
import assert from 'node:assert/strict';
import { NtStatus } from '../../../src/ntstatus.js';
import { DirInfo } from '../../../src/winfsp/abi/layouts.js';
import { directoryRequest, namesOf } from '../../unit/winfsp/fixtures/script-client.js';
import type { ConformanceCase } from '../conformance-case.js';
import { expectStatus, type Info, infoAt, type OpenFile, type ServedVolume } from '../served-volume.js';

/** The driver's own: one maximal record at least. */
const ONE_RECORD = (nameUnits: number) => (DirInfo.SIZE + 2 * nameUnits + 7) & ~7;

function fill(volume: ServedVolume, names: readonly string[]): OpenFile {
  const directory = volume.makeDirectory('d');
  for (const name of names) {
    volume.makeFile(`d\\${name}`);
  }
  return directory;
}

function infosOf(page: Buffer): Map<string, Info> {
  const found = new Map<string, Info>();
  for (let at = 0; at + 2 <= page.length && page.readUInt16LE(at) !== 0; ) {
    const size = page.readUInt16LE(at);
    found.set(
      page.subarray(at + DirInfo.SIZE, at + size).toString('utf16le'),
      infoAt(page, at + DirInfo.FileInfo),
    );
    at += (size + 7) & ~7;
  }
  return found;
}

/** A look-up of one name: what the driver does with a pattern that has no wildcard. */
function lookUp(directory: OpenFile, name: string, lengthBytes = 1024) {
  const request = directoryRequest(directory.context, lengthBytes, null, name);
  const PATTERN_IS_FILE_NAME = 2;
  request.writeUInt32LE(PATTERN_IS_FILE_NAME, 52);
  return directory.ask(request);
}

export const listing: readonly ConformanceCase[] = [
  {
    name: 'sorted by folded name; . and .. first in a directory, absent in the root',
    duties: ['list', 'listDots'],
    own: {},
    run(volume) {
      const directory = fill(volume, ['b', 'A', 'c', '_', 'Ä', 'a.txt', 'B2']);
      assert.deepEqual(directory.list(), ['.', '..', 'A', 'a.txt', 'b', 'B2', 'c', '_', 'Ä']);
      directory.close();
      volume.makeFile('z');
      const root = volume.rootFile();
      assert.deepEqual(root.list(), ['d', 'z']);
      root.close();
    },
  },
  {
    name: 'an empty directory is . and .., an empty root nothing',
    duties: ['list', 'listDots'],
    own: {},
    run(volume) {
      const root = volume.rootFile();
      assert.deepEqual(namesOf(root.page(4096)), ['<end>']);
      const directory = volume.makeDirectory('d');
      assert.deepEqual(namesOf(directory.page(4096)), ['.', '..', '<end>']);
      directory.close();
      root.close();
    },
  },
  {
    name: 'every buffer size from one record up gives the same names, each once',
    duties: ['list', 'listMarker'],
    run(volume) {
      const names = Array.from(
        { length: 40 },
        (_, i) => `${String(i).padStart(2, '0')}${'x'.repeat((i * 7) % 40)}`,
      );
      const directory = fill(volume, names);
      const expected = ['.', '..', ...names];
      for (let length = ONE_RECORD(42); length < ONE_RECORD(42) + 700; length += 8) {
        assert.deepEqual(directory.list(length), expected, `buffer of ${length} bytes`);
      }
      // Lengths that are no multiple of 8, too.
      for (let length = 240; length < 260; length++) {
        assert.deepEqual(directory.list(length), expected, `buffer of ${length} bytes`);
      }
      directory.close();
    },
  },
  {
    name: 'records end where the buffer ends: exactly full, and one byte short',
    duties: ['list'],
    run(volume) {
      const directory = fill(volume, ['abcd', 'efgh']);
      const dots = ONE_RECORD(1) + ONE_RECORD(2);
      const full = dots + 2 * ONE_RECORD(4);
      // No room for the end mark: it comes with the next answer.
      assert.deepEqual(namesOf(directory.page(full)), ['.', '..', 'abcd', 'efgh']);
      assert.deepEqual(namesOf(directory.page(full, 'efgh')), ['<end>']);
      assert.deepEqual(namesOf(directory.page(full - 1)), ['.', '..', 'abcd']);
      assert.deepEqual(namesOf(directory.page(full + 2)), ['.', '..', 'abcd', 'efgh', '<end>']);
      directory.close();
    },
  },
  {
    name: 'markers: ., .., any spelling, the last name, names that are gone, names that never were',
    duties: ['listMarker'],
    run(volume) {
      const directory = fill(volume, ['a', 'c', 'e']);
      const behind = (marker: string) => directory.list(65536, marker);
      assert.deepEqual(behind('.'), ['..', 'a', 'c', 'e']);
      assert.deepEqual(behind('..'), ['a', 'c', 'e']);
      assert.deepEqual(behind('A'), ['c', 'e']);
      assert.deepEqual(behind('e'), []);
      assert.deepEqual(behind('b'), ['c', 'e']);
      assert.deepEqual(behind('zzz'), []);
      assert.deepEqual(behind('!'), ['a', 'c', 'e']);
      volume.delete('d\\c');
      assert.deepEqual(behind('c'), ['e']);
      assert.deepEqual(directory.list(), ['.', '..', 'a', 'e']);
      directory.close();
    },
  },
  {
    name: 'names that come and go while a listing is under way do not double or hide the others',
    duties: ['listChanging', 'listMarker'],
    run(volume) {
      const stay = Array.from({ length: 60 }, (_, i) => `m${String(i).padStart(3, '0')}`);
      const directory = fill(volume, stay);
      const seen: string[] = [];
      let marker: string | null = null;
      for (let turn = 0; ; turn++) {
        const page = namesOf(directory.page(600, marker));
        seen.push(...page.filter((name) => name !== '<end>'));
        if (page.length === 0 || page.at(-1) === '<end>') {
          break;
        }
        marker = page.at(-1)!;
        // One before the marker, one right behind it, one that goes again.
        volume.makeFile(`d\\a${turn}`);
        volume.makeFile(`d\\${marker}-${turn}`);
        volume.makeFile(`d\\z${turn}`);
        volume.delete(`d\\z${turn}`);
      }
      assert.deepEqual(
        seen.filter((name) => stay.includes(name)),
        stay,
      );
      assert.equal(new Set(seen).size, seen.length);
      directory.close();
    },
  },
  {
    name: 'a listing begun again starts from the front',
    duties: ['listMarker'],
    run(volume) {
      const directory = fill(volume, ['a', 'b', 'c']);
      assert.deepEqual(namesOf(directory.page(ONE_RECORD(2) * 3, null)), ['.', '..', 'a']);
      assert.deepEqual(namesOf(directory.page(ONE_RECORD(2) * 3, null)), ['.', '..', 'a']);
      directory.close();
    },
  },
  {
    name: '2000 names in pieces of 4 KiB',
    duties: ['list'],
    run(volume) {
      const names = Array.from({ length: 2000 }, (_, i) => `file ${String(i).padStart(5, '0')}`);
      const directory = fill(volume, names);
      assert.deepEqual(directory.list(4096), ['.', '..', ...names]);
      directory.close();
    },
  },
  {
    name: 'what is listed of a file is what its own query says; . and .. are the directory and its parent',
    duties: ['listInfo', 'fileInfo'],
    run(volume) {
      const directory = fill(volume, ['f']);
      volume.makeDirectory('d\\sub').close();
      const file = volume.open('d\\f');
      file.write(0, Buffer.alloc(5000));
      const listed = infosOf(directory.page(65536));
      assert.deepEqual(listed.get('f'), file.query());
      assert.deepEqual(listed.get('.'), directory.query());
      const parent = volume.parentFile();
      assert.deepEqual(listed.get('..'), parent.query());
      parent.close();
      const sub = volume.open('d\\sub');
      assert.deepEqual(listed.get('sub'), sub.query());
      for (const open of [sub, file, directory]) {
        open.close();
      }
    },
  },
  {
    name: 'one name: found in any spelling, told in its own; absent: an empty answer',
    duties: ['dirInfoByName'],
    run(volume) {
      const directory = fill(volume, ['Größe.TXT']);
      const found = lookUp(directory, 'GRÖßE.TXT');
      expectStatus(found.status, NtStatus.SUCCESS, 'found');
      assert.deepEqual([...infosOf(found.data.subarray(0, found.information)).keys()], ['Größe.TXT']);
      const absent = lookUp(directory, 'ABSENT');
      expectStatus(absent.status, NtStatus.SUCCESS, 'absent');
      assert.deepEqual(namesOf(absent.data.subarray(0, absent.information)), ['<end>']);
      directory.close();
    },
  },
  {
    name: 'a pattern hides nothing that matches it',
    duties: ['pattern'],
    run(volume) {
      const directory = fill(volume, ['a.txt', 'b.doc', 'c.TXT']);
      const names = namesOf(directory.page(65536, null, '*.TXT'));
      for (const name of ['a.txt', 'c.TXT']) {
        assert.ok(names.includes(name));
      }
      directory.close();
    },
  },
];
