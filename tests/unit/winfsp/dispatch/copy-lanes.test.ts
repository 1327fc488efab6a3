/**
 * Copy lanes (docs/winfsp.md#copy-lanes) under the inline dispatcher, against the Linux library's script front end with
 * its strict checks on. The host has lanes for every large read, unless a test says otherwise.
 */
import { afterEach, describe, expect, it } from 'vitest';
import { NtStatus } from '../../../../src/ntstatus.js';
import { Host, type HostOptions } from '../fixtures/host.js';
import { readRequest, volumeRequest, writeRequest } from '../fixtures/script-client.js';

const CREATE = 2;
const MIB = 2 ** 20;
let host: Host | undefined;

async function start(options: HostOptions = {}): Promise<Host> {
  host = await Host.start({ ...options, dispatcher: { copyLanes: 'always', ...options.dispatcher } });
  return host;
}

async function stopClean(errors: unknown[] = []) {
  const report = await host!.stop();
  host = undefined;
  expect(report).toMatchObject({
    end: { reason: 'stopped' },
    disposed: true,
    leaked: { callbacks: 0, blocks: 0 },
    violations: [],
    errors,
  });
  return report;
}

afterEach(async () => {
  await host?.stop();
  host = undefined;
});

/** A file of 1 MiB and a few bytes, each of them told by its place and by `seed`. */
function makeFile(name: string, seed: number): { context: number; data: Buffer } {
  const { client } = host!;
  const { context } = client.create(name, CREATE);
  const data = Buffer.from(Uint8Array.from({ length: MIB + 5 }, (_, i) => (i >>> 12) + i + seed));
  expect(client.ask(writeRequest(context, 0, data.length), data).information).toBe(data.length);
  return { context, data };
}

describe('a large read', () => {
  it('is copied and answered by a lane; what is short is not', async () => {
    const { client } = await start();
    const { context, data } = makeFile('\\a', 1);
    for (const [offset, length] of [
      [0, MIB],
      [3, MIB],
      [700_001, MIB],
      [0, 256 * 1024],
    ] as const) {
      const answer = client.ask(readRequest(context, offset, length), Buffer.alloc(length));
      const due = data.subarray(offset, offset + length);
      expect([answer.status, answer.information]).toEqual([0, due.length]);
      expect(answer.data.subarray(0, due.length).equals(due)).toBe(true);
    }
    expect(host!.statistics).toMatchObject({ answersByLanes: 4, laneFailures: 0 });
    // Past the end, near it, and small: in place.
    expect(client.ask(readRequest(context, 2 * MIB, MIB), Buffer.alloc(MIB)).status).toBe(
      NtStatus.END_OF_FILE,
    );
    expect(client.ask(readRequest(context, MIB, MIB), Buffer.alloc(MIB)).information).toBe(5);
    expect(client.ask(readRequest(context, 0, 4096), Buffer.alloc(4096)).information).toBe(4096);
    expect(host!.statistics.answersByLanes).toBe(4);
    const report = await stopClean();
    expect(report.calls.filter(([name]) => name === 'describeRead')).toHaveLength(6);
    expect(report.calls.filter(([name]) => name === 'read')).toHaveLength(3);
  });

  it('many at once, more than the lanes take, beside writes: each is what one thread would answer', async () => {
    const { client } = await start();
    const one = makeFile('\\one', 1);
    const two = makeFile('\\two', 101);
    const asked: [ticket: bigint, due: number][] = [];
    for (let round = 0; round < 40; round++) {
      const { context } = round % 3 === 0 ? one : two;
      const bytes = Buffer.alloc(MIB, round);
      asked.push([client.submit(writeRequest(context, 0, MIB), bytes), -1]);
      for (let reads = 0; reads < 2; reads++) {
        asked.push([client.submit(readRequest(context, 0, MIB), Buffer.alloc(MIB)), round]);
      }
    }
    for (const [ticket, due] of asked) {
      const answer = client.wait(ticket)!;
      expect([answer.status, answer.information]).toEqual([0, MIB]);
      if (due >= 0) expect(answer.data.equals(Buffer.alloc(MIB, due))).toBe(true);
    }
    expect(host!.statistics.answersByLanes).toBeGreaterThan(0);
    await stopClean();
  });

  it.each([
    ['throws', 'throws', NtStatus.INTERNAL_ERROR, [['Read', 'read is broken']]],
    ['refuses', NtStatus.ACCESS_DENIED, NtStatus.ACCESS_DENIED, []],
  ] as const)('that the file system %s is answered as any other', async (_, what, status, errors) => {
    const { client } = await start({ behaviour: { broken: { describeRead: what, read: what } } });
    const { context } = makeFile('\\a', 1);
    expect(client.ask(readRequest(context, 0, MIB), Buffer.alloc(MIB)).status).toBe(status);
    expect(host!.statistics.answersByLanes).toBe(0);
    await stopClean([...errors]);
  });

  it('whose length the file system answers too long is refused by what checks every read', async () => {
    const broken = { describeRead: MIB + 1, read: MIB + 1 };
    const { client } = await start({ behaviour: { broken } });
    const { context } = makeFile('\\a', 1);
    expect(client.ask(readRequest(context, 0, MIB), Buffer.alloc(MIB)).status).toBe(NtStatus.INTERNAL_ERROR);
    await stopClean([['Read', `read returned ${MIB + 1} bytes for a length of ${MIB}`]]);
  });
});

