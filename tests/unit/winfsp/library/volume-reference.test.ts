/** A volume as other threads see it, against a library that is played. */
import { afterEach, describe, expect, it } from 'vitest';
import type { WinFspLibrary } from '../../../../src/winfsp/library/library.js';
import { VolumeReference } from '../../../../src/winfsp/library/volume-reference.js';
import { allocateControlBlock } from '../../../../src/winfsp/memory/control-block.js';

function played() {
  const calls: string[] = [];
  let finish = () => {};
  const remove = Object.assign(() => calls.push('remove'), {
    async: (_address: number, done: (error: Error | null) => void) => {
      calls.push('remove on a thread');
      finish = () => done(null);
    },
  });
  const library = {
    fspFsctlStop0: () => 0,
    fspFsctlStop: () => calls.push('stop'),
    fspFileSystemRemoveMountPoint: remove,
  } as unknown as WinFspLibrary;
  const data = { fileSystemAddress: 1, volumeHandle: 2, control: allocateControlBlock() };
  return { calls, reference: new VolumeReference(library, data), finish: () => finish() };
}

describe('a forced stop while an unmount is queued, or inside', () => {
  const platform = Object.getOwnPropertyDescriptor(process, 'platform')!;
  afterEach(() => Object.defineProperty(process, 'platform', platform));

  it.each([
    ['linux', ['remove on a thread', 'stop', 'remove']],
    // The mount would be taken away twice.
    ['win32', ['remove on a thread', 'stop']],
  ])('%s', async (name, expected) => {
    Object.defineProperty(process, 'platform', { ...platform, value: name });
    const { calls, reference, finish } = played();
    const unmounting = reference.removeMountPoint();
    reference.stopForExit(0);
    expect(calls).toEqual(expected);
    finish();
    await unmounting;
  });
});

it('a second unmount at the same time does nothing, a later one is made', async () => {
  const { calls, reference, finish } = played();
  const first = reference.removeMountPoint();
  await reference.removeMountPoint();
  expect(calls).toEqual(['remove on a thread']);
  finish();
  await first;
  void reference.removeMountPoint();
  expect(calls).toEqual(['remove on a thread', 'remove on a thread']);
});

it('a stop at exit unmounts', () => {
  const { calls, reference } = played();
  reference.stopForExit(0);
  expect(calls).toEqual(['stop', 'remove']);
});
