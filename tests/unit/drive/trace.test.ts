/** A trace that cannot be written ends with one word about it; nothing else ends by that. */
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, it, vi } from 'vitest';
import { TraceWriter } from '../../../src/drive/trace.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

const disk = vi.hoisted(() => ({ roomBytes: 0 }));

vi.mock('node:fs', async (importOriginal) => ({
  ...(await importOriginal<typeof import('node:fs')>()),
  /** The file system's answer to a full disk; nothing is written. */
  writeSync: (_descriptor: number, bytes: Buffer, at: number) => {
    if (disk.roomBytes <= 0) throw new Error('ENOSPC');
    disk.roomBytes -= bytes.length - at;
    return bytes.length - at;
  },
}));

const path = join(temporaryFolder('trace'), 'trace');
const errors: unknown[] = [];
let writer: TraceWriter;

beforeEach(() => {
  errors.length = 0;
  writer = new TraceWriter(path, (error) => errors.push(error));
});

/** Anyone who has got the writer's descriptor after it keeps it. */
function expectClosed(): void {
  const descriptor = openSync(path, 'r');
  writer.close();
  writer.write({ op: 'late' });
  closeSync(descriptor);
}

it('whose last piece finds no room', () => {
  disk.roomBytes = 0;
  writer.write({ op: 'end' });
  writer.close();
  expect(errors).toHaveLength(1);
  expectClosed();
});

it('that is cut, and the word about it finds no room', () => {
  disk.roomBytes = 2 ** 30;
  const text = 'x'.repeat(2 ** 24);
  while (disk.roomBytes > 0) writer.write({ op: 'large', text });
  expect(errors).toHaveLength(1);
  expectClosed();
});
