/**
 * A save reads from a snapshot, at any pace, while the volume goes on: what is saved is one moment, whatever changes
 * meanwhile; and it borrows only room that no program needs.
 */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ImageFile } from '../../../src/image/image-file.js';
import { type Moment, momentOf, viewOfMoment } from '../../../src/image/moment.js';
import { SaveState } from '../../../src/image/save-state.js';
import { viewOf } from '../../../src/image/volume-view.js';
import { NtStatus } from '../../../src/ntstatus.js';
import type { Inode } from '../../../src/volume/inode.js';
import type { Snapshot } from '../../../src/volume/snapshots/snapshot.js';
import { temporaryFolder } from '../../support/temporary-folder.js';
import { contentOf } from './content-of.js';
import { content, fullVolume, PAGE, type Rig, rig } from './volumes.js';

const folder = temporaryFolder('moment');

function begun({ volume }: Rig): Moment {
  const { root } = volume.beginSave() as Snapshot;
  const { label, caseSensitive } = volume;
  // As it arrives in another thread.
  return structuredClone(momentOf({ root, label, caseSensitive }));
}

/** `between`: what happens to the volume before each read. */
async function saved(from: Rig, moment: Moment, between: () => void = () => {}): Promise<Rig> {
  const { memory } = from.volume.pool;
  const source = {
    copy: (to: number, at: number, length: number) => memory.copy(to, at, length),
    zero: (at: number, length: number) => memory.zero(at, length),
    check: between,
  };
  const path = join(folder, `${performance.now()}.tar`);
  await new ImageFile(path).save(viewOfMoment(moment, source), from.scratch);
  const into = rig();
  await new ImageFile(path).load(into.volume, into.scratch);
  return into;
}

describe('a moment', () => {
  it('tells the same of every inode as the volume does', async () => {
    const full = fullVolume();
    const into = await saved(full, begun(full));
    expect(contentOf(into)).toEqual(contentOf(full));
    expect(into.volume.label).toBe(full.volume.label);
  });

  it('is what was, whatever is written, cut, removed, made and renamed while it is saved', async () => {
    const full = fullVolume({ pageCount: 2048 });
    const { volume } = full;
    const due = contentOf(full);
    const moment = begun(full);
    let step = 0;
    const inode = (path: string) => volume.lookup(path) as Inode;
    const changes: (() => unknown)[] = [
      () => full.put(inode('\\dir\\many pages'), PAGE - 5, content(5 * PAGE, 100)),
      () => full.put(inode('\\dir\\one byte'), 0, content(1, 101)),
      () => volume.setFileSize(inode('\\dir\\many pages'), PAGE + 1),
      () => volume.setFileSize(inode('\\holes'), 0),
      () => full.put(full.make('\\new'), 0, content(20 * PAGE, 102)),
      () => volume.overwrite(inode('\\dir\\deep\\a page'), 0, true, 0),
      () => full.put(inode('\\dir\\deep\\a page'), 0, content(3 * PAGE, 103)),
      () => {
        const open = volume.open('\\dir\\many pages') as Inode;
        volume.cleanup(open, 1);
        volume.close(open);
      },
      () => full.put(full.make('\\another'), 0, content(40 * PAGE, 104)),
      () => volume.rename(inode('\\dir\\deep'), '\\moved', false, false),
    ];
    // Each change uses the bytes that the save reads to, so it must not come between a read and its use.
    const into = await saved(
      { ...full, scratch: otherScratch(full) },
      moment,
      () => void changes[step++]?.(),
    );
    expect(step).toBeGreaterThan(changes.length);
    expect(contentOf(into)).toEqual(due);
    volume.endSave();
    expect(volume.selfCheck()).toEqual([]);
    expect(typeof volume.lookup('\\moved\\empty')).toBe('object');
  });

  it('is given up when what it reads may change', async () => {
    const full = fullVolume();
    const state = new SaveState();
    const moment = begun(full);
    let reads = 0;
    const check = () => {
      if (++reads === 5) new SaveState(state.memory).cancel();
      state.step();
    };
    await expect(saved(full, moment, check)).rejects.toThrow(/not saved: the save was given up/);
  });
});

/** The upper half of the rig's, for reads of a save. */
function otherScratch({ scratch: { address, bytes } }: Rig): Rig['scratch'] {
  const half = bytes.length / 2;
  return { address: address + half, bytes: bytes.subarray(half) };
}

it('the room of a save is true when there are snapshots, and a rollback while it is saved', async () => {
  const one = rig({ pageCount: 20 });
  const { volume } = one;
  const a = one.make('\\a');
  one.put(a, 0, content(4 * PAGE, 1));
  expect(volume.snapshot('first')).toBe(0);
  one.put(a, 0, content(2 * PAGE, 2));
  const free = volume.freeBytes;
  const due = contentOf(one);
  const moment = begun(one);
  expect(volume.savingPages).toBe(2);
  expect(volume.freeBytes).toBe(free);
  expect(volume.deleteSnapshot('first')).toBe(NtStatus.SHARING_VIOLATION);
  expect(volume.rollback('\0save')).toBe(NtStatus.OBJECT_NAME_NOT_FOUND);
  expect(volume.rollback('first')).toBe(0);
  expect(volume.freeBytes).toBe(free);
  expect(contentOf(await saved(one, moment))).toEqual(due);
  volume.endSave();
  expect(volume.freeBytes).toBe(free);
  expect(volume.deleteSnapshot('first')).toBe(0);
  expect(volume.selfCheck()).toEqual([]);
});

it('a save of a volume that stands still needs no snapshot', async () => {
  const full = fullVolume();
  const { root, label, caseSensitive } = full.volume;
  expect(contentOf(await saved(full, momentOf({ root, label, caseSensitive })))).toEqual(contentOf(full));
  expect([...names(viewOf(full.volume))]).toEqual([
    ...names(viewOfMoment(momentOf({ root, label, caseSensitive }), { copy() {}, zero() {}, check() {} })),
  ]);
});

function names(view: ReturnType<typeof viewOf>): string[] {
  const all: string[] = [];
  view.visit((inode) => all.push(inode.names.join('\\')));
  return all;
}
