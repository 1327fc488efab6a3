/**
 * Random histories of a small volume with snapshots, beside a model of byte arrays: live tree and every snapshot, after
 * each step.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { NtStatus } from '../../../../src/ntstatus.js';
import type { Inode } from '../../../../src/volume/inode.js';
import { RamVolume } from '../../../../src/volume/ram-volume.js';
import { PlainPageMemory } from '../../../support/plain-page-memory.js';
import { holds, propertyRuns } from '../../../support/property.js';

const PAGE = 8;
const RUNS = 300;
type Tree = Map<string, number[]>;

const name = fc.constantFrom('a', 'b', 'c');
const snapshot = fc.constantFrom('s', 't', 'u');
const at = fc.nat(40);
const step = fc.oneof(
  { weight: 8, arbitrary: fc.record({ op: fc.constant('write' as const), name, at, length: fc.nat(30) }) },
  { weight: 3, arbitrary: fc.record({ op: fc.constant('setLength' as const), name, at }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('overwrite' as const), name }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('zero' as const), name, at, length: fc.nat(40) }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('unlink' as const), name, keepOpen: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('rename' as const), name, to: name }) },
  { weight: 3, arbitrary: fc.record({ op: fc.constant('snapshot' as const), snapshot }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('rollback' as const), snapshot }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('deleteSnapshot' as const), snapshot }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('refuse' as const), refuse: fc.boolean() }) },
);

class Rig {
  readonly memory: PlainPageMemory;
  readonly volume: RamVolume;
  tree: Tree = new Map();
  readonly snapshots = new Map<string, Tree>();

  constructor(pageCount: number) {
    this.memory = new PlainPageMemory({ pageSizeBytes: PAGE, pageCount, scratchBytes: 512 });
    this.volume = new RamVolume({ memory: this.memory, caseSensitive: true, label: 'p' });
  }

  /** Opens or creates. */
  open(file: string): Inode {
    const found = this.volume.open(`\\${file}`);
    if (typeof found !== 'number') return found;
    this.tree.set(file, []);
    return this.volume.create(`\\${file}`, 0, false, null, 0) as Inode;
  }

  write(file: string, offset: number, length: number, value: number): boolean {
    const inode = this.open(file);
    const bytes = this.tree.get(file)!;
    const address = this.memory.put(new Uint8Array(length).fill(value));
    const status = this.volume.write(inode, offset, length, address, false, false);
    this.volume.close(inode);
    if (status < 0) {
      expect(status).toBe(NtStatus.DISK_FULL);
      expect(offset + length).toBeGreaterThan(bytes.length); // NoSilentLoss.
      return false;
    }
    if (length === 0) return true;
    while (bytes.length < offset + length) bytes.push(0);
    bytes.fill(value, offset, offset + length);
    return true;
  }

  contentOf(inode: Inode): number[] {
    const length = inode.fileSize;
    inode.file!.read(0, length, this.memory.scratchAddress);
    return [...this.memory.get(this.memory.scratchAddress, length)];
  }

  verify(): void {
    expect(this.treeOf(this.volume.root)).toEqual(this.tree);
    expect(new Set(this.volume.snapshots.map((one) => one.name))).toEqual(new Set(this.snapshots.keys()));
    for (const { name: which, root } of this.volume.snapshots) {
      expect(this.treeOf(root), which).toEqual(this.snapshots.get(which));
    }
    expect(this.volume.selfCheck()).toEqual([]);
    expect(this.volume.selfCheckPiece(0) ?? []).toEqual([]);
  }

  treeOf(root: Inode): Tree {
    const tree: Tree = new Map();
    root.children?.forEachPair((key, { inode }) => {
      tree.set(key, this.contentOf(inode));
    });
    return tree;
  }
}

const copyOf = (tree: Tree): Tree => new Map([...tree].map(([key, bytes]) => [key, [...bytes]]));

