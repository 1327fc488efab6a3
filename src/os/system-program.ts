/**
 * Programs of the system, by absolute paths: PATH belongs to the caller, and what is found there first would run with
 * the rights of the user who mounts.
 */
import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';

/** The last is where NixOS keeps its set-user-id programs. */
const FOLDERS = ['/usr/bin', '/bin', '/usr/sbin', '/sbin', '/usr/local/bin', '/run/wrappers/bin'];

/** What such a program is given instead of our environment: English messages. */
export const SYSTEM_ENVIRONMENT: NodeJS.ProcessEnv = { PATH: FOLDERS.join(':'), LC_ALL: 'C' };

/** The absolute path of a program, or null. */
export function systemProgram(name: string): string | null {
  for (const folder of FOLDERS) {
    const path = join(folder, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // Not there.
    }
  }
  return null;
}
