/** Large reads between small ones, which copy lanes answer, while the same file is written, cut and deleted. */
import assert from 'node:assert/strict';
import { availableParallelism } from 'node:os';
import type { RamDrive } from '../../src/drive/ram-drive.js';
import { NtStatus, ntStatusName } from '../../src/ntstatus.js';
import { MIB, VOLUME, writeFileNow } from './host.js';
import { Access, FileClass, Option } from './nt.js';
import { int64, type NtFile, openNow } from './rig.js';

const UNCACHED = Option.SYNCHRONOUS | Option.NON_DIRECTORY | Option.NO_BUFFERING;
const ROUNDS = 60;

const filled = (value: number): Buffer => Buffer.alloc(MIB, value);

function uncached(path: string): NtFile {
  const { file, status } = openNow(VOLUME + path, {
    access: Access.READ_WRITE | Access.DELETE,
    options: UNCACHED,
  });
  assert.equal(ntStatusName(status), ntStatusName(NtStatus.SUCCESS), path);
  return file!;
}

/**
 * The lanes' threads start at the first sign of such reads, so the first rounds are answered without them. Every read
 * must show one write as a whole.
 */
export async function largeReads(drive: RamDrive): Promise<void> {
  writeFileNow('\\large', filled(0));
  writeFileNow('\\small', Buffer.alloc(4096, 1));
  const large = uncached('\\large');
  const small = uncached('\\small');
  const before = (await drive.status()).requests;
  for (let round = 1; round <= ROUNDS; round++) {
    const value = round % 256;
    assert.deepEqual(await large.write(filled(value), 0), { status: 0, done: MIB });
    const reads = Array.from({ length: 4 }, async () => {
      const whole = await large.read(MIB, 0);
      assert.equal(small.readNow(4096, 0).data.length, 4096);
      return whole.data;
    });
    for (const data of await Promise.all(reads)) assert.ok(data.equals(filled(value)), `round ${round}`);
    if (round % 10 === 0) {
      assert.equal(await large.set(FileClass.END_OF_FILE, int64(0n)), NtStatus.SUCCESS);
      assert.equal(await large.set(FileClass.END_OF_FILE, int64(BigInt(MIB))), NtStatus.SUCCESS);
      assert.ok((await large.read(MIB, 0)).data.equals(filled(0)), `cut in round ${round}`);
    }
  }
  const after = (await drive.status()).requests;
  if (availableParallelism() > 1) assert.ok(after.answersByLanes > before.answersByLanes, 'no lane answered');
  assert.equal(after.laneFailures, 0);
  assert.equal(await large.set(FileClass.DISPOSITION, Buffer.from([1])), NtStatus.SUCCESS);
  const last = large.read(MIB, 0);
  await last;
  large.closeNow();
  small.closeNow();
}
