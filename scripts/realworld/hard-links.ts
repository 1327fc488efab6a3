/**
 * Programs that give a file several names: each on a directory of tmpfs, as a check of the check, then on the drive.
 * Each makes `copy` of `tree`, in which two names are one file.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { must } from './program.js';

/** By the program that does it. */
export const HARD_LINK_MAKERS = {
  'cp -al': 'cp -al tree copy && test $(stat -c %h copy/one) = 4',
  'cp -a': 'cp -a tree copy && test $(stat -c %h copy/one) = 2',
  'tar -x': 'mkdir copy && tar -C tree -cf - . | tar -C copy -xf -',
  'rsync -H': 'rsync -aH tree/ copy/',
  'git clone --local': `git init -q origin && cp tree/one origin/file && cd origin && git add . &&
    git -c user.name=n -c user.email=e commit -qm m && cd .. && git clone -q --local origin cloned &&
    test $(find cloned/.git/objects -type f -links 2 | wc -l) = 3 && cp -a tree copy`,
  'dpkg --root': `mkdir -p package/DEBIAN package/usr root/var/lib/dpkg/info root/var/lib/dpkg/updates &&
    printf 'Package: links\\nVersion: 1\\nArchitecture: all\\nMaintainer: m <m@m>\\nDescription: d\\n' \\
      > package/DEBIAN/control && cp -a tree package/usr/ && touch root/var/lib/dpkg/status &&
    dpkg-deb -b package links.deb && dpkg --root=root --force-not-root -i links.deb &&
    dpkg --root=root --force-not-root -i links.deb && mv root/usr/tree copy`,
  'store of packages': `mkdir store && mv tree/one store/ && ln -f store/one tree/one && ln -f store/one tree/below/two &&
    cp -al tree copy && rm -r tree && mkdir tree && ln store/one tree/one && test $(stat -c %h store/one) = 4`,
};

export const HARD_LINK_PROGRAMS = ['cp', 'tar', 'rsync', 'git', 'dpkg'] as const;

/** For bash -eu: what one of them has to do in the current directory. */
export function hardLinkScript(maker: string): string {
  return `mkdir -p tree/below; echo content > tree/one; ln tree/one tree/below/two; (${maker})
    test copy/one -ef copy/below/two; cmp copy/one tree/one`;
}

export async function hardLinks(driveDirectory: string): Promise<string> {
  for (const parent of ['/dev/shm', driveDirectory]) {
    for (const maker of Object.values(HARD_LINK_MAKERS)) {
      const cwd = mkdtempSync(join(parent, 'links-'));
      try {
        await must('bash', ['-euc', hardLinkScript(maker)], { cwd, limitMs: 120_000 });
      } finally {
        rmSync(cwd, { recursive: true, force: true });
      }
    }
  }
  return `${Object.keys(HARD_LINK_MAKERS).join(', ')}: as on tmpfs`;
}
