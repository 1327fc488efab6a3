/** Owner, group and mode of files come back exactly as they were set, whatever way one looks. */
import {
  chmodSync,
  chownSync,
  closeSync,
  lchownSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  statSync,
  unlinkSync,
} from 'node:fs';
import { join } from 'node:path';
import { RamDrive } from 'ramdrive';
import { expect, it } from 'vitest';
import { describeMount, dropCaches } from '../support/mount.js';

/** Equal and different; among them those that maps of ids to accounts tend to lose. */
const IDS = [
  [1000, 1000],
  [1000, 1001],
  [0, 0],
  [1001, 1001],
  [4095, 4096],
  [20_480, 24_575],
  [65_534, 65_534],
  [4_294_967_294, 5],
] as const;
const MODES = 0o10000;
/** Modes of the files that stay for the second look. */
const STEP = 61;

function seen(path: string): string {
  const { mode, uid, gid } = statSync(path);
  return `${uid}:${gid} ${(mode & 0o7777).toString(8)}`;
}

const wanted = (uid: number, gid: number, mode: number) => `${uid}:${gid} ${mode.toString(8)}`;

describeMount('owner, group and mode', () => {
  it.skipIf(process.getuid?.() !== 0)(
    'survive create, chown, chmod, rename and the kernel that forgets (needs root)',
    async () => {
      const umask = process.umask(0);
      const drive = await RamDrive.mount({ capacity: '64M' });
      const wrong: string[] = [];
      const expectSeen = (path: string, uid: number, gid: number, mode: number) => {
        if (seen(path) !== wanted(uid, gid, mode)) {
          wrong.push(`${path}: ${seen(path)}, not ${wanted(uid, gid, mode)}`);
        }
      };
      try {
        for (const [index, [uid, gid]] of IDS.entries()) {
          const directory = join(drive.path, `${index}`);
          mkdirSync(directory);
          const all = join(directory, 'all');
          closeSync(openSync(all, 'w'));
          chownSync(all, uid, gid);
          for (let mode = 0; mode < MODES; mode++) {
            chmodSync(all, mode);
            expectSeen(all, uid, gid, mode);
          }
          unlinkSync(all);
          for (let mode = 0; mode < MODES; mode += STEP) {
            const path = join(directory, `new ${mode}`);
            closeSync(openSync(path, 'w', mode & 0o777));
            expectSeen(path, 0, 0, mode & 0o777);
            lchownSync(path, uid, gid);
            chmodSync(path, mode);
            renameSync(path, join(directory, `${mode}`));
          }
          chownSync(directory, uid, gid);
        }
        dropCaches();
        for (const [index, [uid, gid]] of IDS.entries()) {
          const directory = join(drive.path, `${index}`);
          expect(seen(directory)).toBe(wanted(uid, gid, 0o777));
          for (const name of readdirSync(directory)) {
            expectSeen(join(directory, name), uid, gid, Number(name));
          }
        }
        expect(wrong).toEqual([]);
      } finally {
        process.umask(umask);
        await drive[Symbol.asyncDispose]();
      }
    },
  );
});
