/**
 * Windows: the page memory reserves, commits and gives back as the volume relies on it; a refused commit is no crash.
 */
import assert from 'node:assert/strict';
import { NtStatus } from '../../src/ntstatus.js';
import { NativePageMemory } from '../../src/os/native-page-memory.js';
import type { Inode } from '../../src/volume/inode.js';
import { RamVolume } from '../../src/volume/ram-volume.js';
import { NativeBlock } from '../../src/winfsp/memory/native-memory.js';
import { check } from './check.js';

const PAGE = 65536;
const TIB_PAGES = 2 ** 40 / PAGE;

await check('1 TiB is reserved, some of it committed, used, and given back zeroed', () => {
  const memory = new NativePageMemory({ pageSizeBytes: PAGE, pageCount: TIB_PAGES });
  const block = new NativeBlock(PAGE);
  for (const page of [0, 1, 12_345, TIB_PAGES - 1]) {
    assert.ok(memory.commit(page, 1));
    const address = memory.baseAddress + page * PAGE;
    block.bytes.fill(7);
    memory.copy(address, block.address, PAGE);
    block.bytes.fill(0);
    memory.copy(block.address, address, PAGE);
    assert.ok(block.bytes.every((byte) => byte === 7));
    memory.decommit(page, 1);
    assert.ok(memory.commit(page, 1));
    memory.copy(block.address, address, PAGE);
    assert.ok(
      block.bytes.every((byte) => byte === 0),
      'a page that was used before is not zero',
    );
    memory.decommit(page, 1);
  }
  block.free();
  memory.dispose();
});
await check('a commit beyond the memory is refused, and smaller ones still work', () => {
  const memory = new NativePageMemory({ pageSizeBytes: PAGE, pageCount: TIB_PAGES });
  assert.equal(memory.commit(0, TIB_PAGES), false);
  assert.equal(memory.commit(0, 16), true);
  memory.decommit(0, 16);
  memory.dispose();
});
await check('a volume larger than the memory says DISK_FULL when memory runs out, and goes on', () => {
  const memory = new NativePageMemory({ pageSizeBytes: PAGE, pageCount: TIB_PAGES });
  const volume = new RamVolume({ memory, caseSensitive: false, label: '' });
  const file = volume.create('\\f', 0, false, null, 0) as Inode;
  assert.equal(volume.setFileSize(file, 2 ** 40), NtStatus.DISK_FULL);
  assert.equal(file.fileSize, 0);
  assert.equal(volume.freeBytes, 2 ** 40);
  assert.equal(volume.setFileSize(file, 10 * PAGE), NtStatus.SUCCESS);
  assert.deepEqual(volume.selfCheck(), []);
  volume.dispose();
});
await check('200 rounds of commit and decommit in changing places leave nothing committed', () => {
  const memory = new NativePageMemory({ pageSizeBytes: PAGE, pageCount: 4096 });
  for (let round = 0; round < 200; round++) {
    const first = (round * 37) % 3000;
    assert.ok(memory.commit(first, 1000));
    memory.decommit(first, 1000);
  }
  memory.dispose();
});
