/**
 * What the thread that owns the volume does for the main thread between two requests of programs. Each is one
 * uninterrupted step; one that is refused has changed nothing, and says so with the numbers.
 */
import { NtStatus, ntStatusName } from '../../ntstatus.js';
import type { RamVolume } from '../../volume/ram-volume.js';
import type { Snapshot } from '../../volume/snapshots/snapshot.js';
import { MAX_SNAPSHOT_COUNT } from '../../volume/snapshots/snapshots.js';
import { formatSize } from '../config/sizes.js';
import type { SnapshotInfo } from '../status.js';
import type { AnswerMessage, Refusal, SnapshotList, VolumeRequest } from './messages.js';
import { SNAPSHOT_NAME_EXPECTED } from './snapshot-name.js';

export function handleRequest(volume: RamVolume, request: VolumeRequest): AnswerMessage['answer'] {
  switch (request.command) {
    case 'selfCheck': {
      const begun = performance.now();
      const violations = volume.selfCheckPiece(request.milliseconds);
      return { result: { violations, milliseconds: performance.now() - begun } };
    }
    case 'resize':
      return resize(volume, request.capacityBytes);
    case 'snapshot': {
      const neededBytes = volume.snapshotBytesNeeded;
      return answerOf(volume, request, volume.snapshot(request.name), neededBytes);
    }
    case 'deleteSnapshot':
      return answerOf(volume, request, volume.deleteSnapshot(request.name), 0);
    case 'rollback': {
      const neededBytes = volume.rollbackBytesNeeded(request.name);
      return answerOf(volume, request, volume.rollback(request.name), neededBytes);
    }
  }
}

function resize(volume: RamVolume, capacityBytes: number): AnswerMessage['answer'] {
  const { pool, totalBytes } = volume;
  const status = volume.resize(capacityBytes / pool.pageSizeBytes);
  if (status >= 0) return { result: null };
  const asked = sized(capacityBytes);
  const reservedBytes = pool.reservedPages * pool.pageSizeBytes;
  const message =
    status === NtStatus.NOT_SUPPORTED
      ? 'A drive that is traced keeps its capacity.'
      : status === NtStatus.INSUFFICIENT_RESOURCES
        ? `The drive can grow to ${sized(pool.memory.pageCount * pool.pageSizeBytes)}, the memory of this ` +
          `machine or what it was mounted with, not to ${asked}: mount a larger one.`
        : capacityBytes < reservedBytes
          ? `The capacity cannot become ${asked}, for files and snapshots reserve ${sized(reservedBytes)}.`
          : `The system refuses the memory for ${asked}; the drive stays at ${sized(totalBytes)}.`;
  return { refused: { code: 'NO_ROOM', message } };
}

function sized(bytes: number): string {
  return `${formatSize(bytes)} (${bytes} bytes)`;
}

export function snapshotList(volume: RamVolume): SnapshotList {
  return { snapshots: volume.snapshots.map(infoOf), snapshotBytes: volume.snapshotBytes };
}

function infoOf({ name, timeHigh, timeLow, inodeCount, lengthBytes }: Snapshot): SnapshotInfo {
  return {
    name,
    createdAt: new Date(millisecondsOf(timeHigh, timeLow)).toISOString(),
    files: inodeCount - 1,
    bytes: lengthBytes,
  };
}

/** From 1601 to 1970. */
const UNIX_EPOCH_MS = 11_644_473_600_000;

function millisecondsOf(high: number, low: number): number {
  return Math.floor(((high >>> 0) * 2 ** 32 + (low >>> 0)) / 10_000) - UNIX_EPOCH_MS;
}

const NOUNS = { snapshot: 'snapshot', deleteSnapshot: 'deletion', rollback: 'rollback' } as const;

function answerOf(
  volume: RamVolume,
  { command, name }: { command: keyof typeof NOUNS; name: string },
  status: number,
  neededBytes: number,
): AnswerMessage['answer'] {
  if (status >= 0) return { result: null };
  return { refused: refusalOf(volume, NOUNS[command], name, status, neededBytes) };
}

function refusalOf(
  volume: RamVolume,
  what: string,
  name: string,
  status: number,
  neededBytes: number,
): Refusal {
  const names = volume.snapshots.map((snapshot) => `"${snapshot.name}"`).join(', ');
  switch (status) {
    case NtStatus.OBJECT_NAME_NOT_FOUND:
      return {
        code: 'NO_SUCH_SNAPSHOT',
        message: `There is no snapshot "${name}"; ${names === '' ? 'there are none' : `there are ${names}`}.`,
      };
    case NtStatus.OBJECT_NAME_COLLISION:
      return {
        code: 'SNAPSHOT_EXISTS',
        message: `There is a snapshot "${name}" already: delete it first, or choose another name.`,
      };
    case NtStatus.OBJECT_NAME_INVALID:
      return {
        code: 'BAD_VALUE',
        message: `A snapshot needs ${SNAPSHOT_NAME_EXPECTED}.`,
      };
    case NtStatus.INSUFFICIENT_RESOURCES:
      return {
        code: 'NO_ROOM',
        message: `There are ${MAX_SNAPSHOT_COUNT} snapshots already, which is the limit: delete one first.`,
      };
    case NtStatus.SHARING_VIOLATION:
      return { code: 'BUSY', message: `The snapshot "${name}" is being read: try again when that is done.` };
    case NtStatus.DISK_FULL:
      return { code: 'NO_ROOM', message: noRoom(volume, what, neededBytes) };
    default:
      return { code: 'FAILED', message: `The ${what} of "${name}" failed with ${ntStatusName(status)}.` };
  }
}

function noRoom({ freeBytes, inodeCount }: RamVolume, what: string, neededBytes: number): string {
  if (neededBytes > freeBytes) {
    return `The ${what} needs ${sized(neededBytes)}, but ${sized(freeBytes)} are free.`;
  }
  return `The ${what} needs more memory than there is: the drive has ${inodeCount} files and directories.`;
}
