/**
 * Random histories of a whole small volume beside the model: names, handles, content, renames, listings, lack of room.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { holds, propertyRuns } from '../../support/property.js';
import { type ModelInode, VolumeRig } from './volume-model.js';

const NAMES = ['a', 'A', 'b', 'B', 'ß', 'SS', 'ss', 'é', 'É', 'ı', 'i', 'I', 'a.txt', 'A.TXT', '!', 'þ'];
const name = fc.constantFrom(...NAMES);
const pick = fc.nat(1000);
const size = fc.nat(70);
const flag = fc.boolean();

/** A name in a directory that is there, or a path made of any names. */
const place = fc.oneof(
  { weight: 6, arbitrary: fc.record({ directory: pick, name }) },
  {
    weight: 1,
    arbitrary: fc
      .array(name, { minLength: 1, maxLength: 3 })
      .map((names) => ({ path: `\\${names.join('\\')}` })),
  },
);

const as = <const Op extends string, Fields>(
  op: Op,
  fields: { [K in keyof Fields]: fc.Arbitrary<Fields[K]> },
) => fc.record({ op: fc.constant(op), ...fields }) as fc.Arbitrary<{ op: Op } & Fields>;
const handle = pick;

const step = fc.oneof(
  {
    weight: 8,
    arbitrary: as('create', { place, directory: flag, allocation: fc.constantFrom(0, 0, 0, 1, 40) }),
  },
  { weight: 3, arbitrary: as('open', { place }) },
  { weight: 2, arbitrary: as('lookup', { place }) },
  { weight: 4, arbitrary: as('cleanup', { handle, remove: flag, trim: flag }) },
  { weight: 4, arbitrary: as('close', { handle }) },
  { weight: 7, arbitrary: as('rename', { handle, place, replace: flag, posix: flag }) },
  { weight: 2, arbitrary: as('replaceDirectory', { one: pick, other: pick }) },
  { weight: 3, arbitrary: as('exchange', { handle, place }) },
  { weight: 2, arbitrary: as('recase', { handle, upper: flag }) },
  { weight: 6, arbitrary: as('write', { handle, at: size, length: size, toEnd: flag, constrained: flag }) },
  { weight: 2, arbitrary: as('read', { handle, at: size, length: size }) },
  { weight: 2, arbitrary: as('setFileSize', { handle, bytes: size }) },
  { weight: 2, arbitrary: as('setAllocationSize', { handle, bytes: size }) },
  {
    weight: 1,
    arbitrary: as('overwrite', {
      handle,
      attributes: fc.constantFrom(0x20, 0x21),
      replace: flag,
      allocation: size,
    }),
  },
  { weight: 1, arbitrary: as('link', { handle }) },
  { weight: 1, arbitrary: as('unlinkLink', { handle }) },
  { weight: 2, arbitrary: as('startListing', { handle }) },
  { weight: 5, arbitrary: as('listOn', { room: fc.integer({ min: 1, max: 3 }) }) },
  { weight: 1, arbitrary: as('refuse', { refuse: flag }) },
);

const setting = fc.record({ caseSensitive: flag, pageCount: fc.integer({ min: 1, max: 14 }) });

function pathOf(rig: VolumeRig, where: { path: string } | { directory: number; name: string }): string {
  if ('path' in where) return where.path;
  const directories = rig.inodes.filter((inode) => inode.directory && inode.parent !== null);
  const above = rig.pathOf(directories[where.directory % directories.length]!);
  return above === '\\' ? `\\${where.name}` : `${above}\\${where.name}`;
}

const RUNS = 300;

test('random histories agree with the model after every step', () => {
  const counts: Record<string, number> = {};
  holds(
    'histories of a volume',
    fc.property(
      setting,
      fc.array(step, { maxLength: 120, size: 'max' }),
      ({ caseSensitive, pageCount }, steps) => {
        const rig = new VolumeRig(caseSensitive, pageCount);
        let value = 0;
        for (const one of steps) {
          value = (value % 200) + 1;
          if (one.op === 'create') rig.create(pathOf(rig, one.place), one.directory, one.allocation);
          else if (one.op === 'open') rig.open(pathOf(rig, one.place));
          else if (one.op === 'lookup') rig.lookup(pathOf(rig, one.place));
          else if (one.op === 'replaceDirectory') rig.replaceDirectory(one.one, one.other);
          else if (one.op === 'refuse') rig.refuseCommits = one.refuse;
          else if (one.op === 'listOn') rig.listOn(one.room);
          else if (rig.handles.length > 0) {
            const index = one.handle % rig.handles.length;
            const inode = rig.handles[index] as ModelInode;
            if (one.op === 'cleanup') rig.cleanup(inode, one.remove, one.trim);
            else if (one.op === 'close') rig.close(index);
            else if (one.op === 'rename') {
              // By chance alone the new name is hardly ever that of another file.
              const files = rig.inodes.filter((other) => !other.directory && other.parent !== null);
              const isThere = one.replace && one.handle % 4 === 0 && files.length > 0;
              const there = files[(one.handle >> 2) % files.length] as ModelInode;
              rig.rename(inode, isThere ? rig.pathOf(there) : pathOf(rig, one.place), one.replace, one.posix);
            } else if (one.op === 'exchange') {
              // By chance alone the other name is hardly ever there, or of a directory around it.
              const open = rig.handles[(one.handle >> 2) % rig.handles.length] as ModelInode;
              const other = [inode.parent, open, open, null][one.handle % 4] ?? null;
              const isThere = other !== null && other.parent !== null;
              rig.exchange(inode, isThere ? rig.pathOf(other) : pathOf(rig, one.place));
            } else if (one.op === 'recase') rig.recase(inode, one.upper);
            else if (one.op === 'write') {
              rig.write(inode, one.at, one.length, one.toEnd, one.constrained && !one.toEnd, value);
            } else if (one.op === 'read') rig.read(inode, one.at, one.length);
            else if (one.op === 'setFileSize') rig.setFileSize(inode, one.bytes);
            else if (one.op === 'setAllocationSize') rig.setAllocationSize(inode, one.bytes);
            else if (one.op === 'overwrite')
              rig.overwrite(inode, one.attributes, one.replace, one.allocation);
            else if (one.op === 'link') rig.link(inode);
            else if (one.op === 'unlinkLink') rig.unlinkLink(inode);
            else rig.startListing(inode);
          }
          rig.verify();
        }
        for (const [what, times] of Object.entries(rig.counts)) counts[what] = (counts[what] ?? 0) + times;
        rig.finish();
      },
    ),
    RUNS,
  );
  // A property that never meets these proves nothing about them.
  for (const what of [
    'create',
    'collision',
    'delete',
    'unlinked while open',
    'rename',
    'replace',
    'replace a directory',
    'exchange',
    'exchange with one within',
    'case-only rename',
    'rename into itself',
    'listing',
    'overwrite',
    'full',
    'refused commit',
  ]) {
    expect(counts[what], what).toBeGreaterThan(propertyRuns(RUNS) / 100);
  }
}, 120_000);
