/** A volume that is traced does what it is told, as any other. */
import { expect, it } from 'vitest';
import { TracedVolume } from '../../../src/drive/trace.js';
import type { Inode } from '../../../src/volume/inode.js';
import { eaList } from '../../support/ea-list.js';
import { PlainPageMemory } from '../../support/plain-page-memory.js';

it('keeps the extended attributes that a create or an overwrite brings', () => {
  const memory = new PlainPageMemory({ pageSizeBytes: 64, pageCount: 16 });
  const trace = { write: () => {}, close: () => {} };
  const volume = new TracedVolume({ memory, caseSensitive: true, label: '' }, trace);
  const file = volume.create('\\f', 0x20, false, null, 0, true, eaList({ first: '1' })) as Inode;
  expect(volume.getExtendedAttributes(file)).toEqual(eaList({ first: '1' }));
  expect(volume.overwrite(file, 0x20, false, 0, eaList({ second: '2' }))).toBe(0);
  expect(volume.getExtendedAttributes(file)).toEqual(eaList({ second: '2' }));
  expect(volume.selfCheck()).toEqual([]);
});
