/** Section (c): dispositions, collisions, kinds of files, the root. */
import assert from 'node:assert/strict';
import { NtStatus } from '../../../src/ntstatus.js';
import { CreateDisposition, CreateOption, FileAttribute } from '../../../src/winfsp/abi/constants.js';
import type { ConformanceCase } from '../conformance-case.js';
import { PAGE } from '../served-options.js';
import { expectStatus, OpenFile } from '../served-volume.js';

const { FILE_SUPERSEDE, FILE_OPEN, FILE_CREATE, FILE_OPEN_IF, FILE_OVERWRITE, FILE_OVERWRITE_IF } =
  CreateDisposition;
const { FILE_DIRECTORY_FILE, FILE_NON_DIRECTORY_FILE, FILE_DELETE_ON_CLOSE } = CreateOption;
const { ARCHIVE, DIRECTORY, HIDDEN, NORMAL, READONLY, SYSTEM } = FileAttribute;
/** IoStatus.Information of an open. */
const Information = {
  SUPERSEDED: 0,
  OPENED: 1,
  CREATED: 2,
  OVERWRITTEN: 3,
  EXISTS: 4,
  DOES_NOT_EXIST: 5,
} as const;
const SMALL = { volume: { capacityBytes: 64 * PAGE } };

export const creating: readonly ConformanceCase[] = [
  {
    name: 'CREATE: CREATED, empty, with ARCHIVE and four times that are now',
    duties: ['create', 'fileInfo'],
    run(volume) {
      const file = volume.file('f');
      assert.equal(file.information, Information.CREATED);
      assert.equal(file.info.attributes, ARCHIVE);
      assert.deepEqual([file.info.fileSize, file.info.allocationSize], [0, 0]);
      const now = BigInt(Date.now()) * 10_000n + 116444736000000000n;
      const { creationTime, lastAccessTime, lastWriteTime, changeTime } = file.info;
      for (const time of [creationTime, lastAccessTime, lastWriteTime, changeTime]) {
        const apart = now - time;
        assert.ok(apart < 600_000_000n && apart > -600_000_000n, `a time ${apart} × 100 ns from now`);
      }
      file.close();
    },
  },
  {
    name: 'CREATE with attributes: kept, ARCHIVE added, NORMAL not stored',
    duties: ['create'],
    run(volume) {
      for (const [given, expected] of [
        [HIDDEN | SYSTEM, HIDDEN | SYSTEM | ARCHIVE],
        [NORMAL, ARCHIVE],
        [READONLY, READONLY | ARCHIVE],
      ] as const) {
        const file = volume.file(`f${given}`, FILE_CREATE, 0, { fileAttributes: given });
        assert.equal(file.info.attributes, expected);
        assert.equal(file.query().attributes, expected);
        file.close();
      }
    },
  },
  {
    name: 'CREATE of a name that is there, in every spelling',
    duties: ['createCollision'],
    run(volume) {
      volume.makeFile('Größe.txt', 'kept');
      for (const name of ['Größe.txt', 'GRÖßE.TXT', 'größe.TXT']) {
        volume.refuses(NtStatus.OBJECT_NAME_COLLISION, name, FILE_CREATE);
      }
      assert.equal(volume.contentOf('Größe.txt'), 'kept');
      // ß is one letter to NTFS; SS are two others.
      volume.makeFile('GRÖSSE.txt');
    },
  },
  {
    name: 'CREATE over a directory',
    duties: ['createCollision', 'kindOfFile', 'securityByName'],
    run(volume) {
      volume.makeDirectory('d').close();
      volume.refuses(NtStatus.OBJECT_NAME_COLLISION, 'd', FILE_CREATE, FILE_DIRECTORY_FILE);
      volume.refuses(NtStatus.FILE_IS_A_DIRECTORY, 'd', FILE_CREATE, FILE_NON_DIRECTORY_FILE);
      volume.makeFile('f');
      volume.refuses(NtStatus.OBJECT_NAME_COLLISION, 'f', FILE_CREATE, FILE_DIRECTORY_FILE);
    },
  },
  {
    name: 'CREATE of a directory: DIRECTORY, no ARCHIVE, no size',
    duties: ['createDirectory', 'fileInfo'],
    run(volume) {
      const directory = volume.file('d', FILE_CREATE, FILE_DIRECTORY_FILE, { fileAttributes: DIRECTORY });
      assert.equal(directory.information, Information.CREATED);
      assert.equal(directory.info.attributes, DIRECTORY);
      assert.equal(directory.info.fileSize, 0);
      directory.close();
      volume.makeFile('d\\f');
      volume.open('d', FILE_DIRECTORY_FILE).close();
    },
  },
  {
    name: 'CREATE with an allocation size: room is reserved, the file stays empty',
    duties: ['createHint', 'unit'],
    own: SMALL,
    run(volume) {
      const free = volume.freeBytes;
      const file = volume.file('f', FILE_CREATE, 0, { allocationSize: 10 * PAGE - 5 });
      assert.deepEqual([file.info.fileSize, file.info.allocationSize], [0, 10 * PAGE]);
      assert.equal(free - volume.freeBytes, 10 * PAGE);
      file.close();
    },
  },
  {
    name: 'CREATE with an allocation size beyond the room: DISK_FULL, nothing is made',
    duties: ['createHint', 'diskFull'],
    own: SMALL,
    run(volume) {
      const free = volume.freeBytes;
      volume.refuses(NtStatus.DISK_FULL, 'f', FILE_CREATE, 0, { allocationSize: 65 * PAGE });
      volume.refuses(NtStatus.OBJECT_NAME_NOT_FOUND, 'f', FILE_OPEN);
      assert.equal(volume.freeBytes, free);
    },
  },
  {
    name: 'OPEN: OPENED for what is there; a missing leaf and a missing parent are told apart',
    duties: ['open', 'pathOrName'],
    run(volume) {
      volume.makeFile('f', 'x');
      volume.makeDirectory('d').close();
      const file = volume.open('F');
      assert.equal(file.information, Information.OPENED);
      file.close();
      volume.refuses(NtStatus.OBJECT_NAME_NOT_FOUND, 'absent', FILE_OPEN);
      volume.refuses(NtStatus.OBJECT_NAME_NOT_FOUND, 'd\\absent', FILE_OPEN);
      volume.refuses(NtStatus.OBJECT_PATH_NOT_FOUND, 'absent\\f', FILE_OPEN);
      volume.refuses(NtStatus.OBJECT_PATH_NOT_FOUND, 'absent\\deeper\\f', FILE_OPEN_IF);
      volume.refuses(NtStatus.OBJECT_PATH_NOT_FOUND, 'absent\\f', FILE_CREATE);
      assert.deepEqual([volume.exists('absent'), volume.exists('d\\absent')], [false, false]);
    },
  },
  {
    name: 'a file is no directory on the way',
    duties: ['pathOrName', 'kindOfFile'],
    run(volume) {
      volume.makeFile('f');
      volume.refuses(NtStatus.OBJECT_PATH_NOT_FOUND, 'f\\below', FILE_OPEN);
      volume.refuses(NtStatus.NOT_A_DIRECTORY, 'f\\below', FILE_CREATE);
    },
  },
  {
    name: 'OPEN_IF: OPENED or CREATED',
    duties: ['openIf'],
    run(volume) {
      const made = volume.file('f', FILE_OPEN_IF);
      made.write(0, 'kept');
      const again = volume.file('F', FILE_OPEN_IF);
      assert.deepEqual([made.information, again.information], [Information.CREATED, Information.OPENED]);
      assert.equal(again.info.fileSize, 4);
      made.close();
      again.close();
    },
  },
  {
    name: 'OVERWRITE, OVERWRITE_IF, SUPERSEDE: what Information says, for files that are there and that are not',
    duties: ['overwrite'],
    run(volume) {
      volume.makeFile('f', 'content');
      volume.refuses(NtStatus.OBJECT_NAME_NOT_FOUND, 'absent', FILE_OVERWRITE);
      for (const [disposition, existing] of [
        [FILE_OVERWRITE, Information.OVERWRITTEN],
        [FILE_OVERWRITE_IF, Information.OVERWRITTEN],
        [FILE_SUPERSEDE, Information.SUPERSEDED],
      ] as const) {
        const file = volume.file('f', disposition);
        assert.equal(file.information, existing);
        // The open alone changes nothing: the driver sends Overwrite when it has found no sharing violation.
        assert.equal(file.query().fileSize, 7);
        file.close();
        if (disposition !== FILE_OVERWRITE) {
          const made = volume.file(`new${disposition}`, disposition);
          assert.equal(made.information, Information.CREATED);
          made.close();
        }
      }
    },
  },
  {
    name: 'Overwrite: the file is empty, attributes added (OVERWRITE) or replaced (SUPERSEDE), ARCHIVE stays',
    duties: ['overwriteRequest', 'fileInfo'],
    run(volume) {
      volume.makeFile('f', Buffer.alloc(3 * PAGE, 'x'), { fileAttributes: HIDDEN });
      const file = volume.file('f', FILE_OVERWRITE_IF);
      const overwritten = file.overwrite(SYSTEM);
      assert.equal(overwritten.attributes, HIDDEN | SYSTEM | ARCHIVE);
      assert.deepEqual([overwritten.fileSize, overwritten.allocationSize], [0, 0]);
      assert.ok(overwritten.lastWriteTime >= file.info.lastWriteTime);
      assert.equal(overwritten.creationTime, file.info.creationTime);
      const replaced = file.overwrite(0, true);
      assert.equal(replaced.attributes, ARCHIVE);
      assert.equal(replaced.indexNumber, file.info.indexNumber);
      // Nothing of the old content shows up when it grows again.
      file.setSize(2 * PAGE);
      assert.deepEqual(file.read(0, 2 * PAGE), Buffer.alloc(2 * PAGE));
      file.close();
    },
  },
  {
    name: 'Overwrite with an allocation size',
    duties: ['overwriteRequest', 'unit'],
    run(volume) {
      volume.makeFile('f', 'x');
      const file = volume.file('f', FILE_OVERWRITE);
      const info = file.overwrite(0, false, 3 * PAGE + 1);
      assert.deepEqual([info.fileSize, info.allocationSize], [0, 4 * PAGE]);
      file.close();
    },
  },
  {
    name: 'an Overwrite that finds no room: DISK_FULL, old content kept, the library has closed the handle',
    duties: ['overwriteFails', 'diskFull'],
    own: SMALL,
    run(volume) {
      volume.makeFile('f', 'old content');
      const free = volume.freeBytes;
      const file = volume.file('f', FILE_OVERWRITE);
      assert.equal(volume.openHandles, 1);
      expectStatus(file.tryOverwrite(0, false, 65 * PAGE).status, NtStatus.DISK_FULL, 'overwrite');
      // No Close follows; stop() finds out when a handle is left, or one was closed twice.
      assert.equal(volume.openHandles, 0);
      assert.equal(volume.freeBytes, free);
      assert.equal(volume.contentOf('f'), 'old content');
    },
  },
  {
    name: 'READONLY: no writing, no DELETE_ON_CLOSE, no OVERWRITE; SUPERSEDE passes',
    duties: ['readonly'],
    run(volume) {
      volume.makeFile('f', 'x', { fileAttributes: READONLY });
      const FILE_WRITE_DATA = 2;
      const FILE_READ_DATA = 1;
      const DELETE = 0x10000;
      volume.refuses(NtStatus.ACCESS_DENIED, 'f', FILE_OPEN, 0, { desiredAccess: FILE_WRITE_DATA });
      volume.refuses(NtStatus.CANNOT_DELETE, 'f', FILE_OPEN, FILE_DELETE_ON_CLOSE, { desiredAccess: DELETE });
      volume.refuses(NtStatus.ACCESS_DENIED, 'f', FILE_OVERWRITE, 0, { desiredAccess: FILE_READ_DATA });
      volume.file('f', FILE_OPEN, 0, { desiredAccess: FILE_READ_DATA }).close();
      const file = volume.file('f', FILE_SUPERSEDE, 0, { desiredAccess: FILE_READ_DATA });
      assert.equal(file.information, Information.SUPERSEDED);
      assert.equal(file.overwrite(0, true).attributes, ARCHIVE);
      file.close();
    },
  },
  {
    name: 'directories and files are opened as what they are',
    duties: ['kindOfFile'],
    run(volume) {
      volume.makeFile('f');
      volume.makeDirectory('d').close();
      volume.refuses(NtStatus.NOT_A_DIRECTORY, 'f', FILE_OPEN, FILE_DIRECTORY_FILE);
      volume.refuses(NtStatus.FILE_IS_A_DIRECTORY, 'd', FILE_OPEN, FILE_NON_DIRECTORY_FILE);
      volume.open('f', FILE_NON_DIRECTORY_FILE).close();
      volume.open('d').close();
    },
  },
  {
    name: 'a trailing backslash is fine behind a directory only',
    duties: ['trailingBackslash'],
    run(volume) {
      volume.makeFile('f');
      volume.makeDirectory('d').close();
      // The driver takes the backslash off and says that it was there.
      volume.refuses(NtStatus.OBJECT_NAME_INVALID, 'f', FILE_OPEN, 0, { hasTrailingBackslash: true });
      volume.file('d', FILE_OPEN, 0, { hasTrailingBackslash: true }).close();
    },
  },
  {
    name: 'the root: opened with every option of a directory, more than once, whatever else is open',
    duties: ['rootOpen', 'contextPerFile', 'indexNumber'],
    run(volume) {
      const open = [0, FILE_DIRECTORY_FILE, 0x20 | FILE_DIRECTORY_FILE].map((options) => {
        const root = volume.client.create('\\', FILE_OPEN, options);
        expectStatus(root.status, NtStatus.SUCCESS, 'root');
        assert.equal(root.information, Information.OPENED);
        assert.equal(root.name, '\\');
        return new OpenFile(volume, '\\', root);
      });
      assert.equal(new Set(open.map(({ context }) => context)).size, 1);
      for (const file of open) {
        assert.equal(file.query().attributes & DIRECTORY, DIRECTORY);
        file.close();
      }
      expectStatus(
        volume.client.create('\\', FILE_OPEN, FILE_NON_DIRECTORY_FILE).status,
        NtStatus.FILE_IS_A_DIRECTORY,
        'root as a file',
      );
    },
  },
  {
    name: 'one context per file: equal for all opens, another for another file, not 0',
    duties: ['contextPerFile', 'indexNumber'],
    run(volume) {
      const files = [volume.file('a'), volume.open('A'), volume.file('b'), volume.open('a')];
      const [a, again, b, third] = files.map(({ context }) => context);
      assert.deepEqual([again, third], [a, a]);
      assert.notEqual(a, b);
      assert.ok(files.every(({ context, info }) => context !== 0 && info.indexNumber !== 0));
      assert.notEqual(files[0]!.info.indexNumber, files[2]!.info.indexNumber);
      for (const file of files) {
        file.close();
      }
    },
  },
  {
    name: 'index numbers survive renames and closing, and are never used again',
    duties: ['indexNumber'],
    run(volume) {
      const file = volume.file('f');
      const { indexNumber } = file.info;
      file.rename('g');
      assert.equal(file.query().indexNumber, indexNumber);
      file.close();
      const again = volume.open('g');
      assert.equal(again.info.indexNumber, indexNumber);
      again.close();
      volume.delete('g');
      const other = volume.file('g');
      assert.notEqual(other.info.indexNumber, indexNumber);
      other.close();
    },
  },
  {
    name: 'a sharing violation: Close without Cleanup, again and again',
    duties: ['sharingViolation'],
    run(volume) {
      const file = volume.file('f');
      file.write(0, 'content');
      const before = volume.openHandles;
      for (let i = 0; i < 50; i++) {
        volume.open('f').closeOnly();
      }
      assert.equal(volume.openHandles, before);
      assert.equal(file.text(), 'content');
      file.close();
    },
  },
  {
    name: 'the stored spelling of the whole path comes back, whatever was asked for',
    duties: ['normalizedName'],
    run(volume) {
      volume.makeDirectory('Ordner Ä').close();
      const made = volume.file('ordner ä\\Datei.TXT');
      // The directory as it is stored, the new name as it was given.
      assert.equal(made.normalizedName, volume.path('Ordner Ä\\Datei.TXT'));
      made.close();
      for (const name of ['Ordner Ä\\Datei.TXT', 'ORDNER Ä\\DATEI.TXT', 'ordner ä\\datei.txt']) {
        const file = volume.open(name);
        assert.equal(file.normalizedName, volume.path('Ordner Ä\\Datei.TXT'));
        file.close();
      }
    },
  },
  {
    name: 'names of 255 characters, beyond the basic plane too, and paths of 3000',
    duties: ['longNames', 'normalizedName'],
    run(volume) {
      for (const name of ['n'.repeat(255), '😀'.repeat(127), 'ÿ'.repeat(255)]) {
        volume.makeFile(name, 'x');
        assert.equal(volume.contentOf(name), 'x');
      }
      let path = '';
      for (let depth = 0; depth < 15; depth++) {
        path += `${path === '' ? '' : '\\'}${String(depth % 10).repeat(200)}`;
        volume.makeDirectory(path).close();
      }
      volume.makeFile(`${path}\\leaf`, 'deep');
      assert.equal(volume.contentOf(`${path}\\LEAF`), 'deep');
    },
  },
  {
    name: "a rename's target is opened by its parent: EXISTS or DOES_NOT_EXIST",
    duties: ['targetDirectory', 'securityByName'],
    run(volume) {
      volume.makeDirectory('d').close();
      volume.makeFile('d\\f');
      for (const [name, expected] of [
        ['d\\F', Information.EXISTS],
        ['d\\g', Information.DOES_NOT_EXIST],
      ] as const) {
        const directory = volume.file(name, FILE_OPEN, 0, { openTargetDirectory: true });
        assert.equal(directory.information, expected);
        assert.equal(directory.info.attributes, DIRECTORY);
        directory.close();
      }
      volume.refuses(NtStatus.OBJECT_PATH_NOT_FOUND, 'absent\\f', FILE_OPEN, 0, {
        openTargetDirectory: true,
      });
    },
  },
  {
    name: 'case tells names apart on a volume that is case-sensitive',
    duties: ['caseSensitivity'],
    own: { volume: { caseSensitive: true } },
    run(volume) {
      volume.makeFile('name', 'lower');
      volume.makeFile('NAME', 'upper');
      assert.deepEqual([volume.contentOf('name'), volume.contentOf('NAME')], ['lower', 'upper']);
      volume.refuses(NtStatus.OBJECT_NAME_NOT_FOUND, 'Name', FILE_OPEN);
    },
  },
];
