/**
 * The inline dispatcher against the Linux library's script front end, with its strict checks on: the test's thread
 * plays the driver, a worker serves. Needs `npm run build` (the worker runs the compiled code).
 */
import { afterEach, describe, expect, it } from 'vitest';
import { NtStatus } from '../../../../src/ntstatus.js';
import { ControlWord, LoopState } from '../../../../src/winfsp/memory/control-block.js';
import { Host, type HostOptions } from '../fixtures/host.js';
import { EVERYONE_FULL } from '../fixtures/memory-file-system.mjs';
import {
  basicRequest,
  cleanupRequest,
  closeRequest,
  controlRequest,
  directoryRequest,
  dispositionRequest,
  endOfFileRequest,
  flushRequest,
  namesOf,
  overwriteRequest,
  queryRequest,
  querySecurityRequest,
  readRequest,
  renameRequest,
  request,
  symbolicLink,
  volumeRequest,
  writeRequest,
} from '../fixtures/script-client.js';

const OPEN = 1;
const CREATE = 2;
const OPEN_IF = 3;
const DIRECTORY_FILE = 1;
const FILE_OPEN_REPARSE_POINT = 0x200000;
const FSCTL_SET_REPARSE_POINT = 0x000900a4;
const FSCTL_GET_REPARSE_POINT = 0x000900a8;
const FSCTL_DELETE_REPARSE_POINT = 0x000900ac;
const CACHED = { FileInfoTimeout: 0xffffffff };

let host: Host | undefined;

async function start(options: HostOptions = {}): Promise<Host> {
  host = await Host.start(options);
  return host;
}

/** Stops and expects that nothing was left: no violation, no handle, no callback, no block. */
async function stopClean(errors: unknown[] = []) {
  const report = await host!.stop();
  host = undefined;
  expect(report).toMatchObject({
    end: { reason: 'stopped', status: NtStatus.CANCELLED },
    disposed: true,
    leaked: { callbacks: 0, blocks: 0 },
    violations: [],
    openHandles: 0,
    errors,
  });
  return report;
}

afterEach(async () => {
  await host?.stop();
  host = undefined;
});

function closeFile(context: number, path: string, flags = 0): void {
  expect(host!.client.ask(cleanupRequest(context, path, flags)).status).toBe(0);
  // Nobody waits for a Close; its answer comes all the same.
  expect(host!.client.ask(closeRequest(context)).status).toBe(0);
}

