/** Sections (d) and (g): what the volume says about itself. */
import assert from 'node:assert/strict';
import { NtStatus } from '../../../src/ntstatus.js';
import { volumeLabelRequest } from '../../unit/winfsp/fixtures/script-client.js';
import type { ConformanceCase } from '../conformance-case.js';
import { PAGE } from '../served-options.js';
import { Cleanup, expectStatus, volumeInfoOf } from '../served-volume.js';

const CAPACITY = 64 * PAGE;
const SMALL = { volume: { capacityBytes: CAPACITY } };

export const volume: readonly ConformanceCase[] = [
  {
    name: 'size, room and label of an empty volume',
    duties: ['volumeInfo', 'unit'],
    own: SMALL,
    run(subject) {
      assert.deepEqual(subject.volumeInfo(), {
        totalBytes: CAPACITY,
        freeBytes: CAPACITY,
        label: 'CONFORMANCE',
      });
    },
  },
  {
    name: 'free space follows every step, by exactly what files reserve',
    duties: ['volumeInfo', 'unit', 'close'],
    own: SMALL,
    run(subject) {
      const file = subject.file('f');
      const steps: [() => unknown, number][] = [
        [() => file.write(0, 'x'), 1],
        [() => file.write(5 * PAGE, 'x'), 6], // the hole is reserved, too
        [() => file.setSize(2 * PAGE + 1), 3],
        [() => file.setSize(10 * PAGE, true), 10],
        [() => file.cleanup(Cleanup.TRIM), 3],
      ];
      for (const [step, pages] of steps) {
        step();
        assert.equal(CAPACITY - subject.freeBytes, pages * PAGE);
        assert.equal(file.query().allocationSize, pages * PAGE);
      }
      file.closeOnly();
      subject.delete('f');
      assert.equal(subject.freeBytes, CAPACITY);
    },
  },
  {
    name: 'with pages of 64 KiB the unit is 64 KiB',
    duties: ['unit'],
    own: { volume: { capacityBytes: 2 ** 20, pageSizeBytes: 65536 } },
    run(subject) {
      const file = subject.file('f');
      assert.equal(file.write(0, 'x').allocationSize, 65536);
      assert.equal(file.write(65535, 'xy').allocationSize, 131072);
      assert.equal(subject.freeBytes, 2 ** 20 - 131072);
      file.close();
    },
  },
  {
    name: 'the label: set, empty, refused beyond 32 characters with nothing changed',
    duties: ['volumeLabel'],
    own: SMALL,
    run(subject) {
      for (const [given, expected] of [
        ['Neuer Name', 'Neuer Name'],
        ['Ä'.repeat(32), 'Ä'.repeat(32)],
        ['', ''],
      ] as const) {
        const answer = subject.client.ask(volumeLabelRequest(given));
        assert.equal(volumeInfoOf(answer).label, expected);
        assert.equal(volumeInfoOf(answer).totalBytes, CAPACITY);
        assert.equal(subject.volumeInfo().label, expected);
      }
      const refused = subject.client.ask(volumeLabelRequest('x'.repeat(33)));
      expectStatus(refused.status, NtStatus.INVALID_VOLUME_LABEL, 'a label that is too long');
      assert.equal(subject.volumeInfo().label, '');
    },
  },
  {
    name: 'a full volume says 0 bytes free and still opens, reads, shrinks and deletes',
    duties: ['volumeInfo', 'diskFull'],
    own: SMALL,
    run(subject) {
      const file = subject.file('f');
      file.write(0, Buffer.alloc(CAPACITY, 7));
      assert.equal(subject.freeBytes, 0);
      expectStatus(file.tryWrite(CAPACITY, 'x').status, NtStatus.DISK_FULL, 'one byte more');
      subject.makeFile('empty');
      assert.equal(file.read(CAPACITY - 1, 10).length, 1);
      assert.equal(file.write(0, Buffer.alloc(CAPACITY, 8)).fileSize, CAPACITY);
      file.setSize(PAGE);
      assert.equal(subject.freeBytes, CAPACITY - PAGE);
      file.close();
    },
  },
];