describe('which reads go to a lane', () => {
  it('none without lanes, none where every answer goes through completion threads', async () => {
    for (const dispatcher of [{ copyLanes: 'none' }, { completionThreads: 'all' }] as const) {
      const { client } = await start({ dispatcher });
      const { context } = makeFile('\\a', 1);
      expect(client.ask(readRequest(context, 0, MIB), Buffer.alloc(MIB)).information).toBe(MIB);
      expect(host!.statistics.answersByLanes).toBe(0);
      await stopClean();
    }
  });

  it('auto: those beside small requests for something else, once the lanes are up', async () => {
    const { client } = await start({ dispatcher: { copyLanes: 'auto' } });
    const one = makeFile('\\one', 1);
    const two = makeFile('\\two', 2);
    const read = ({ context, data }: { context: number; data: Buffer }) => {
      const answer = client.ask(readRequest(context, 0, MIB), Buffer.alloc(MIB));
      expect(answer.data.equals(data.subarray(0, MIB))).toBe(true);
    };
    for (let i = 0; i < 20; i++) {
      read(one);
      if (i % 2 === 0) read(two);
    }
    expect(host!.statistics.answersByLanes).toBe(0);
    const deadline = Date.now() + 60_000;
    while (host!.statistics.answersByLanes === 0 && Date.now() < deadline) {
      read(one);
      expect(client.ask(readRequest(two.context, 0, 4096), Buffer.alloc(4096)).information).toBe(4096);
    }
    expect(host!.statistics.answersByLanes).toBeGreaterThan(0);
    await stopClean();
  });
});

describe('the end', () => {
  it('of a volume with reads in the lanes: they are copied first, and no buffer is touched later', async () => {
    for (let round = 0; round < 5; round++) {
      const { client } = await start();
      const { context } = makeFile('\\a', round);
      for (let reads = 0; reads < 40; reads++) client.submit(readRequest(context, 0, MIB), Buffer.alloc(MIB));
      const report = await stopClean();
      expect(report.calls.some(([name]) => name === 'describeRead' || name === 'read')).toBe(true);
    }
  });

  it('of a volume whose lanes were never up', async () => {
    const { client } = await start({ dispatcher: { copyLanes: 'auto' } });
    const one = makeFile('\\one', 1);
    const two = makeFile('\\two', 2);
    // The lanes are started by the last of these, and the volume is stopped before they are up.
    for (const [{ context }, length] of [
      [one, MIB],
      [two, 4096],
      [one, MIB],
    ] as const) {
      expect(client.ask(readRequest(context, 0, length), Buffer.alloc(length)).information).toBe(length);
    }
    await stopClean();
  });

  it('of a lane ends the volume, which says so, also while a change waits for its copies', async () => {
    const { client } = await start({ behaviour: { broken: { getVolumeInfo: 'ends a completion thread' } } });
    const { context } = makeFile('\\a', 1);
    client.submit(volumeRequest());
    try {
      for (let round = 0; round < 10; round++) {
        client.submit(readRequest(context, 0, MIB), Buffer.alloc(MIB));
        client.submit(writeRequest(context, 0, MIB), Buffer.alloc(MIB, round));
      }
    } catch (refused) {
      // The volume was faster, and takes no more.
      expect(refused).toMatchObject({ ntStatus: NtStatus.CANCELLED });
    }
    await host!.exited();
    const report = await host!.stop();
    host = undefined;
    expect(report.end.message).toMatch(/^A copy lane died\. Answers that it held are lost/);
    expect(report).toMatchObject({ end: { reason: 'thrown' }, disposed: true, errors: [] });
    expect(report.leaked).toEqual({ callbacks: 0, blocks: 0 });
  });
});
