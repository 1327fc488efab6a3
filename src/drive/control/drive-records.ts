/**
 * The records of running drives, one small JSON file each: who serves which mount point, and where it can be asked. A
 * record whose process is gone is removed by the next process that meets it.
 */
import { createHash, randomBytes } from 'node:crypto';
import { linkSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { readPrivate, writePrivate } from './private-file.js';
import { searchedDirectories, whyNotTrusted } from './runtime-directory.js';

const recordSchema = v.object({
  version: v.literal(1),
  id: v.pipe(v.string(), v.regex(/^[0-9a-f]{16}$/)),
  pid: v.pipe(v.number(), v.integer(), v.minValue(1)),
  mountPoint: v.string(),
  endpoint: v.string(),
  token: v.string(),
  startedAt: v.string(),
});
export type DriveRecord = v.InferOutput<typeof recordSchema>;

/** The same mount point gives the same id, so that two drives cannot both claim it. */
export function idOfMountPoint(mountPoint: string): string {
  const spelling = process.platform === 'win32' ? mountPoint.toUpperCase() : mountPoint;
  return createHash('sha256').update(spelling).digest('hex').slice(0, 16);
}

/** The socket's path, or the pipe's name. */
export function endpointOf(directory: string, id: string): string {
  if (process.platform !== 'win32') {
    return join(directory, `${id}.sock`);
  }
  // Pipes have one name space for all users, so a name must not be guessed: the process that makes it first answers.
  const name = createHash('sha256').update(saltOf(directory)).update(id).digest('hex').slice(0, 32);
  return `\\\\.\\pipe\\ramdrive-${name}`;
}

/** Random, for this directory, made once. Of several that make it at once the first one's stays. */
export function saltOf(directory: string): string {
  const path = join(directory, 'salt');
  try {
    writePrivate(path, randomBytes(32).toString('hex'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') {
      throw error;
    }
  }
  const salt = readPrivate(path);
  if (!/^[0-9a-f]{64}$/.test(salt)) {
    throw new Error(`${path} is damaged; remove it`);
  }
  return salt;
}

/** From now on other names. */
export function renewSalt(directory: string): void {
  rmSync(join(directory, 'salt'), { force: true });
}

export function newToken(): string {
  return randomBytes(24).toString('base64url');
}

export function recordPath(directory: string, id: string): string {
  return join(directory, `${id}.json`);
}

/** Complete or not at all: a reader never meets half a record. */
export function writeRecord(directory: string, record: DriveRecord): void {
  const path = recordPath(directory, record.id);
  const temporary = `${path}.${newToken()}.tmp`;
  writePrivate(temporary, `${JSON.stringify(record)}\n`);
  renameSync(temporary, path);
}

export interface FoundRecord {
  directory: string;
  record: DriveRecord;
}

/** Records of drives that this user may ask, dead ones included. What cannot be read is skipped: it is not ours. */
export function readRecords(directories = searchedDirectories()): FoundRecord[] {
  const found: FoundRecord[] = [];
  for (const directory of directories) {
    if (whyNotTrusted(directory) !== null) {
      continue;
    }
    for (const name of namesIn(directory)) {
      const record = name.endsWith('.json') ? readRecord(join(directory, name)) : null;
      if (record !== null) {
        found.push({ directory, record });
      }
    }
  }
  return found;
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory).sort();
  } catch (error) {
    // Windows: a directory of LocalSystem may be seen and not be read.
    if (process.platform === 'win32') return [];
    throw error;
  }
}

function readRecord(path: string): DriveRecord | null {
  try {
    const result = v.safeParse(recordSchema, JSON.parse(readPrivate(path)));
    return result.success ? result.output : null;
  } catch {
    return null;
  }
}

/**
 * Removes the record that has this token, and no other: another drive may have claimed the place meanwhile. Sockets are
 * removed under the directory's lock alone.
 */
export function removeRecord(directory: string, id: string, token: string): void {
  const path = recordPath(directory, id);
  if (readRecord(path)?.token !== token) {
    return;
  }
  // Looked at once more where no other process can replace it.
  const aside = `${path}.${newToken()}.tmp`;
  try {
    renameSync(path, aside);
    if (readRecord(aside)?.token !== token) {
      linkSync(aside, path);
    }
  } catch {
    // Another process has removed it, or a still newer one is there.
  }
  rmSync(aside, { force: true });
}
