/**
 * Whether a library that a variable names may be loaded: code in this process, with the rights of anyone who runs it.
 */
import { realpathSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

/** Only the owner of an entry may rename or remove it. */
const STICKY = 0o1000;

/**
 * null, or why not: the file, or a directory above it, can be written by everybody, or belongs to another user than
 * root, this one or the owner of this program (`programPath`), who could change what runs anyway. Linux only.
 */
export function whyNotTrusted(path: string, programPath: string, uid = process.getuid!()): string | null {
  const owners = new Set([0, uid, statSync(programPath).uid]);
  return whyNotAlong(path, owners) ?? whyNotAlong(realpathSync(path), owners);
}

function whyNotAlong(path: string, owners: ReadonlySet<number>): string | null {
  for (let at = path, isFile = true; ; at = dirname(at), isFile = false) {
    const entry = statSync(at);
    if ((entry.mode & 0o002) !== 0 && (isFile || (entry.mode & STICKY) === 0)) {
      return `everybody can write ${at}`;
    }
    if (!owners.has(entry.uid)) {
      return `${at} belongs to user ${entry.uid}`;
    }
    if (at === dirname(at)) {
      return null;
    }
  }
}