test('live tree and snapshots agree with the model after every step', () => {
  const count = { taken: 0, refused: 0, rolledBack: 0, deleted: 0 };
  holds(
    'histories with snapshots',
    fc.property(
      fc.integer({ min: 2, max: 24 }),
      fc.array(step, { maxLength: 60, size: 'max' }),
      (pages, steps) => {
        const rig = new Rig(pages);
        const { volume } = rig;
        const handles: Inode[] = [];
        let value = 0;
        for (const one of steps) {
          value = (value % 200) + 1;
          if (one.op === 'write') rig.write(one.name, one.at, one.length, value);
          else if (one.op === 'refuse') {
            rig.memory.failCommitWhen = one.refuse ? () => true : undefined;
          } else if (one.op === 'setLength' || one.op === 'overwrite') {
            const inode = rig.open(one.name);
            const bytes = rig.tree.get(one.name)!;
            const length = one.op === 'overwrite' ? 0 : one.at;
            const status =
              one.op === 'overwrite'
                ? volume.overwrite(inode, 0, false, 0)
                : volume.setFileSize(inode, one.at);
            if (status >= 0) {
              bytes.length = Math.min(bytes.length, length);
              while (bytes.length < length) bytes.push(0);
            } else expect(length).toBeGreaterThan(bytes.length);
            volume.close(inode);
          } else if (one.op === 'zero') {
            const inode = rig.open(one.name);
            expect(volume.zero(inode, one.at, one.length)).toBe(0);
            rig.tree.get(one.name)!.fill(0, one.at, one.at + one.length);
            volume.close(inode);
          } else if (one.op === 'unlink') {
            const inode = rig.open(one.name);
            volume.cleanup(inode, 1);
            rig.tree.delete(one.name);
            if (one.keepOpen) handles.push(inode);
            else volume.close(inode);
          } else if (one.op === 'rename') {
            const inode = rig.open(one.name);
            expect(volume.rename(inode, `\\${one.to}`, true)).toBe(0);
            const bytes = rig.tree.get(one.name)!;
            rig.tree.delete(one.name);
            rig.tree.set(one.to, bytes);
            volume.close(inode);
          } else if (one.op === 'snapshot') {
            const fits = volume.snapshotBytesNeeded <= volume.freeBytes;
            const status = volume.snapshot(one.snapshot);
            if (rig.snapshots.has(one.snapshot)) expect(status).toBe(NtStatus.OBJECT_NAME_COLLISION);
            else {
              if (rig.memory.failCommitWhen === undefined) expect(status >= 0).toBe(fits);
              if (status >= 0) {
                count.taken++;
                rig.snapshots.set(one.snapshot, copyOf(rig.tree));
              } else count.refused++;
            }
          } else if (one.op === 'rollback') {
            const status = volume.rollback(one.snapshot);
            const there = rig.snapshots.get(one.snapshot);
            if (there === undefined) expect(status).toBe(NtStatus.OBJECT_NAME_NOT_FOUND);
            else if (status >= 0) {
              count.rolledBack++;
              rig.tree = copyOf(there);
              handles.length = 0;
            } else expect(status).toBe(NtStatus.DISK_FULL);
          } else {
            const status = volume.deleteSnapshot(one.snapshot);
            const wasThere = rig.snapshots.delete(one.snapshot);
            expect(status).toBe(wasThere ? 0 : NtStatus.OBJECT_NAME_NOT_FOUND);
            if (wasThere) count.deleted++;
          }
          rig.verify();
        }
        // Everything gone: every page is back.
        for (const inode of handles) volume.close(inode);
        for (const one of rig.snapshots.keys()) volume.deleteSnapshot(one);
        for (const file of rig.tree.keys()) {
          const inode = volume.open(`\\${file}`) as Inode;
          volume.cleanup(inode, 1);
          volume.close(inode);
        }
        expect([volume.pool.reservedPages, volume.pool.allocatedPages]).toEqual([0, 0]);
        expect(volume.selfCheck()).toEqual([]);
      },
    ),
    RUNS,
  );
  for (const times of Object.values(count)) expect(times).toBeGreaterThan(propertyRuns(RUNS) / 4);
}, 120_000);
