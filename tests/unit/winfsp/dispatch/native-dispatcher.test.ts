/** The library's own dispatcher threads, calling back onto the worker's event loop. */
import { afterEach, describe, expect, it } from 'vitest';
import { NtStatus } from '../../../../src/ntstatus.js';
import { Host } from '../fixtures/host.js';
import {
  cleanupRequest,
  closeRequest,
  directoryRequest,
  namesOf,
  queryRequest,
  readRequest,
  volumeRequest,
  writeRequest,
} from '../fixtures/script-client.js';

let host: Host | undefined;

afterEach(async () => {
  await host?.stop();
  host = undefined;
});

describe('the native dispatcher', () => {
  it('serves the same file system', async () => {
    host = await Host.start({ native: true });
    const { client } = host;
    const root = client.create('\\', 1, 1);
    const file = client.create('\\Größe', 2);
    expect(file).toMatchObject({ status: 0, name: '\\Größe' });
    expect(client.ask(writeRequest(file.context, 0, 5), Buffer.from('12345')).information).toBe(5);
    expect(
      client.ask(writeRequest(file.context, -1, 1), Buffer.from('6')).bytes.readBigUInt64LE(24 + 16),
    ).toBe(6n);
    expect(
      client
        .ask(readRequest(file.context, 1, 100))
        .data.subarray(0, 5)
        .toString(),
    ).toBe('23456');
    expect(client.ask(readRequest(file.context, 6, 1)).status).toBe(NtStatus.END_OF_FILE);
    const listing = client.ask(directoryRequest(root.context, 4096));
    expect(namesOf(listing.data.subarray(0, listing.information))).toEqual(['Größe', '<end>']);
    for (const [context, path] of [
      [file.context, '\\Größe'],
      [root.context, '\\'],
    ] as const) {
      client.ask(cleanupRequest(context, path));
      client.ask(closeRequest(context));
    }
    const report = await host.stop();
    host = undefined;
    expect(report).toMatchObject({
      disposed: true,
      leaked: { callbacks: 0, blocks: 0 },
      violations: [],
      openHandles: 0,
      errors: [],
    });
  });

  it('answers many requests at once, and a handler that throws with a failure', async () => {
    host = await Host.start({ native: true, behaviour: { broken: { getFileInfo: 'throws' } } });
    const { client } = host;
    const tickets = Array.from({ length: 200 }, () => client.submit(volumeRequest()));
    expect(client.ask(queryRequest(1)).status).toBe(NtStatus.INTERNAL_ERROR);
    expect(tickets.map((ticket) => client.wait(ticket)?.status)).toEqual(tickets.map(() => 0));
  });

  it('starts and stops 20 times without a hang or a leak, with requests outstanding', async () => {
    for (let round = 0; round < 20; round++) {
      host = await Host.start({ native: true });
      for (let i = 0; i < round; i++) {
        host.client.submit(volumeRequest());
      }
      const report = await host.stop();
      host = undefined;
      expect(report).toMatchObject({ disposed: true, leaked: { callbacks: 0, blocks: 0 } });
    }
  });
});