describe('serving', () => {
  it('the life of a file: create, write, read, query, list, rename, delete', async () => {
    const { client } = await start();
    const root = client.create('\\', OPEN, DIRECTORY_FILE);
    expect(root).toMatchObject({ status: 0, information: 1, context: 1 });
    const file = client.create('\\Größe.txt', CREATE);
    expect(file).toMatchObject({ status: 0, information: 2, name: '\\Größe.txt' });
    const again = client.create('\\GRÖßE.TXT', OPEN_IF);
    expect(again).toMatchObject({ status: 0, information: 1, name: '\\Größe.txt', context: file.context });

    const data = Buffer.from('Hallo, Welt');
    const written = client.ask(writeRequest(file.context, 4, data.length), data);
    expect(written).toMatchObject({ status: 0, information: data.length });
    expect(written.bytes.readBigUInt64LE(24 + 16)).toBe(15n);
    const appended = client.ask(writeRequest(file.context, -1, 1), Buffer.from('!'));
    expect(appended.bytes.readBigUInt64LE(24 + 16)).toBe(16n);
    expect(client.ask(writeRequest(file.context, 10, 100, true), Buffer.alloc(100, 'x')).information).toBe(6);
    const read = client.ask(readRequest(file.context, 2, 100));
    expect(read).toMatchObject({ status: 0, information: 14 });
    expect(read.data.toString('latin1')).toBe('\0\0Hallo,xxxxxx');
    expect(client.ask(readRequest(file.context, 16, 1)).status).toBe(NtStatus.END_OF_FILE);
    expect(client.ask(readRequest(file.context, 2n ** 40n, 1)).status).toBe(NtStatus.END_OF_FILE);

    const time = 133_456_789_012_345_679n;
    expect(client.ask(basicRequest(file.context, 0x21, [time, 0n, 2n ** 64n - 2n, time + 1n])).status).toBe(
      0,
    );
    const queried = client.ask(queryRequest(file.context)).bytes;
    expect(queried.readBigUInt64LE(24 + 24)).toBe(time);
    expect(queried.readBigUInt64LE(24 + 48)).toBe(time + 1n);
    expect(client.ask(basicRequest(file.context, 0x20, [0n, 0n, 0n, 0n])).status).toBe(0);
    expect(client.ask(flushRequest(file.context)).bytes.readBigUInt64LE(24 + 16)).toBe(16n);
    expect(client.ask(flushRequest(0)).status).toBe(0);
    const security = client.ask(querySecurityRequest(file.context)).bytes;
    expect(security.subarray(128, 128 + security.readUInt16LE(26)).length).toBeGreaterThan(0);

    expect(client.ask(renameRequest(file.context, '\\Größe.txt', '\\b', false)).status).toBe(0);
    const listing = client.ask(directoryRequest(root.context, 4096));
    expect(namesOf(listing.data.subarray(0, listing.information))).toEqual(['b', '<end>']);
    expect(client.ask(dispositionRequest(file.context, '\\b', 1)).status).toBe(0);
    closeFile(file.context, '\\b', 1);
    expect(client.create('\\b', OPEN).status).toBe(NtStatus.OBJECT_NAME_NOT_FOUND);
    // The second handle still reads what the first one deleted.
    expect(
      client
        .ask(readRequest(file.context, 4, 5))
        .data.toString('latin1')
        .slice(0, 5),
    ).toBe('Hallo');
    closeFile(file.context, '\\b');
    closeFile(root.context, '\\');
    const report = await stopClean();
    expect(report.openCount).toBe(0);
  });

  it('64 KiB and 1 MiB transfers, to the byte', async () => {
    const { client } = await start();
    const file = client.create('\\big', CREATE);
    const data = Buffer.alloc(
      1 << 20,
      Uint8Array.from({ length: 251 }, (_, i) => i),
    );
    expect(client.ask(writeRequest(file.context, 3, data.length), data).information).toBe(1 << 20);
    for (const [offset, length] of [
      [3, 65536],
      [4096 + 2, 1 << 20],
      [(1 << 20) + 2, 100],
    ] as const) {
      const read = client.ask(readRequest(file.context, offset, length));
      const expected = data.subarray(offset - 3, offset - 3 + length);
      expect(read.information).toBe(expected.length);
      expect(Buffer.compare(read.data.subarray(0, expected.length), expected)).toBe(0);
    }
    closeFile(file.context, '\\big');
    await stopClean();
  });

  it('listings in small pieces, by marker, each name once', async () => {
    const { client } = await start();
    const directory = client.create('\\d', CREATE, DIRECTORY_FILE);
    const all = Array.from({ length: 50 }, (_, i) => `file-${String(i).padStart(2, '0')}${'x'.repeat(i)}`);
    for (const name of all) {
      const file = client.create(`\\d\\${name}`, CREATE);
      closeFile(file.context, `\\d\\${name}`);
    }
    const seen: string[] = [];
    for (let marker: string | null = null; seen.at(-1) !== '<end>'; marker = seen.at(-1)!) {
      const answer = client.ask(directoryRequest(directory.context, 700, marker));
      expect(answer.status).toBe(0);
      seen.push(...namesOf(answer.data.subarray(0, answer.information)));
    }
    expect(seen).toEqual(['.', '..', ...all, '<end>']);
    closeFile(directory.context, '\\d');
    await stopClean();
  });

  it('symbolic links: set, opened as themselves, and resolved', async () => {
    const { client } = await start({ volumeParams: { ReparsePoints: true }, behaviour: { reparse: true } });
    const target = client.create('\\target', CREATE);
    const link = client.create('\\link', CREATE);
    const data = symbolicLink('target');
    expect(client.ask(controlRequest(link.context, '\\link', FSCTL_SET_REPARSE_POINT, data)).status).toBe(0);
    const got = client.ask(controlRequest(link.context, '\\link', FSCTL_GET_REPARSE_POINT, Buffer.alloc(0)));
    expect(got.status).toBe(0);
    const at = 128 + got.bytes.readUInt16LE(24);
    expect(Buffer.compare(got.bytes.subarray(at, at + got.bytes.readUInt16LE(26)), data)).toBe(0);
    const itself = client.create('\\link', OPEN, FILE_OPEN_REPARSE_POINT);
    expect(itself).toMatchObject({ status: 0, context: link.context });
    // Without the completion thread that walks a path nothing is opened through the link; with it, the driver is told
    // where to go on.
    const through = client.create('\\link', OPEN);
    const deeper = client.create('\\link\\deeper', OPEN);
    if (host!.reference.library.fspFileSystemResolveReparsePoints === null) {
      expect([through.status, deeper.status]).not.toContain(0);
    } else {
      expect([through.status, deeper.status]).toEqual([0x104, 0x104]);
      expect(through.bytes.subarray(128).toString('utf16le')).toContain('target');
    }
    expect(client.ask(controlRequest(link.context, '\\link', FSCTL_DELETE_REPARSE_POINT, data)).status).toBe(
      0,
    );
    for (const context of [link.context, link.context]) {
      closeFile(context, '\\link');
    }
    closeFile(target.context, '\\target');
    await stopClean();
  });

  it('kinds without an operation, and methods that are not there, are refused', async () => {
    const { client } = await start({
      behaviour: { absent: ['read', 'write', 'setVolumeLabel', 'overwrite'] },
    });
    expect(client.ask(request(17)).status).toBe(NtStatus.INVALID_DEVICE_REQUEST);
    expect(client.ask(readRequest(1, 0, 1)).status).toBe(NtStatus.INVALID_DEVICE_REQUEST);
    expect(client.ask(writeRequest(1, 0, 1), Buffer.alloc(1)).status).toBe(NtStatus.INVALID_DEVICE_REQUEST);
    expect(client.ask(volumeRequest()).status).toBe(0);
  });
});

