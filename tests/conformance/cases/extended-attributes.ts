/** Section (d): extended attributes. */
import assert from 'node:assert/strict';
import { NtStatus } from '../../../src/ntstatus.js';
import { CreateDisposition } from '../../../src/winfsp/abi/constants.js';
import { eaList } from '../../support/ea-list.js';
import { overwriteRequest, queryEaRequest, setEaRequest } from '../../unit/winfsp/fixtures/script-client.js';
import type { ConformanceCase } from '../conformance-case.js';
import { PAGE } from '../served-options.js';
import { expectStatus, infoAt, type OpenFile } from '../served-volume.js';

const FILE_INFO = 24;
const EA_SIZE = 68;

function listOf(file: OpenFile): Buffer {
  const answer = file.ask(queryEaRequest(file.context));
  expectStatus(answer.status, NtStatus.SUCCESS, 'QueryEa');
  const at = 128 + answer.bytes.readUInt16LE(24);
  return answer.bytes.subarray(at, at + answer.bytes.readUInt16LE(26));
}

/** EaSize of the answer. */
function set(file: OpenFile, list: Uint8Array, status: number = NtStatus.SUCCESS): number {
  const answer = file.ask(setEaRequest(file.context, list));
  expectStatus(answer.status, status, 'SetEa');
  if (status < 0) return -1;
  assert.equal(infoAt(answer.bytes, FILE_INFO).fileSize, file.query().fileSize);
  return answer.bytes.readUInt32LE(FILE_INFO + EA_SIZE);
}

export const extendedAttributes: readonly ConformanceCase[] = [
  {
    name: 'extended attributes: added, replaced whatever their case, listed, removed by an empty value',
    duties: ['extendedAttributes', 'fileInfo'],
    run(volume) {
      const file = volume.file('f');
      file.write(0, Buffer.alloc(PAGE + 1));
      assert.equal(listOf(file).length, 0);
      assert.equal(set(file, eaList({ B: 'two', A: 'one' })), 5 + 4 + 5 + 4);
      assert.deepEqual(listOf(file), Buffer.from(eaList({ A: 'one', B: 'two' })));
      assert.equal(set(file, eaList({ b: '', A: 'first' })), 5 + 6);
      file.close();
      const again = volume.open('f');
      assert.deepEqual(listOf(again), Buffer.from(eaList({ A: 'first' })));
      assert.equal(set(again, eaList({ A: '' })), 0);
      assert.equal(listOf(again).length, 0);
      again.close();
    },
  },
  {
    name: 'extended attributes: a malformed list, or one that is too long, changes nothing; directories have some too',
    duties: ['extendedAttributes'],
    run(volume) {
      const directory = volume.makeDirectory('d');
      set(directory, eaList({ A: 'one' }));
      const list = eaList({ A: 'two', B: 'two' });
      set(directory, list.subarray(0, list.length - 1), NtStatus.EA_LIST_INCONSISTENT);
      const large = 'x'.repeat(9000);
      set(directory, eaList({ B: large }));
      set(directory, eaList({ C: large }), NtStatus.EA_TOO_LARGE);
      assert.deepEqual(listOf(directory), Buffer.from(eaList({ A: 'one', B: large })));
      directory.close();
    },
  },
  {
    name: 'extended attributes: room is taken for them, and an overwrite takes them away',
    duties: ['extendedAttributes', 'overwrite'],
    own: {},
    run(volume) {
      const before = volume.freeBytes;
      const file = volume.file('f');
      set(file, eaList({ A: 'x'.repeat(PAGE) }));
      assert.equal(volume.freeBytes, before - 2 * PAGE);
      const answer = file.ask(overwriteRequest(file.context));
      expectStatus(answer.status, NtStatus.SUCCESS, 'Overwrite');
      assert.equal(answer.bytes.readUInt32LE(FILE_INFO + EA_SIZE), 0);
      assert.equal(listOf(file).length, 0);
      assert.equal(volume.freeBytes, before);
      file.close();
    },
  },
  {
    name: 'extended attributes: those that a create or an overwrite brings are there at once, or nothing happens',
    duties: ['extendedAttributes', 'create', 'overwrite'],
    run(volume) {
      const { FILE_CREATE } = CreateDisposition;
      const file = volume.file('f', FILE_CREATE, 0, { extendedAttributes: eaList({ A: 'one' }) });
      assert.deepEqual(listOf(file), Buffer.from(eaList({ A: 'one' })));
      file.write(0, Buffer.from('content'));
      const broken = eaList({ B: 'two' }).subarray(0, 10);
      const refused = file.ask(overwriteRequest(file.context, 0, false, 0, broken));
      // The library closes a file whose overwrite failed.
      expectStatus(refused.status, NtStatus.EA_LIST_INCONSISTENT, 'Overwrite');
      const again = volume.open('f');
      assert.deepEqual(listOf(again), Buffer.from(eaList({ A: 'one' })));
      assert.equal(again.query().fileSize, 7);
      const answer = again.ask(overwriteRequest(again.context, 0, false, 0, eaList({ B: 'two' })));
      expectStatus(answer.status, NtStatus.SUCCESS, 'Overwrite');
      assert.equal(answer.bytes.readUInt32LE(FILE_INFO + EA_SIZE), 5 + 4);
      assert.deepEqual(listOf(again), Buffer.from(eaList({ B: 'two' })));
      again.close();
      const none = volume.tryOpen('g', FILE_CREATE, 0, { extendedAttributes: broken });
      expectStatus(none.status, NtStatus.EA_LIST_INCONSISTENT, 'Create');
      expectStatus(
        volume.tryOpen('g', CreateDisposition.FILE_OPEN, 0).status,
        NtStatus.OBJECT_NAME_NOT_FOUND,
        'Open',
      );
    },
  },
];
