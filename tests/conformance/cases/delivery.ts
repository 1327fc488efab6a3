/**
 * Sections (b) and (i): who delivers which answer, and that no completion waits forever. The library holds answers
 * back as the Windows driver may: until a request of its own was answered (option hold_completion), or until the one
 * that a case names was (hold).
 */
import assert from 'node:assert/strict';
import { NtStatus } from '../../../src/ntstatus.js';
import { CreateDisposition } from '../../../src/winfsp/abi/constants.js';
import {
  basicRequest,
  cleanupRequest,
  closeRequest,
  createRequest,
  directoryRequest,
  endOfFileRequest,
  flushRequest,
  queryRequest,
  querySecurityRequest,
  readRequest,
  renameRequest,
  request,
  volumeRequest,
  writeRequest,
} from '../../unit/winfsp/fixtures/script-client.js';
import type { ConformanceCase } from '../conformance-case.js';
import { PAGE } from '../served-options.js';
import { expectStatus, type OpenFile, type ServedVolume } from '../served-volume.js';

const INLINE = ['inline'] as const;
/** As on Windows: completions may nest. */
const NESTING = { dispatcher: { completionsNest: true } };
const HELD = { ...NESTING, library: { hold_completion: 1, hold_timeout_ms: 5000 } };
const UNCACHED_HELD = { ...HELD, volume: { kernelCache: false } };

/** How many answers completion thread 1 and completion thread 2 delivered while `act` ran. */
function completionThreadsUsedBy(
  volume: ServedVolume,
  act: () => void,
): [completion1: number, completion2: number] {
  const before = volume.host.statistics;
  act();
  const after = volume.host.statistics;
  return [
    after.answersByCompletion1 - before.answersByCompletion1,
    after.answersByCompletion2 - before.answersByCompletion2,
  ];
}

const NONE = [0, 0];
const COMPLETION_1 = [1, 0];
const COMPLETION_2 = [0, 1];

function ok(volume: ServedVolume, bytes: Buffer, data: Buffer | null = null): void {
  expectStatus(volume.client.ask(bytes, data).status, NtStatus.SUCCESS, `kind ${bytes.readUInt32LE(4)}`);
}

/** One request a kind whose answer may nest on Windows; the file has an odd size. */
function nestingKinds(file: OpenFile): [string, Buffer, Buffer | null][] {
  const { context } = file;
  return [
    ['Write', writeRequest(context, 0, 5), Buffer.alloc(5)],
    ['SetBasicInfo', basicRequest(context, 0x20, [0n, 0n, 0n, 0n]), null],
    ['SetFileSize (end of file)', endOfFileRequest(context, 7), null],
    ['SetFileSize (allocation)', endOfFileRequest(context, PAGE, true), null],
    ['Flush', flushRequest(context), null],
    ['QueryInformation', queryRequest(context), null],
    ['Rename', renameRequest(context, file.path, file.path, false), null],
  ];
}

