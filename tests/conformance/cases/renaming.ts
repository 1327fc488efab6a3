/** Section (d): renames. */
import assert from 'node:assert/strict';
import { NtStatus } from '../../../src/ntstatus.js';
import { CreateDisposition, FileAttribute } from '../../../src/winfsp/abi/constants.js';
import type { ConformanceCase } from '../conformance-case.js';
import { PAGE } from '../served-options.js';
import { Cleanup, expectStatus } from '../served-volume.js';

const { FILE_OPEN } = CreateDisposition;
const REPLACE = 1;
const POSIX = 2;
const IGNORE_READONLY = 0x40;

export const renaming: readonly ConformanceCase[] = [
  {
    name: 'a file: another name, another directory; content, times of creation and index number go along',
    duties: ['rename', 'indexNumber'],
    run(volume) {
      volume.makeDirectory('d').close();
      const file = volume.file('a');
      file.write(0, 'content');
      const before = file.query();
      file.rename('b');
      file.rename('d\\c');
      const after = file.query();
      assert.deepEqual(
        [after.indexNumber, after.creationTime, after.fileSize],
        [before.indexNumber, before.creationTime, 7],
      );
      file.close();
      assert.deepEqual([volume.exists('a'), volume.exists('b')], [false, false]);
      assert.equal(volume.contentOf('d\\c'), 'content');
    },
  },
  {
    name: 'a directory: everything below it moves, open files too',
    duties: ['rename', 'normalizedName'],
    run(volume) {
      const directory = volume.makeDirectory('Old');
      volume.makeDirectory('Old\\Sub').close();
      volume.makeFile('Old\\Sub\\Leaf', 'deep');
      const leaf = volume.open('Old\\Sub\\Leaf');
      directory.rename('New');
      assert.equal(leaf.text(), 'deep');
      leaf.write(0, 'DEEP');
      leaf.close();
      const again = volume.open('new\\sub\\leaf');
      assert.equal(again.normalizedName, volume.path('New\\Sub\\Leaf'));
      again.close();
      assert.equal(volume.contentOf('New\\Sub\\Leaf'), 'DEEP');
      volume.refuses(NtStatus.OBJECT_PATH_NOT_FOUND, 'Old\\Sub', FILE_OPEN);
      directory.close();
    },
  },
  {
    name: 'a taken name: COLLISION, or replaced when that was asked, in any spelling',
    duties: ['renameTaken'],
    run(volume) {
      volume.makeFile('target', 'old');
      const file = volume.file('f');
      file.write(0, 'new');
      expectStatus(file.tryRename(volume.path('TARGET')), NtStatus.OBJECT_NAME_COLLISION, 'not replaced');
      assert.equal(volume.contentOf('target'), 'old');
      expectStatus(file.tryRename(volume.path('Target'), REPLACE), NtStatus.SUCCESS, 'replaced');
      file.close();
      assert.equal(volume.contentOf('target'), 'new');
      const again = volume.open('target');
      assert.equal(again.normalizedName, volume.path('Target'));
      again.close();
      assert.equal(volume.exists('f'), false);
    },
  },
  {
    name: 'a directory is never replaced, nor a file by a directory without being asked',
    duties: ['renameTaken'],
    run(volume) {
      volume.makeDirectory('d').close();
      volume.makeDirectory('e').close();
      const file = volume.file('f');
      expectStatus(file.tryRename(volume.path('d'), REPLACE), NtStatus.ACCESS_DENIED, 'over a directory');
      expectStatus(file.tryRename(volume.path('d')), NtStatus.OBJECT_NAME_COLLISION, 'without replacing');
      const directory = volume.open('e');
      expectStatus(
        directory.tryRename(volume.path('d'), REPLACE),
        NtStatus.ACCESS_DENIED,
        'directory over directory',
      );
      file.close();
      directory.close();
      assert.deepEqual([volume.exists('d'), volume.exists('e'), volume.exists('f')], [true, true, true]);
    },
  },
  {
    name: 'a READONLY target refuses, unless it is to be ignored',
    duties: ['renameTaken', 'readonly'],
    run(volume) {
      volume.makeFile('target', 'old', { fileAttributes: FileAttribute.READONLY });
      const file = volume.file('f');
      const to = volume.path('target');
      expectStatus(file.tryRename(to, REPLACE), NtStatus.CANNOT_DELETE, 'READONLY');
      assert.equal(volume.contentOf('f'), '');
      expectStatus(file.tryRename(to, REPLACE | IGNORE_READONLY), NtStatus.SUCCESS, 'ignored');
      file.close();
    },
  },
  {
    name: 'case only: not a collision, with and without replacing, and shown at once',
    duties: ['renameCase', 'normalizedName'],
    run(volume) {
      const file = volume.file('name.txt');
      file.write(0, 'x');
      for (const [name, flags] of [
        ['NAME.TXT', 0],
        ['Name.txt', REPLACE],
        ['name.TXT', 0],
      ] as const) {
        expectStatus(file.tryRename(volume.path(name), flags), NtStatus.SUCCESS, name);
        const again = volume.open('name.txt');
        assert.equal(again.normalizedName, volume.path(name));
        again.close();
      }
      file.close();
      assert.equal(volume.contentOf('NAME.txt'), 'x');
    },
  },
  {
    name: 'directories on the way come in capitals: found, and their own spelling kept',
    duties: ['renameCase'],
    run(volume) {
      volume.makeDirectory('Straße').close();
      volume.makeFile('Straße\\f', 'x');
      const file = volume.open('Straße\\f');
      const upper = volume.path('STRAßE').toUpperCase().replaceAll('SS', 'ß');
      expectStatus(file.tryRename(`${upper}\\Neu`, 0, `${upper}\\F`), NtStatus.SUCCESS, 'capitals');
      file.close();
      const again = volume.open('straße\\neu');
      assert.equal(again.normalizedName, volume.path('Straße\\Neu'));
      again.close();
    },
  },
  {
    name: 'into a missing directory, into a file, into itself, onto the root',
    duties: ['renameInto', 'pathOrName'],
    run(volume) {
      volume.makeFile('other');
      const directory = volume.makeDirectory('d');
      volume.makeDirectory('d\\e').close();
      for (const to of ['absent\\x', 'other\\x', 'd\\x', 'd\\e\\x', 'D\\E\\x']) {
        assert.ok(directory.tryRename(volume.path(to)) < 0, to);
      }
      expectStatus(directory.tryRename(volume.path('absent\\x')), NtStatus.OBJECT_PATH_NOT_FOUND, 'missing');
      assert.ok(directory.tryRename('\\', REPLACE) < 0);
      directory.close();
      assert.equal(volume.exists('d\\e'), true);
    },
  },
  {
    name: 'the same name again changes nothing',
    duties: ['renameCase'],
    run(volume) {
      const file = volume.file('f');
      file.write(0, 'x');
      expectStatus(file.tryRename(volume.path('f'), 0), NtStatus.SUCCESS, 'same');
      expectStatus(file.tryRename(volume.path('f'), REPLACE), NtStatus.SUCCESS, 'same, replacing');
      file.close();
      assert.equal(volume.contentOf('f'), 'x');
    },
  },
  {
    name: 'POSIX: an open file is replaced; who has it open keeps its data, and its room until Close',
    duties: ['posix', 'close'],
    own: { volume: { posix: true, capacityBytes: 64 * PAGE } },
    run(volume) {
      const open = volume.file('target');
      open.write(0, Buffer.alloc(PAGE, 'o'));
      const file = volume.file('f');
      file.write(0, 'new');
      expectStatus(file.tryRename(volume.path('target'), REPLACE | POSIX), NtStatus.SUCCESS, 'replace');
      assert.equal(open.text(), 'o'.repeat(PAGE));
      open.write(PAGE, 'more');
      assert.equal(volume.freeBytes, 61 * PAGE);
      open.close();
      assert.equal(volume.freeBytes, 63 * PAGE);
      file.close();
      assert.equal(volume.contentOf('target'), 'new');
    },
  },
  {
    name: 'POSIX: a delete takes the name while others have the file open',
    duties: ['posix', 'cleanupDelete'],
    own: { volume: { posix: true } },
    run(volume) {
      const first = volume.file('f');
      first.write(0, 'data');
      const second = volume.open('f');
      expectStatus(first.dispose(1 | 2), 0, 'POSIX delete');
      first.cleanup(Cleanup.DELETE);
      first.closeOnly();
      assert.equal(volume.exists('f'), false);
      assert.equal(second.text(), 'data');
      assert.ok(second.tryRename(volume.path('g')) < 0, 'a file without a name is not renamed');
      second.close();
    },
  },
];
