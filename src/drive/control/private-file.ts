/** Files in the runtime directory: never through a link, and new ones never over what is there. */
import { closeSync, constants, openSync, readFileSync, writeSync } from 'node:fs';

/** Not on Windows, where a link takes rights to make. */
const NO_FOLLOW = constants.O_NOFOLLOW ?? 0;

/** A descriptor for writing and reading. Throws EEXIST when the name is taken, by a link too. */
export function createPrivate(path: string): number {
  return openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | NO_FOLLOW, 0o600);
}

export function writePrivate(path: string, text: string): void {
  const descriptor = createPrivate(path);
  try {
    writeSync(descriptor, text);
  } finally {
    closeSync(descriptor);
  }
}

/** Throws ELOOP for a link. A pipe that waits for a writer reads as empty. */
export function readPrivate(path: string): string {
  const descriptor = openSync(path, constants.O_RDONLY | NO_FOLLOW | (constants.O_NONBLOCK ?? 0));
  try {
    return readFileSync(descriptor, 'utf8');
  } finally {
    closeSync(descriptor);
  }
}
