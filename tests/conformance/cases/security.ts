/** Sections (c) and (d): who may open, what new files inherit, how descriptors change. */
import assert from 'node:assert/strict';
import { NtStatus } from '../../../src/ntstatus.js';
import { CreateDisposition, CreateOption } from '../../../src/winfsp/abi/constants.js';
import { ScriptToken } from '../../unit/winfsp/fixtures/script-client.js';
import type { ConformanceCase } from '../conformance-case.js';
import {
  ADMINISTRATORS,
  DACL_SECURITY_INFORMATION,
  descriptor,
  EVERYONE,
  FULL_ACCESS,
  SYSTEM,
} from '../descriptor.js';
import { expectStatus } from '../served-volume.js';

const { FILE_OPEN, FILE_CREATE } = CreateDisposition;
const { FILE_DIRECTORY_FILE } = CreateOption;
const FILE_READ_DATA = 1;
const FILE_ADD_FILE = 2;
const OWNER_SECURITY_INFORMATION = 1;
const OBJECT_INHERIT = 1;
const CONTAINER_INHERIT = 2;
const RESTRICTED = { accessToken: ScriptToken.RESTRICTED, desiredAccess: FILE_READ_DATA };

/** Number of entries of the access list; −1 when there is no list. */
function entriesOf(bytes: Buffer): number {
  const list = bytes.readUInt32LE(16);
  return list === 0 ? -1 : bytes.readUInt16LE(list + 4);
}

function ownerOf(bytes: Buffer): number[] {
  const at = bytes.readUInt32LE(4);
  return [...bytes.subarray(at, at + 8 + 4 * bytes[at + 1]!)];
}

