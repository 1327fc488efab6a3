/** The self-check must see what it is for: each kind of damage, done by hand to a volume that was well. */
import { beforeEach, describe, expect, it } from 'vitest';
import { VolumeCheck, type VolumeView } from '../../../../src/volume/check/volume-check.js';
import { AttributeRoom } from '../../../../src/volume/content/attribute-room.js';
import { PagePool } from '../../../../src/volume/content/page-pool.js';
import { PagedFile } from '../../../../src/volume/content/paged-file.js';
import { ContextTable } from '../../../../src/volume/context-table.js';
import { Inode } from '../../../../src/volume/inode.js';
import { INODE_HEAP_BYTES } from '../../../../src/volume/inode-heap.js';
import { foldingTable } from '../../../../src/volume/names/case-folding.js';
import { NameTree } from '../../../../src/volume/names/name-tree.js';
import { rootDescriptor } from '../../../../src/volume/security/security-rules.js';
import { type SecurityDescriptor, SecurityStore } from '../../../../src/volume/security/security-store.js';
import { Snapshots } from '../../../../src/volume/snapshots/snapshots.js';
import { PlainPageMemory } from '../../../support/plain-page-memory.js';

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };
let view: Writable<VolumeView>;
let directory: Inode;
let file: Inode;
let orphan: Inode;

const checkVolume = () => new VolumeCheck(view).run(Number.POSITIVE_INFINITY);

beforeEach(() => {
  const securities = new SecurityStore();
  const pool = new PagePool(new PlainPageMemory({ pageSizeBytes: 16, pageCount: 16 }));
  let indexNumber = 0;
  const inode = (name: string, isFile: boolean) => {
    const security = securities.acquire(rootDescriptor()) as SecurityDescriptor;
    return new Inode(
      name,
      name,
      ++indexNumber,
      isFile ? 0 : 0x10,
      security,
      isFile ? new PagedFile(pool) : null,
    );
  };
  const tree = new NameTree(inode('', false), foldingTable(true));
  const contexts = new ContextTable();
  directory = inode('dir', false);
  file = inode('file', true);
  orphan = inode('orphan', true);
  tree.attach(directory, tree.root);
  tree.attach(file, directory);
  tree.attach(inode('g', true), directory);
  for (const open of [file, orphan]) {
    contexts.assign(open);
    open.openCount = 1;
    expect(open.file!.setLength(20)).toBe(0);
  }
  view = {
    tree,
    contexts,
    securities,
    pool,
    inodeCount: 5,
    openCount: 2,
    lastIndexNumber: 5,
    reparseBytes: 0,
    attributeBytes: 0,
    attributeRoom: new AttributeRoom(pool),
    snapshots: new Snapshots(pool),
    heapBytes: 5 * INODE_HEAP_BYTES + 2 * 'dirfileorphang'.length,
  };
  expect(checkVolume()).toEqual([]);
});

describe('the self-check notices', () => {
  const damages: [string, () => void, string][] = [
    ['a wrong count of inodes', () => view.inodeCount++, 'the volume counts 6'],
    ['a count of names that is too high', () => driftNameCount(1), '3 names are listed, the index counts 4'],
    ['a count of names that is too low', () => driftNameCount(-1), '3 names are listed, the index counts 2'],
    ['a wrong count of opens', () => view.openCount--, 'the volume counts 1'],
    ['a wrong sum of reparse points', () => view.reparseBytes++, 'bytes of reparse points'],
    [
      'a wrong sum of attributes',
      () => view.attributeBytes++,
      'bytes of extended attributes, the volume counts 1',
    ],
    ['room for attributes that are not there', () => view.attributeRoom.add(1), 'room is taken for 1'],
    ['a wrong sum of heap', () => view.heapBytes++, 'bytes of heap'],
    [
      'an index number used twice',
      () => Object.assign(file, { indexNumber: directory.indexNumber }),
      'shares its index',
    ],
    [
      'an index number from the future',
      () => Object.assign(orphan, { indexNumber: 6 }),
      'has no index number',
    ],
    ['a child with another parent', () => Object.assign(file, { parent: view.tree.root }), 'not its parent'],
    ['a name that is not its key', () => Object.assign(file, { name: 'other' }), 'not listed by its name'],
    ['a name that none may have', () => Object.assign(file, { name: '..', key: '..' }), 'none may have'],
    ['an entry out of order', () => swapKeys(directory), 'out of order'],
    ['an entry that look-ups do not find', () => view.tree.index.remove(file), 'is not found by its name'],
    [
      'an entry that no listing shows',
      () => directory.children!.delete('file'),
      'is open and has a parent, but is not listed',
    ],
    ['an inode listed twice', () => listTwice(), 'by a directory that is not its parent'],
    ['an empty list of children', () => directory.children!.clear(), 'has 0 children'],
    [
      'a file with children',
      () => Object.assign(file, { children: directory.children }),
      'a file with children',
    ],
    [
      'children of a name that is gone',
      () => Object.assign(orphan, { children: directory.children }),
      'no name any more, but children',
    ],
    ['a disposed file that is alive', () => file.file!.dispose(), 'content is disposed'],
    [
      'attributes of another kind',
      () => Object.assign(file, { attributes: 0x10 }),
      'does not fit its attributes',
    ],
    [
      'a reparse bit without data',
      () => Object.assign(file, { attributes: 0x400 }),
      'does not fit its reparse point',
    ],
    ['an open inode without a context', () => view.contexts.release(file), 'is open 1 times, with context 0'],
    ['a context without opens', () => Object.assign(file, { openCount: 0 }), 'is not open'],
    [
      'a descriptor with a wrong count',
      () => view.securities.release(file.security),
      'counts 4 users, 5 inodes',
    ],
    ['a reservation that no file has', () => expect(view.pool.reserve(1)).toBe(0), 'FreeBytesAccurate'],
    ['a root that lost its way', () => Object.assign(view.tree.root, { parent: null }), 'not its own parent'],
  ];
  it.each(damages)('%s', (_, damage, complaint) => {
    damage();
    expect(checkVolume()).toContainEqual(expect.stringContaining(complaint));
  });

  it('pages of a file whose inode is lost', () => {
    view.contexts.release(orphan);
    orphan.openCount = 0;
    const violations = checkVolume()!.join('\n');
    expect(violations).toContain('Inodes: 4 are there');
    expect(violations).toContain('FreeBytesAccurate');
  });
});

/** Reaches into the tree: two neighbours change places. */
function swapKeys(inode: Inode): void {
  const leaf = (inode.children as unknown as { _root: { keys: string[] } })._root;
  leaf.keys.reverse();
}

function listTwice(): void {
  view.tree.root.children!.set('file', file);
}

/** Reaches into the index: its count differs from the names that are in it. */
function driftNameCount(by: number): void {
  const { count } = view.tree.index;
  Object.defineProperty(view.tree.index, 'count', { value: count + by });
}
