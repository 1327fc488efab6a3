/** Names of snapshots, as people and programs give them. */
export { isSnapshotName } from '../../volume/snapshots/snapshot.js';

export const SNAPSHOT_NAME_EXPECTED = 'a name of 1 to 64 characters, without control characters';

/** The name of a snapshot that was given none: the time, in UTC, as it sorts. */
export function nameOfNow(taken: readonly { name: string }[], now = new Date()): string {
  const time = `${now.toISOString().slice(0, 19)}Z`;
  let name = time;
  for (let number = 2; taken.some((snapshot) => snapshot.name === name); number++) name = `${time}-${number}`;
  return name;
}
