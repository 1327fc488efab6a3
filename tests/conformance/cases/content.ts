/** Sections (d) and (e): reading, writing, sizes, flush, and what the kernel's cache sends late. */
import assert from 'node:assert/strict';
import { NtStatus } from '../../../src/ntstatus.js';
import { flushRequest, writeRequest } from '../../unit/winfsp/fixtures/script-client.js';
import type { ConformanceCase } from '../conformance-case.js';
import { PAGE } from '../served-options.js';
import { Cleanup, expectStatus, infoAt } from '../served-volume.js';

const CAPACITY = 64 * PAGE;
const SMALL = { volume: { capacityBytes: CAPACITY } };

/** Bytes that tell their own place, so that a shifted copy shows. */
function pattern(length: number, seed = 1): Buffer {
  const bytes = Buffer.alloc(length);
  for (let i = 0; i < length; i++) {
    bytes[i] = (i * 31 + (i >>> 8) * 17 + seed) & 0xff;
  }
  return bytes;
}

export const content: readonly ConformanceCase[] = [
  {
    name: 'reads up to, over and past the end',
    duties: ['read'],
    run(volume) {
      const file = volume.file('f');
      expectStatus(file.tryRead(0, 1).status, NtStatus.END_OF_FILE, 'empty file');
      const data = pattern(PAGE + 10);
      file.write(0, data);
      assert.deepEqual(file.read(0, PAGE + 10), data);
      assert.deepEqual(file.read(PAGE + 9, 100), data.subarray(PAGE + 9));
      for (const offset of [PAGE + 10, PAGE + 11, 2 ** 40]) {
        const answer = file.tryRead(offset, 10);
        expectStatus(answer.status, NtStatus.END_OF_FILE, `read at ${offset}`);
        assert.equal(answer.information, 0);
      }
      file.close();
    },
  },
  {
    name: 'every alignment around a page: written and read back to the byte',
    duties: ['read', 'write', 'fileInfo'],
    run(volume) {
      const file = volume.file('f');
      const expected = Buffer.alloc(4 * PAGE);
      file.setSize(expected.length);
      let seed = 0;
      for (const offset of [0, 1, PAGE - 1, PAGE, PAGE + 1, 2 * PAGE - 1]) {
        for (const length of [1, PAGE - 1, PAGE, PAGE + 1]) {
          const data = pattern(length, seed++);
          file.write(offset, data);
          data.copy(expected, offset);
          assert.deepEqual(file.read(0, expected.length), expected);
        }
      }
      file.close();
    },
  },
  {
    name: 'a write past the end fills the gap with zeros, on pages used before too',
    duties: ['write', 'fileInfo'],
    own: SMALL,
    run(volume) {
      const used = volume.file('used');
      used.write(0, Buffer.alloc(CAPACITY, 0xee));
      used.setSize(0);
      const file = volume.file('f');
      const info = file.write(3 * PAGE + 100, 'end');
      assert.deepEqual([info.fileSize, info.allocationSize], [3 * PAGE + 103, 4 * PAGE]);
      assert.deepEqual(file.read(0, 3 * PAGE + 100), Buffer.alloc(3 * PAGE + 100));
      assert.equal(file.text(3 * PAGE + 100), 'end');
      used.close();
      file.close();
    },
  },
  {
    name: 'a write of 1 MiB and of 4 MiB in one request',
    duties: ['write', 'read'],
    run(volume) {
      const file = volume.file('f');
      for (const length of [2 ** 20, 4 * 2 ** 20 + 1]) {
        const data = pattern(length);
        file.write(7, data);
        assert.equal(Buffer.compare(file.read(7, length), data), 0);
      }
      file.setSize(0);
      file.close();
    },
  },
  {
    name: 'WriteToEndOfFile appends and reports the new size',
    duties: ['append', 'fileInfo'],
    run(volume) {
      const file = volume.file('f');
      for (let i = 1; i <= 10; i++) {
        assert.equal(file.write(-1, `line ${i % 10}\n`).fileSize, 7 * i);
      }
      assert.equal(file.text(63, 7), 'line 0\n');
      file.close();
    },
  },
  {
    name: '200 appends in the queue at once, through two handles: each lands once, none over another',
    duties: ['append', 'answerEach'],
    run(volume) {
      const a = volume.file('f');
      const b = volume.open('f');
      const tickets = Array.from({ length: 200 }, (_, i) => {
        const data = Buffer.from(String(i).padStart(9, '0').concat('\n'));
        return volume.client.submit(writeRequest((i % 2 === 0 ? a : b).context, -1, 10), data);
      });
      const sizes = tickets.map((ticket) => {
        const answer = volume.client.wait(ticket)!;
        expectStatus(answer.status, 0, 'append');
        return infoAt(answer.bytes, 24).fileSize;
      });
      assert.equal(new Set(sizes).size, 200);
      const lines = a.text().trimEnd().split('\n');
      assert.deepEqual(
        lines.toSorted(),
        Array.from({ length: 200 }, (_, i) => String(i).padStart(9, '0')),
      );
      a.close();
      b.close();
    },
  },
  {
    name: 'constrained writes inside, over and past the end',
    duties: ['constrained', 'fileInfo'],
    run(volume) {
      const file = volume.file('f');
      file.write(0, Buffer.alloc(PAGE + 100, 'a'));
      assert.equal(file.writeConstrained(0, Buffer.alloc(PAGE, 'b')), PAGE);
      assert.equal(file.writeConstrained(PAGE, Buffer.alloc(PAGE, 'c')), 100);
      assert.equal(file.writeConstrained(2 * PAGE, Buffer.alloc(PAGE, 'd')), 0);
      assert.equal(file.writeConstrained(2 ** 40, Buffer.alloc(PAGE, 'd')), 0);
      const info = file.query();
      assert.deepEqual([info.fileSize, info.allocationSize], [PAGE + 100, 2 * PAGE]);
      assert.equal(file.text(), `${'b'.repeat(PAGE)}${'c'.repeat(100)}`);
      file.close();
    },
  },
  {
    name: 'a constrained write into an empty file, and into one that was just cut',
    duties: ['constrained'],
    run(volume) {
      const file = volume.file('f');
      assert.equal(file.writeConstrained(0, Buffer.alloc(PAGE)), 0);
      file.write(0, Buffer.alloc(2 * PAGE, 'x'));
      file.setSize(10);
      assert.equal(file.writeConstrained(0, Buffer.alloc(2 * PAGE, 'y')), 10);
      file.setSize(2 * PAGE);
      assert.deepEqual(file.read(10, 2 * PAGE - 10), Buffer.alloc(2 * PAGE - 10));
      file.close();
    },
  },
  {
    name: 'constrained writes after Cleanup, seen by the next one who opens',
    duties: ['constrainedLate', 'cachedOrder'],
    run(volume) {
      const file = volume.file('f');
      file.setSize(3 * PAGE);
      file.cleanup();
      for (const page of [2, 0, 1]) {
        assert.equal(file.writeConstrained(page * PAGE, Buffer.alloc(PAGE, `${page}`)), PAGE);
      }
      const next = volume.open('f');
      assert.equal(next.text(), '0'.repeat(PAGE) + '1'.repeat(PAGE) + '2'.repeat(PAGE));
      next.close();
      file.closeOnly();
    },
  },
  {
    name: 'constrained writes to a file that its last handle deleted: taken, and nothing comes back to life',
    duties: ['constrainedLate', 'close', 'cleanupDelete'],
    own: SMALL,
    run(volume) {
      const file = volume.file('f');
      file.setSize(CAPACITY);
      file.cleanup(Cleanup.DELETE);
      assert.equal(file.writeConstrained(0, Buffer.alloc(PAGE, 'x')), PAGE);
      assert.equal(file.writeConstrained(63 * PAGE, Buffer.alloc(PAGE, 'x')), PAGE);
      assert.equal(volume.exists('f'), false);
      assert.equal(volume.freeBytes, 0);
      file.closeOnly();
      assert.equal(volume.freeBytes, CAPACITY);
    },
  },
  {
    name: 'Flush of a file returns all of its FILE_INFO; context 0, the root and an empty file are fine',
    duties: ['flush', 'fileInfo'],
    run(volume) {
      const file = volume.file('f');
      assert.equal(file.flush().fileSize, 0);
      file.write(0, pattern(PAGE + 1));
      assert.deepEqual(file.flush(), file.query());
      assert.equal(file.flush().fileSize, PAGE + 1);
      expectStatus(volume.client.ask(flushRequest(0)).status, 0, 'flush of the volume');
      const root = volume.rootFile();
      expectStatus(volume.client.ask(flushRequest(root.context)).status, 0, 'flush of the root');
      root.close();
      file.close();
    },
  },
  {
    name: 'end of file: cut, grown, cut inside a page; what was cut off never comes back',
    duties: ['setFileSize', 'fileInfo'],
    run(volume) {
      const file = volume.file('f');
      file.write(0, Buffer.alloc(3 * PAGE, 'x'));
      for (const [size, pages] of [
        [2 * PAGE + 1, 3],
        [2 * PAGE, 2],
        [10, 1],
        [0, 0],
        [1, 1],
        [5 * PAGE, 5],
      ] as const) {
        const info = file.setSize(size);
        assert.deepEqual([info.fileSize, info.allocationSize], [size, pages * PAGE]);
      }
      assert.deepEqual(file.read(0, 5 * PAGE), Buffer.alloc(5 * PAGE));
      file.write(0, Buffer.alloc(100, 'y'));
      file.setSize(50);
      file.setSize(200);
      assert.deepEqual(file.read(0, 200), Buffer.concat([Buffer.alloc(50, 'y'), Buffer.alloc(150)]));
      file.close();
    },
  },
  {
    name: 'allocation: reserves without extending, truncates below the size',
    duties: ['setAllocation', 'fileInfo'],
    run(volume) {
      const file = volume.file('f');
      file.write(0, Buffer.alloc(2 * PAGE, 'x'));
      const reserved = file.setSize(10 * PAGE, true);
      assert.deepEqual([reserved.fileSize, reserved.allocationSize], [2 * PAGE, 10 * PAGE]);
      // A truncation by size keeps what was promised beyond it only if it stays promised; the size itself is exact.
      assert.equal(file.setSize(PAGE + 1).fileSize, PAGE + 1);
      const cut = file.setSize(PAGE, true);
      assert.deepEqual([cut.fileSize, cut.allocationSize], [PAGE, PAGE]);
      assert.equal(file.text(), 'x'.repeat(PAGE));
      const none = file.setSize(0, true);
      assert.deepEqual([none.fileSize, none.allocationSize], [0, 0]);
      file.close();
    },
  },
  {
    name: 'no room for a write, an end of file, an allocation: DISK_FULL and not a byte changed',
    duties: ['diskFull', 'cachedExtend'],
    own: SMALL,
    run(volume) {
      const file = volume.file('f');
      file.write(0, Buffer.alloc(60 * PAGE, 'x'));
      const before = file.query();
      for (const attempt of [
        () => file.tryWrite(59 * PAGE, Buffer.alloc(6 * PAGE, 'y')),
        () => file.tryWrite(2 ** 33, 'y'),
        () => file.tryWrite(-1, Buffer.alloc(5 * PAGE, 'y')),
        () => file.trySetSize(65 * PAGE),
        () => file.trySetSize(2 ** 45),
        () => file.trySetSize(65 * PAGE, true),
      ]) {
        expectStatus(attempt().status, NtStatus.DISK_FULL, 'beyond the room');
        assert.deepEqual(file.query(), before);
        assert.equal(volume.freeBytes, 4 * PAGE);
      }
      assert.equal(file.text(59 * PAGE, PAGE), 'x'.repeat(PAGE));
      assert.equal(file.write(-1, Buffer.alloc(4 * PAGE, 'z')).fileSize, CAPACITY);
      file.close();
    },
  },
  {
    name: 'sizes beyond what a file can have are refused, not misunderstood',
    duties: ['diskFull', 'setFileSize'],
    run(volume) {
      const file = volume.file('f');
      for (const size of [2 ** 53 - 1, 2 ** 52, 2 ** 44]) {
        assert.ok(file.trySetSize(size).status < 0);
        assert.ok(file.trySetSize(size, true).status < 0);
      }
      assert.ok(file.tryWrite(2 ** 52, 'x').status < 0);
      assert.equal(file.query().fileSize, 0);
      file.close();
    },
  },
  {
    name: 'what SetFileSize acknowledged can be written when the drive is full of other files',
    duties: ['cachedExtend', 'cachedOrder'],
    own: SMALL,
    run(volume) {
      const file = volume.file('f');
      file.setSize(32 * PAGE);
      const other = volume.file('other');
      other.write(0, Buffer.alloc(32 * PAGE, 'o'));
      expectStatus(other.trySetSize(33 * PAGE).status, NtStatus.DISK_FULL, 'the other one');
      file.cleanup();
      for (let page = 31; page >= 0; page--) {
        assert.equal(file.writeConstrained(page * PAGE, Buffer.alloc(PAGE, page)), PAGE);
      }
      file.closeOnly();
      const again = volume.open('f');
      for (let page = 0; page < 32; page++) {
        assert.deepEqual(again.read(page * PAGE, PAGE), Buffer.alloc(PAGE, page));
      }
      again.close();
      other.close();
    },
  },
  {
    name: 'without the cache writes extend by themselves, and DISK_FULL comes from the write',
    duties: ['uncached', 'diskFull'],
    own: { volume: { capacityBytes: CAPACITY, kernelCache: false } },
    run(volume) {
      const file = volume.file('f');
      assert.equal(file.write(PAGE - 1, 'xy').fileSize, PAGE + 1);
      expectStatus(file.tryWrite(CAPACITY - 1, 'xy').status, NtStatus.DISK_FULL, 'over the end of the room');
      assert.equal(file.query().fileSize, PAGE + 1);
      file.close();
    },
  },
];