export const delivery: readonly ConformanceCase[] = [
  {
    name: 'kinds that do not exist are refused, and the next request is served',
    duties: ['answerEach'],
    run(volume) {
      for (const kind of [0, 17, 18, 22, 31, 1000]) {
        const { status } = volume.client.ask(request(kind));
        assert.ok(status < 0, `kind ${kind}`);
      }
      ok(volume, volumeRequest());
    },
  },
  {
    name: 'receives of 0 bytes in between change nothing',
    duties: ['emptyReceive', 'retried'],
    run(volume) {
      const file = volume.file('f');
      for (let i = 0; i < 50; i++) {
        volume.setLibraryOption('wake', 3);
        assert.equal(file.write(-1, 'x').fileSize, i + 1);
      }
      file.close();
    },
  },
  {
    name: 'Stop0 while requests are in the queue, in a handler and undelivered: an orderly end',
    duties: ['stopOutstanding'],
    own: HELD,
    dispatchers: INLINE,
    endsVolume: true,
    async run(volume) {
      const file = volume.file('f');
      file.setSize(5);
      const gate = volume.host.closeGate(volumeRequest());
      const data = Buffer.alloc(65536, 1);
      const tickets = Array.from({ length: 100 }, (_, i) =>
        volume.client.submit(writeRequest(file.context, i, data.length), data),
      );
      const report = await volume.abandon();
      assert.equal(report.end.reason, 'stopped');
      assert.deepEqual([report.errors, report.leaked], [[], { callbacks: 0, blocks: 0 }]);
      assert.equal(report.disposed, true);
      assert.ok(gate !== 0n && tickets.length === 100);
    },
  },
  {
    name: 'a stop that the driver makes by itself ends the volume, as one that is gone',
    duties: ['volumeGone'],
    own: {},
    dispatchers: INLINE,
    endsVolume: true,
    async run(volume) {
      const { library, data } = volume.host.reference;
      library.fspFsctlStop0(data.volumeHandle);
      await volume.host.exited();
      const report = await volume.abandon();
      assert.equal(report.end.reason, 'volume-gone');
      assert.deepEqual(report.leaked, { callbacks: 0, blocks: 0 });
    },
  },
  {
    name: 'set A is delivered by the serving thread',
    duties: ['inlineA'],
    own: HELD,
    dispatchers: INLINE,
    run(volume) {
      const file = volume.file('f');
      file.setSize(5);
      const root = volume.rootFile();
      const setA: [string, Buffer, Buffer | null][] = [
        ['Create', createRequest('\\absent', CreateDisposition.FILE_OPEN), null],
        ['Read', readRequest(file.context, 0, 5), null],
        ['constrained Write', writeRequest(file.context, 0, 5, true), Buffer.alloc(5)],
        ['QueryDirectory', directoryRequest(root.context, 4096), null],
        ['QueryVolumeInformation', volumeRequest(), null],
        ['QuerySecurity', querySecurityRequest(file.context), null],
        ['volume Flush', flushRequest(0), null],
        ['Write that fails', writeRequest(file.context, 2 ** 45, 5), Buffer.alloc(5)],
        ['rename that fails', renameRequest(file.context, file.path, '\\absent\\g', false), null],
        ['Cleanup', cleanupRequest(root.context, ''), null],
        ['Close', closeRequest(root.context), null],
      ];
      for (const [name, bytes, data] of setA) {
        assert.deepEqual(
          completionThreadsUsedBy(volume, () => volume.client.ask(bytes, data)),
          NONE,
          name,
        );
      }
      file.close();
    },
  },
  {
    name: 'set B goes to the second completionThread, a rename to the first; each completion gets its nested answer',
    duties: ['completionB', 'completionR', 'nestedAnswered'],
    own: HELD,
    dispatchers: INLINE,
    run(volume) {
      const file = volume.file('f');
      file.setSize(5);
      for (const [name, bytes, data] of nestingKinds(file)) {
        const used = completionThreadsUsedBy(volume, () => ok(volume, bytes, data));
        assert.deepEqual(used, name === 'Rename' ? COMPLETION_1 : COMPLETION_2, name);
      }
      file.close();
    },
  },
  {
    name: 'condition 1: a directory is answered inline',
    duties: ['completionB'],
    own: HELD,
    dispatchers: INLINE,
    run(volume) {
      const directory = volume.makeDirectory('d');
      assert.deepEqual(
        completionThreadsUsedBy(volume, () => directory.query()),
        NONE,
      );
      assert.deepEqual(
        completionThreadsUsedBy(volume, () =>
          ok(volume, basicRequest(directory.context, 0x10, [0n, 0n, 0n, 0n])),
        ),
        NONE,
      );
      directory.close();
    },
  },
  {
    name: 'condition 2: a size of whole pages is answered inline, one byte more is not',
    duties: ['completionB'],
    own: HELD,
    dispatchers: INLINE,
    run(volume) {
      const file = volume.file('f');
      for (const [size, expected] of [
        [PAGE, NONE],
        [PAGE - 1, COMPLETION_2],
        [PAGE + 1, COMPLETION_2],
        [2 * PAGE, NONE],
        [0, NONE],
      ] as const) {
        file.setSize(size);
        assert.deepEqual(
          completionThreadsUsedBy(volume, () => file.query()),
          expected,
          `size ${size}`,
        );
      }
      file.close();
    },
  },
  {
    name: 'condition 3: a size is set inline when neither its old nor its new end lies in a page that was there before',
    duties: ['completionB'],
    own: HELD,
    dispatchers: INLINE,
    run(volume) {
      const file = volume.file('f');
      for (const [size, expected] of [
        [10, NONE], // from nothing
        [20, COMPLETION_2], // within the first page
        [PAGE + 1, COMPLETION_2], // beyond it, but the old end is in it
        [2 * PAGE, COMPLETION_2],
        [5 * PAGE + 3, NONE], // from a page's boundary into a new page
        [PAGE + 3, COMPLETION_2], // shrinking
        [PAGE, COMPLETION_2],
        [0, NONE], // from a boundary to a boundary
      ] as const) {
        assert.deepEqual(
          completionThreadsUsedBy(volume, () => file.setSize(size)),
          expected,
          `to ${size}`,
        );
      }
      file.close();
    },
  },
  {
    name: 'condition 4: with a finite timeout, inline until someone has read whole pages',
    duties: ['completionB'],
    own: UNCACHED_HELD,
    dispatchers: INLINE,
    run(volume) {
      const file = volume.file('f');
      const second = volume.open('f');
      file.write(0, Buffer.alloc(PAGE + 5));
      assert.deepEqual(
        completionThreadsUsedBy(volume, () => file.query()),
        NONE,
      );
      file.read(1, PAGE);
      file.read(0, PAGE - 1);
      assert.deepEqual(
        completionThreadsUsedBy(volume, () => file.query()),
        NONE,
      );
      second.read(0, PAGE);
      assert.deepEqual(
        completionThreadsUsedBy(volume, () => file.query()),
        COMPLETION_2,
      );
      second.close();
      assert.deepEqual(
        completionThreadsUsedBy(volume, () => file.query()),
        COMPLETION_2,
      );
      file.close();
      // Entirely closed: nothing can be mapped any more.
      const again = volume.open('f');
      assert.deepEqual(
        completionThreadsUsedBy(volume, () => again.query()),
        NONE,
      );
      again.close();
    },
  },
  {
    name: 'while a directory rename is being delivered, Cleanup and set B stay off the serving thread',
    duties: ['completionR', 'nestedAnswered'],
    own: NESTING,
    dispatchers: INLINE,
    run(volume) {
      const directory = volume.makeDirectory('d');
      const file = volume.file('f');
      const { client, host } = volume;
      const before = host.statistics;
      const gate = host.closeGate(volumeRequest());
      const rename = client.submit(renameRequest(directory.context, '\\d', '\\e', false));
      const query = client.submit(queryRequest(directory.context));
      const cleanup = client.submit(cleanupRequest(file.context, ''));
      const last = client.submit(volumeRequest());
      client.hold(rename, last);
      client.hold(cleanup, last);
      host.openGate();
      for (const ticket of [gate, rename, query, cleanup, last]) {
        expectStatus(client.wait(ticket)!.status, 0, 'answer');
      }
      const after = host.statistics;
      assert.deepEqual(
        [
          after.answersByCompletion1 - before.answersByCompletion1,
          after.answersByCompletion2 - before.answersByCompletion2,
        ],
        [1, 2],
      );
      file.closeOnly();
      directory.path = '\\e';
      directory.close();
    },
  },
  {
    name: 'both completionThreads stuck in a delivery, each until the other kind of nested request is answered',
    duties: ['nestedAnswered', 'neverWaits'],
    own: NESTING,
    dispatchers: INLINE,
    run(volume) {
      const file = volume.file('f');
      file.setSize(5);
      const { client, host } = volume;
      const nestedKinds: [string, Buffer, Buffer | null][] = [
        ['Read', readRequest(file.context, 0, 5), null],
        ['constrained Write', writeRequest(file.context, 0, 5, true), Buffer.alloc(5)],
        ['Create', createRequest('\\absent', CreateDisposition.FILE_OPEN), null],
        ['Close', createRequest('\\f', CreateDisposition.FILE_OPEN), null],
      ];
      for (const [, bytes, data] of nestedKinds) {
        const gate = host.closeGate(volumeRequest());
        const rename = client.submit(renameRequest(file.context, '\\f', '\\f', false));
        const write = client.submit(writeRequest(file.context, 0, 5), Buffer.alloc(5));
        const nested = client.submit(bytes, data);
        client.hold(rename, nested);
        client.hold(write, nested);
        host.openGate();
        for (const ticket of [gate, nested, rename, write]) {
          assert.ok(client.wait(ticket) !== null);
        }
      }
      // The opens of \f: closed as the driver would.
      for (let open = volume.openHandles; open > 1; open--) {
        file.closeOnly();
      }
      file.close();
    },
  },
  {
    name: 'a flood of 700 answers for a stuck completionThread with a ring of 4: the serving thread goes on, order is kept',
    duties: ['neverWaits', 'answerEach'],
    own: { dispatcher: { completionsNest: true, completionSlots: 4 } },
    dispatchers: INLINE,
    run(volume) {
      const file = volume.file('f');
      file.setSize(5);
      const { client, host } = volume;
      const gate = host.closeGate(volumeRequest());
      const stuck = client.submit(writeRequest(file.context, 0, 5), Buffer.alloc(5));
      const writes = Array.from({ length: 700 }, (_, i) => {
        const data = Buffer.alloc(5, i);
        return client.submit(writeRequest(file.context, 0, 5), data);
      });
      const last = client.submit(readRequest(file.context, 0, 5));
      // The first delivery ends only when the very last request is answered, behind 700 answers that the completion
      // thread cannot take.
      client.hold(stuck, last);
      host.openGate();
      const read = client.wait(last);
      assert.deepEqual(
        [...read!.data.subarray(0, 5)],
        [699 & 255, 699 & 255, 699 & 255, 699 & 255, 699 & 255],
      );
      for (const ticket of [gate, stuck, ...writes]) {
        expectStatus(client.wait(ticket)!.status, 0, 'answer');
      }
      assert.ok(host.statistics.answersOverflowed > 600);
      file.close();
    },
  },
  {
    name: 'all answers through completionThreads: everything works, held completions too',
    duties: ['nestedAnswered', 'inlineA'],
    own: { dispatcher: { completionsNest: true, completionThreads: 'all' }, library: { hold_completion: 1 } },
    dispatchers: INLINE,
    run(volume) {
      const file = volume.file('f');
      file.setSize(5);
      assert.equal(file.write(-1, 'more').fileSize, 9);
      file.rename('g');
      for (let i = 0; i < 100; i++) {
        assert.equal(file.query().fileSize, 9);
      }
      file.close();
      volume.delete('g');
      assert.equal(volume.host.statistics.answersInline, 0);
    },
  },
  {
    name: 'held completions under a mixed load on twenty files: all answered, none late',
    duties: ['nestedAnswered', 'neverWaits'],
    own: HELD,
    dispatchers: INLINE,
    run(volume) {
      const files = Array.from({ length: 20 }, (_, i) => volume.file(`f${i}`));
      const { client } = volume;
      for (let round = 0; round < 10; round++) {
        const tickets = files.flatMap((file, i) => [
          client.submit(writeRequest(file.context, round * 3, 5), Buffer.alloc(5, i)),
          client.submit(queryRequest(file.context)),
          client.submit(readRequest(file.context, 0, 5)),
          client.submit(endOfFileRequest(file.context, 100 + round)),
        ]);
        for (const ticket of tickets) {
          expectStatus(client.wait(ticket)!.status, 0, 'answer');
        }
      }
      for (const file of files) {
        file.close();
      }
    },
  },
];