describe('handlers that go wrong', () => {
  it.each([['throws'], [undefined], [0.5], [Number.NaN]])(
    '%s: INTERNAL_ERROR, told once, and life goes on',
    async (what) => {
      const { client } = await start({
        behaviour: { broken: { read: what, write: what, flush: what, setFileSize: what, cleanup: 'throws' } },
      });
      const file = client.create('\\f', CREATE);
      expect(client.ask(readRequest(file.context, 0, 10)).status).toBe(NtStatus.INTERNAL_ERROR);
      expect(client.ask(writeRequest(file.context, 0, 10), Buffer.alloc(10)).status).toBe(
        NtStatus.INTERNAL_ERROR,
      );
      expect(client.ask(flushRequest(file.context)).status).toBe(NtStatus.INTERNAL_ERROR);
      expect(client.ask(endOfFileRequest(file.context, 10)).status).toBe(NtStatus.INTERNAL_ERROR);
      closeFile(file.context, '\\f');
      expect(host!.statistics.handlerErrors).toBe(5);
      const report = await host!.stop();
      expect(report.errors.map(([where]) => where)).toEqual([
        'Read',
        'Write',
        'Flush',
        'SetFileSize',
        'Cleanup',
      ]);
      expect(report.leaked).toEqual({ callbacks: 0, blocks: 0 });
      expect(report.end.reason).toBe('stopped');
      host = undefined;
    },
  );

  it('PENDING from a synchronous file system is an error, too', async () => {
    const { client } = await start({ behaviour: { broken: { getFileInfo: 0x103, readDirectory: 0x103 } } });
    const root = client.create('\\', OPEN, DIRECTORY_FILE);
    expect(client.ask(directoryRequest(root.context, 4096)).status).toBe(NtStatus.INTERNAL_ERROR);
    expect(client.ask(queryRequest(root.context)).status).toBe(NtStatus.INTERNAL_ERROR);
    closeFile(root.context, '\\');
  });

  it('more bytes than asked for', async () => {
    const { client } = await start({ behaviour: { broken: { read: 11, write: 11 } } });
    const file = client.create('\\f', CREATE);
    expect(client.ask(readRequest(file.context, 0, 10))).toMatchObject({
      status: NtStatus.INTERNAL_ERROR,
      information: 0,
    });
    expect(client.ask(writeRequest(file.context, 0, 10), Buffer.alloc(10)).status).toBe(
      NtStatus.INTERNAL_ERROR,
    );
    closeFile(file.context, '\\f');
  });

  it('an error hook that throws changes nothing', async () => {
    const { client } = await start({ behaviour: { broken: { read: 'throws' }, errorHookThrows: true } });
    const file = client.create('\\f', CREATE);
    expect(client.ask(readRequest(file.context, 0, 10)).status).toBe(NtStatus.INTERNAL_ERROR);
    closeFile(file.context, '\\f');
    await stopClean([['Read', 'read is broken']]);
  });

  it('a turn hook that throws ends the loop, and finish() still cleans up', async () => {
    await start({ behaviour: { turnThrowsAt: 3 } });
    const open = host!;
    const ticket = open.client.submit(volumeRequest());
    open.client.wait(ticket, 1000);
    for (let i = 0; open.reference.loopState === LoopState.RUNNING && i < 1000; i++) {
      open.reference.wake();
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    const report = await open.stop();
    host = undefined;
    expect(report.end).toEqual({ reason: 'thrown', message: 'onTurn is broken' });
    expect(report.disposed).toBe(true);
    expect(report.leaked).toEqual({ callbacks: 0, blocks: 0 });
  });
});

describe('answers that do not fit', () => {
  it('a name beside a huge descriptor: refused, and the file is closed again', async () => {
    const security = hugeDescriptor(14_500);
    const { client } = await start({ behaviour: { security } });
    const path = `\\${'n'.repeat(250)}\\${'n'.repeat(250)}\\${'n'.repeat(200)}`;
    for (const end of [251, 502]) {
      const directory = client.create(path.slice(0, end), CREATE, DIRECTORY_FILE);
      expect(directory.status).toBe(0);
      closeFile(directory.context, path.slice(0, end));
    }
    const file = client.create(path, CREATE);
    if (file.status === 0) {
      closeFile(file.context, path);
    }
    const opened = client.create(path, OPEN, 0, { acceptsSecurityDescriptor: true });
    expect(opened).toMatchObject({ status: NtStatus.INVALID_DEVICE_REQUEST, information: 0 });
    expect(opened.bytes.length).toBe(128);
    expect(host!.statistics.answersTooLong).toBeGreaterThan(0);
    const report = await stopClean();
    expect(report.openCount).toBe(0);
  });
});

describe('who delivers', () => {
  it('nothing nests here: everything inline, no completionThreads', async () => {
    const { client } = await start();
    expect(host!.usesCompletionThreads).toBe(false);
    const file = client.create('\\f', CREATE);
    client.ask(writeRequest(file.context, 0, 5), Buffer.alloc(5));
    client.ask(renameRequest(file.context, '\\f', '\\g', false));
    closeFile(file.context, '\\g');
    expect(host!.statistics).toMatchObject({
      answersByCompletion1: 0,
      answersByCompletion2: 0,
      answersInline: 5,
    });
    await stopClean();
  });

  it('where completions nest, B goes to completion thread 2, renames to completion thread 1, the rest stays', async () => {
    const { client } = await start({
      volumeParams: CACHED,
      dispatcher: { completionsNest: true },
      library: { hold_completion: 1 },
    });
    expect(host!.usesCompletionThreads).toBe(true);
    const file = client.create('\\f', CREATE); // A
    expect(client.ask(endOfFileRequest(file.context, 5)).status).toBe(0); // B, inline by (3)
    expect(client.ask(endOfFileRequest(file.context, 7)).status).toBe(0); // B
    expect(client.ask(writeRequest(file.context, 0, 5), Buffer.alloc(5)).status).toBe(0); // B
    expect(client.ask(writeRequest(file.context, 0, 5, true), Buffer.alloc(5)).status).toBe(0); // A
    expect(client.ask(readRequest(file.context, 0, 5)).status).toBe(0); // A
    expect(client.ask(queryRequest(file.context)).status).toBe(0); // B
    expect(client.ask(flushRequest(file.context)).status).toBe(0); // B
    expect(client.ask(endOfFileRequest(file.context, 4096)).status).toBe(0); // B: the old end is in a page
    expect(client.ask(endOfFileRequest(file.context, 8192)).status).toBe(0); // B, inline by (3)
    expect(client.ask(overwriteRequest(file.context)).status).toBe(0); // A
    expect(client.ask(renameRequest(file.context, '\\f', '\\g', false)).status).toBe(0); // R
    closeFile(file.context, '\\g'); // A
    const figures = host!.statistics;
    expect([figures.answersByCompletion1, figures.answersByCompletion2]).toEqual([1, 5]);
    await stopClean();
  });

  it('without completionThreads the driver waits for the thread that waits for it', async () => {
    const { client } = await start({
      volumeParams: CACHED,
      dispatcher: { completionsNest: true, completionThreads: 'none' },
      library: { hold_completion: 1, hold_timeout_ms: 300 },
    });
    const file = client.create('\\f', CREATE);
    expect(client.ask(endOfFileRequest(file.context, 5)).status).toBe(0);
    expect(client.ask(writeRequest(file.context, 0, 5), Buffer.alloc(5)).status).toBe(0);
    closeFile(file.context, '\\f');
    const report = await host!.stop();
    host = undefined;
    expect(report.violations.join('\n')).toContain('no receiver took a nested request');
  });

  it('M answers nested requests while both completionThreads are stuck in deliveries', async () => {
    const { client } = await start({ volumeParams: CACHED, dispatcher: { completionsNest: true } });
    const file = client.create('\\f', CREATE);
    client.ask(endOfFileRequest(file.context, 5));
    const gate = host!.closeGate(volumeRequest());
    const rename = client.submit(renameRequest(file.context, '\\f', '\\g', false));
    const write = client.submit(writeRequest(file.context, 0, 5), Buffer.alloc(5));
    const last = client.submit(readRequest(file.context, 0, 5));
    client.hold(rename, last);
    client.hold(write, last);
    host!.openGate();
    for (const ticket of [gate, last, rename, write]) {
      expect(client.wait(ticket)?.status).toBe(0);
    }
    closeFile(file.context, '\\g');
    await stopClean();
  });

  it('during a directory rename Cleanup and B stay off M, also what would be inline', async () => {
    const { client } = await start({ volumeParams: CACHED, dispatcher: { completionsNest: true } });
    const directory = client.create('\\d', CREATE, DIRECTORY_FILE);
    const file = client.create('\\f', CREATE);
    const before = host!.statistics;
    const gate = host!.closeGate(volumeRequest());
    const rename = client.submit(renameRequest(directory.context, '\\d', '\\e', false));
    const query = client.submit(queryRequest(directory.context)); // inline otherwise, by (1)
    const cleanup = client.submit(cleanupRequest(file.context, '\\f'));
    const last = client.submit(volumeRequest());
    client.hold(rename, last);
    client.hold(cleanup, last);
    host!.openGate();
    for (const ticket of [gate, rename, query, cleanup, last]) {
      expect(client.wait(ticket)?.status).toBe(0);
    }
    const after = host!.statistics;
    expect(after.answersByCompletion1 - before.answersByCompletion1).toBe(1);
    expect(after.answersByCompletion2 - before.answersByCompletion2).toBe(2);
    // It is over, at the latest when the delivering call has returned: both are inline again.
    const inlineAgain = () => {
      const { answersByCompletion2 } = host!.statistics;
      client.ask(queryRequest(directory.context));
      return host!.statistics.answersByCompletion2 === answersByCompletion2;
    };
    await expect.poll(inlineAgain).toBe(true);
    client.ask(closeRequest(file.context));
    const { answersByCompletion2 } = host!.statistics;
    closeFile(directory.context, '\\e');
    expect(host!.statistics.answersByCompletion2).toBe(answersByCompletion2);
    await stopClean();
  });

  it('the rename of a file does not divert anything', async () => {
    const { client } = await start({ volumeParams: CACHED, dispatcher: { completionsNest: true } });
    const file = client.create('\\f', CREATE);
    const other = client.create('\\o', CREATE);
    const gate = host!.closeGate(volumeRequest());
    const rename = client.submit(renameRequest(file.context, '\\f', '\\g', false));
    const cleanup = client.submit(cleanupRequest(other.context, '\\o'));
    const last = client.submit(volumeRequest());
    client.hold(rename, last);
    host!.openGate();
    for (const ticket of [gate, rename, cleanup, last]) {
      expect(client.wait(ticket)?.status).toBe(0);
    }
    expect(host!.statistics.answersByCompletion2).toBe(0);
    client.ask(closeRequest(other.context));
    closeFile(file.context, '\\g');
    await stopClean();
  });

  it('M never waits: a flood for a stuck completionThread goes on past the ring, in order', async () => {
    const { client } = await start({
      volumeParams: CACHED,
      dispatcher: { completionsNest: true, completionSlots: 4 },
    });
    const file = client.create('\\f', CREATE);
    client.ask(endOfFileRequest(file.context, 5));
    const gate = host!.closeGate(volumeRequest());
    const tickets = Array.from({ length: 300 }, () => client.submit(queryRequest(file.context)));
    const last = client.submit(volumeRequest());
    client.hold(tickets[0]!, last);
    host!.openGate();
    expect(client.wait(gate)?.status).toBe(0);
    // Completion thread 2 sits in the first delivery until this one is answered, which is behind the whole flood.
    expect(client.wait(last)?.status).toBe(0);
    expect(tickets.map((ticket) => client.wait(ticket)?.status)).toEqual(tickets.map(() => 0));
    expect(host!.statistics.answersOverflowed).toBeGreaterThan(200);
    closeFile(file.context, '\\f');
    await stopClean();
  });

  it('"all": every answer through the completionThreads, big ones too', async () => {
    const { client } = await start({ dispatcher: { completionThreads: 'all' } });
    expect(host!.usesCompletionThreads).toBe(true);
    const file = client.create(`\\${'x'.repeat(200)}`, CREATE, 0, { acceptsSecurityDescriptor: true });
    expect(file.bytes.length).toBeGreaterThan(128);
    expect(client.ask(writeRequest(file.context, 0, 5), Buffer.from('12345')).status).toBe(0);
    expect(client.ask(readRequest(file.context, 1, 4)).data.toString()).toBe('2345');
    expect(client.ask(renameRequest(file.context, `\\${'x'.repeat(200)}`, '\\g', false)).status).toBe(0);
    closeFile(file.context, '\\g');
    expect(host!.statistics).toMatchObject({
      answersInline: 0,
      answersByCompletion1: 1,
      answersByCompletion2: 0, // the write is inline by (4)
      answersByExtraThreads: 5,
    });
    await stopClean();
  });

  it('"all": nested answers do not queue behind the ones that wait for them', async () => {
    const { client } = await start({ volumeParams: CACHED, dispatcher: { completionThreads: 'all' } });
    const file = client.create('\\f', CREATE);
    client.ask(writeRequest(file.context, 0, 5), Buffer.from('12345'));
    const gate = host!.closeGate(volumeRequest());
    const query = client.submit(queryRequest(file.context)); // B
    const rename = client.submit(renameRequest(file.context, '\\f', '\\g', false)); // R
    const volume = client.submit(volumeRequest()); // A, and blocks, which only a filter makes it do
    const read = client.submit(readRequest(file.context, 0, 5));
    for (const ticket of [query, rename, volume]) {
      client.hold(ticket, read);
    }
    host!.openGate();
    for (const ticket of [gate, read, query, rename, volume]) {
      expect(client.wait(ticket)?.status).toBe(0);
    }
    closeFile(file.context, '\\g');
    await stopClean();
  });
});

describe('turns and commands', () => {
  it('0-byte receives run the hooks and are counted', async () => {
    await start();
    for (let i = 0; i < 5; i++) {
      host!.reference.wake();
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect(host!.statistics.emptyReceives).toBeGreaterThanOrEqual(4);
    const report = await stopClean();
    expect(report.turns).toBe(host === undefined ? report.turns : -1);
    expect(report.turns).toBeGreaterThanOrEqual(4);
  });

  it('a command reaches the loop while it waits, and between requests', async () => {
    await start();
    const { control } = host!.reference.data;
    for (const command of [7, 8, 9]) {
      Atomics.store(control, ControlWord.COMMAND, command);
      host!.reference.wake();
      expect(Atomics.wait(control, ControlWord.COMMAND, command, 5000)).not.toBe('timed-out');
    }
    Atomics.store(control, ControlWord.COMMAND, 10);
    host!.client.ask(volumeRequest());
    expect(Atomics.load(control, ControlWord.COMMAND)).toBe(0);
    const report = await stopClean();
    expect(report.commands).toEqual([7, 8, 9, 10]);
  });

  it('figures by kind can be read while it runs', async () => {
    const { client } = await start();
    const file = client.create('\\f', CREATE);
    client.ask(writeRequest(file.context, 0, 1000), Buffer.alloc(1000));
    client.ask(readRequest(file.context, 0, 600));
    client.ask(readRequest(file.context, 5000, 600));
    closeFile(file.context, '\\f');
    const kinds = Object.fromEntries(host!.statistics.kinds.map((one) => [one.kind, one]));
    expect(kinds.Write).toMatchObject({ count: 1, bytes: 1000, failures: 0 });
    expect(kinds.Read).toMatchObject({ count: 2, bytes: 600, failures: 1 });
    expect(kinds.Read!.latencyUsP50).toBeGreaterThan(0);
    expect(host!.statistics.requests).toBe(6);
    await stopClean();
  });
});

describe('the end', () => {
  it('an unsolicited stop is told apart from one that was asked for', async () => {
    await start();
    host!.reference.library.fspFsctlStop0(host!.reference.data.volumeHandle);
    while (host!.reference.loopState < LoopState.TEARDOWN) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    expect(await host!.reference.setMountPoint('/nowhere')).toBe(NtStatus.VOLUME_DISMOUNTED);
    expect(host!.reference.mountPoint()).toBeNull();
  });

  it.each([0, 1, 7, 40])('after %d requests of a burst: all end, answered or CANCELLED', async (answered) => {
    const { client } = await start({
      volumeParams: CACHED,
      dispatcher: { completionsNest: true, completionSlots: 4 },
    });
    const file = client.create('\\f', CREATE);
    client.ask(endOfFileRequest(file.context, 5));
    const gate = host!.closeGate(volumeRequest());
    const tickets = Array.from({ length: 60 }, (_, i) =>
      i % 2 === 0
        ? client.submit(queryRequest(file.context))
        : client.submit(writeRequest(file.context, i, 3), Buffer.from('abc')),
    );
    const stuck = client.submit(volumeRequest());
    client.hold(tickets[0]!, stuck);
    host!.openGate();
    client.wait(gate);
    for (const ticket of tickets.slice(0, answered).filter((_, i) => i % 2 === 1)) {
      client.wait(ticket, 50);
    }
    host!.reference.requestStop();
    const report = await host!.stop();
    host = undefined;
    expect(report.end.reason).toBe('stopped');
    expect(report.disposed).toBe(true);
    expect(report.leaked).toEqual({ callbacks: 0, blocks: 0 });
    expect(report.violations).toEqual([]);
  });

  it('a completion thread in a nested wait that nobody ends is released by Stop', async () => {
    const { client } = await start({ volumeParams: CACHED, dispatcher: { completionsNest: true } });
    const file = client.create('\\f', CREATE);
    client.ask(endOfFileRequest(file.context, 5));
    const gate = host!.closeGate(volumeRequest());
    const query = client.submit(queryRequest(file.context));
    const gated = client.submit(volumeRequest());
    client.hold(query, gated);
    // M answers the query (completion thread 2 gets stuck delivering it) and then sits in the gate with the nested
    // request until Stop0 has closed the way for its answer.
    host!.passGate();
    expect(client.wait(gate)?.status).toBe(0);
    while (Atomics.load(host!.gate, 1) !== 1) {
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    expect(client.wait(query, 50)).toBeNull();
    const report = await host!.stop();
    expect(report.end.reason).toBe('stopped');
    expect(report.leaked).toEqual({ callbacks: 0, blocks: 0 });
    host = undefined;
    expect(report.disposed).toBe(true);
  });

  it.each([
    ['read', false],
    ['read', true],
    ['getFileInfo', false],
    ['getFileInfo', true],
  ])(
    'the owner dies in %s (completionThreads: %s): who waits is released, nothing crashes',
    async (method, completionsNest) => {
      const { client, reference } = await start({
        dispatcher: { completionsNest },
        behaviour: { broken: { [method]: 'dies' } },
      });
      const owner = host!;
      host = undefined;
      const file = client.create('\\f', CREATE);
      const killer = client.submit(
        method === 'read' ? readRequest(file.context, 0, 1) : queryRequest(file.context),
      );
      const waiting = client.submit(volumeRequest());
      await owner.exited();
      expect(client.wait(waiting, 10)).toBeNull();
      reference.stopForExit(0);
      expect(client.wait(killer)?.status).toBe(NtStatus.CANCELLED);
      expect(client.wait(waiting)?.status).toBe(NtStatus.CANCELLED);
      expect(() => client.submit(volumeRequest())).toThrow();
      expect(await reference.setMountPoint('/nowhere')).toBe(NtStatus.VOLUME_DISMOUNTED);
    },
  );

  it('nothing is accepted any more', async () => {
    await start();
    host!.reference.requestStop();
    expect(() => host!.client.submit(volumeRequest())).toThrow();
    await stopClean();
  });

  it('100 volumes in a row, with and without completion threads, leave nothing', async () => {
    for (let round = 0; round < 50; round++) {
      for (const completionsNest of [false, true]) {
        const { client } = await start({ volumeParams: CACHED, dispatcher: { completionsNest } });
        expect(client.ask(volumeRequest()).status).toBe(0);
        await stopClean();
      }
    }
  }, 120_000);
});

/** A valid descriptor of `length` bytes: the ordinary one with a DACL padded by entries that grant nothing. */
function hugeDescriptor(length: number): Uint8Array {
  const ace = [0, 0, 20, 0, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0];
  const count = Math.floor((length - EVERYONE_FULL.length) / ace.length);
  const bytes = Uint8Array.from([...EVERYONE_FULL, ...Array.from({ length: count }, () => ace).flat()]);
  const view = new DataView(bytes.buffer);
  const dacl = view.getUint32(16, true);
  view.setUint16(dacl + 2, bytes.length - dacl, true);
  view.setUint16(dacl + 4, 3 + count, true);
  return bytes;
}
