/**
 * The proof that the completion threads are needed, and enough (docs/winfsp.md#answers-that-may-nest): the library
 * holds completions back as the Windows driver may. With completion threads every kind gets through
 * (cases/delivery.ts); without them each kind that may nest stops the serving thread, and is caught.
 */
import { afterEach, describe, expect, it } from 'vitest';
import {
  basicRequest,
  endOfFileRequest,
  flushRequest,
  queryRequest,
  readRequest,
  renameRequest,
  volumeRequest,
  writeRequest,
} from '../unit/winfsp/fixtures/script-client.js';
import { PAGE } from './served-options.js';
import { type OpenFile, ServedVolume, type StartOptions } from './served-volume.js';

type Make = (file: OpenFile) => [Buffer, Buffer | null];
const NONE = [0n, 0n, 0n, 0n];
/** Each kind whose completion may need another answer, on a file of an odd size. */
const MAY_NEST: readonly [string, Make][] = [
  ['Write', ({ context }) => [writeRequest(context, 0, 5), Buffer.alloc(5)]],
  ['SetBasicInfo', ({ context }) => [basicRequest(context, 0x20, NONE), null]],
  ['SetFileSize, end of file', ({ context }) => [endOfFileRequest(context, 7), null]],
  ['SetFileSize, allocation', ({ context }) => [endOfFileRequest(context, PAGE, true), null]],
  ['Flush', ({ context }) => [flushRequest(context), null]],
  ['QueryInformation', ({ context }) => [queryRequest(context), null]],
  ['Rename', ({ context, path }) => [renameRequest(context, path, '\\g', false), null]],
];

let volume: ServedVolume | undefined;
afterEach(async () => {
  await volume?.abandon();
  volume = undefined;
});

/** A file of 5 bytes, made while nothing is held back. */
async function start(options: StartOptions): Promise<OpenFile> {
  volume = await ServedVolume.start(options);
  const file = volume.file('f');
  file.write(0, 'abcde');
  return file;
}

describe.each(MAY_NEST)('%s', (name, make) => {
  it('without completionThreads: the serving thread waits for itself, and the library says so', async () => {
    const file = await start({ dispatcher: { completionThreads: 'none' } });
    volume!.setLibraryOption('hold_timeout_ms', 300);
    volume!.setLibraryOption('hold_completion', 1);
    volume!.client.ask(...make(file));
    expect(volume!.host.violations.join('\n')).toContain('no receiver took a nested request');
  });

  it('without completionThreads, held for a named request: nothing is answered until Stop releases it', async () => {
    const file = await start({ dispatcher: { completionThreads: 'none' } });
    const { client, host } = volume!;
    const gate = host.closeGate(volumeRequest());
    const held = client.submit(...make(file));
    const nested = client.submit(readRequest(file.context, 0, 5));
    client.hold(held, nested);
    host.openGate();
    expect(client.wait(gate)!.status).toBe(0);
    expect(client.wait(nested, 500)).toBeNull();
    expect(client.wait(held, 0)).toBeNull();
    // The thread sits inside of the library: only Stop frees it, as it would on Windows.
    host.reference.requestStop();
    host.reference.library.fspFsctlStop(host.reference.data.volumeHandle);
    const report = await volume!.abandon();
    volume = undefined;
    expect(report.end.reason).toBe('stopped');
  });

  it('with completionThreads, held for a named request: both are answered', async () => {
    const file = await start({ dispatcher: { completionsNest: true } });
    const { client, host } = volume!;
    const gate = host.closeGate(volumeRequest());
    const held = client.submit(...make(file));
    const nested = client.submit(readRequest(file.context, 0, 5));
    client.hold(held, nested);
    host.openGate();
    for (const ticket of [gate, nested, held]) {
      expect(client.wait(ticket)!.status).toBe(0);
    }
    if (name === 'Rename') {
      file.path = '\\g';
    }
    file.close();
    await volume!.stop();
    volume = undefined;
  });
});