export const security: readonly ConformanceCase[] = [
  {
    name: 'what is made on the drive can be opened again, by others too: files, directories, and what is in them',
    duties: ['inheritance'],
    run(volume) {
      volume.makeDirectory('d').close();
      volume.makeDirectory('d\\e').close();
      volume.makeFile('d\\e\\f', 'x');
      for (const name of ['d', 'd\\e', 'd\\e\\f']) {
        const file = volume.open(name, 0, RESTRICTED);
        assert.ok(entriesOf(file.security()) >= 1, `${name} has an empty access list`);
        file.close();
      }
    },
  },
  {
    name: 'a new file gets the entries of its directory that are for files, a new directory those for directories',
    duties: ['inheritance', 'accessCheck'],
    run(volume) {
      const directory = volume.makeDirectory('d');
      const list = descriptor([
        { sid: ADMINISTRATORS },
        { sid: ADMINISTRATORS, flags: OBJECT_INHERIT | CONTAINER_INHERIT },
        { sid: EVERYONE, flags: CONTAINER_INHERIT },
      ]);
      expectStatus(directory.setSecurity(DACL_SECURITY_INFORMATION, list), 0, 'set');
      directory.close();
      volume.makeFile('d\\file');
      volume.makeDirectory('d\\directory').close();
      volume.refuses(NtStatus.ACCESS_DENIED, 'd\\file', FILE_OPEN, 0, RESTRICTED);
      volume.open('d\\directory', 0, RESTRICTED).close();
    },
  },
  {
    name: 'a descriptor given at creation decides',
    duties: ['descriptorGiven', 'accessCheck'],
    run(volume) {
      const given = descriptor([{ sid: ADMINISTRATORS }]);
      volume.file('f', FILE_CREATE, 0, { securityDescriptor: given }).close();
      volume.refuses(NtStatus.ACCESS_DENIED, 'f', FILE_OPEN, 0, RESTRICTED);
      const file = volume.open('f');
      assert.equal(entriesOf(file.security()), 1);
      assert.deepEqual(ownerOf(file.security()), [...SYSTEM]);
      file.close();
    },
  },
  {
    name: 'the parent decides who may add files',
    duties: ['accessCheck'],
    run(volume) {
      const directory = volume.makeDirectory('d');
      const readable = descriptor([
        { sid: ADMINISTRATORS },
        { sid: EVERYONE, access: FULL_ACCESS & ~FILE_ADD_FILE },
      ]);
      expectStatus(directory.setSecurity(DACL_SECURITY_INFORMATION, readable), 0, 'set');
      directory.close();
      volume.refuses(NtStatus.ACCESS_DENIED, 'd\\f', FILE_CREATE, 0, RESTRICTED);
      volume.file('d\\e', FILE_CREATE, FILE_DIRECTORY_FILE, RESTRICTED).close();
    },
  },
  {
    name: 'without traverse privilege every directory on the way is asked',
    duties: ['accessCheck', 'securityByName', 'pathOrName'],
    run(volume) {
      const closed = volume.makeDirectory('closed');
      volume.makeDirectory('closed\\open').close();
      volume.makeFile('closed\\open\\f');
      expectStatus(
        closed.setSecurity(DACL_SECURITY_INFORMATION, descriptor([{ sid: ADMINISTRATORS }])),
        0,
        'set',
      );
      closed.close();
      volume.open('closed\\open\\f', 0, RESTRICTED).close();
      const walking = { ...RESTRICTED, withoutTraversePrivilege: true };
      volume.refuses(NtStatus.ACCESS_DENIED, 'closed\\open\\f', FILE_OPEN, 0, walking);
      volume.refuses(NtStatus.OBJECT_PATH_NOT_FOUND, 'absent\\open\\f', FILE_OPEN, 0, walking);
    },
  },
  {
    name: 'a descriptor larger than the first buffer is asked for again and obeyed',
    duties: ['securityByName', 'accessCheck'],
    run(volume) {
      const directory = volume.makeDirectory('d');
      const many = Array.from({ length: 200 }, () => ({ sid: ADMINISTRATORS }));
      const big = descriptor(many);
      assert.ok(big.length > 1024);
      expectStatus(directory.setSecurity(DACL_SECURITY_INFORMATION, big), 0, 'set');
      assert.equal(entriesOf(directory.security()), 200);
      directory.close();
      volume.refuses(NtStatus.ACCESS_DENIED, 'd', FILE_OPEN, 0, RESTRICTED);
      const walking = { withoutTraversePrivilege: true };
      volume.file('d\\f', FILE_CREATE, 0, walking).close();
      volume.open('d\\f', 0, walking).close();
    },
  },
  {
    name: 'an open that takes a descriptor gets it, beside the name',
    duties: ['securityByName', 'normalizedName'],
    run(volume) {
      volume.makeFile('f');
      const file = volume.open('F', 0, { acceptsSecurityDescriptor: true });
      assert.equal(file.normalizedName, volume.path('f'));
      const { bytes } = file.opened;
      const at = 128 + bytes.readUInt16LE(44);
      assert.deepEqual(bytes.subarray(at, at + bytes.readUInt16LE(46)), file.security());
      file.close();
    },
  },
  {
    name: 'SetSecurity changes what it names and nothing else',
    duties: ['security'],
    run(volume) {
      const file = volume.file('f');
      const before = file.security();
      const both = descriptor([{ sid: EVERYONE }], ADMINISTRATORS);
      expectStatus(file.setSecurity(DACL_SECURITY_INFORMATION, both), 0, 'DACL');
      assert.equal(entriesOf(file.security()), 1);
      assert.deepEqual(ownerOf(file.security()), ownerOf(before));
      const owner = descriptor([], SYSTEM);
      expectStatus(file.setSecurity(OWNER_SECURITY_INFORMATION, owner), 0, 'owner');
      assert.deepEqual(ownerOf(file.security()), [...SYSTEM]);
      assert.equal(entriesOf(file.security()), 1);
      file.close();
    },
  },
  {
    name: 'a malformed descriptor is refused and changes nothing',
    duties: ['security'],
    run(volume) {
      const file = volume.file('f');
      const before = file.security();
      const valid = descriptor([{ sid: EVERYONE }]);
      const outside = Buffer.from(valid);
      outside.writeUInt32LE(60_000, 16);
      const endless = Buffer.from(valid);
      endless.writeUInt16LE(65_528, endless.readUInt32LE(16) + 2);
      for (const bad of [outside, endless, Buffer.alloc(24), valid.subarray(0, 20)]) {
        assert.ok(file.setSecurity(DACL_SECURITY_INFORMATION, bad) < 0);
        assert.deepEqual(file.security(), before);
      }
      file.close();
    },
  },
];
