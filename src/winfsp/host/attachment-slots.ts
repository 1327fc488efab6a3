/** The slots for what is attached to a file beside its content: streams, extended attributes, a reparse point. */
import { type ExtendedAttribute, packEaList, parseEaList } from '../../ea-list.js';
import type { FileSystemInterface } from '../library/file-system-interface.js';
import { describe, encodeFileInfo, now, refusePromise } from './encode.js';
import type { FileSystem } from './file-system.js';
import type { OpenHandle } from './handle-table.js';
import { NtStatusError } from './status-errors.js';

const MAX_EA_NAME_BYTES = 255;
const MAX_EA_VALUE_BYTES = 65_535;

/** How a slot calls the file system: with an open handle, its exceptions as NTSTATUS codes. */
export interface HandleCalls<Context> {
  withHandle(number: number, body: (handle: OpenHandle<Context>) => void): number;
  bytes(number: number, body: (handle: OpenHandle<Context>) => Uint8Array): Uint8Array | number;
  bytesOf(body: () => Uint8Array): Uint8Array | number;
}

export function attachmentSlots<Context>(
  fs: FileSystem<Context>,
  unitBytes: number,
  calls: HandleCalls<Context>,
): FileSystemInterface {
  const unitsOf = (bytes: number): number => Math.ceil(bytes / unitBytes) * unitBytes;
  return {
    ...(fs.getStreamInfo && {
      getStreamInfo: (number, buffer) =>
        calls.withHandle(number, ({ context }) => {
          for (const stream of now('getStreamInfo', fs.getStreamInfo!(context))) {
            const { streamName, size, allocationSize = unitsOf(size) } = stream;
            if (!buffer.add(streamName, size, allocationSize)) break;
          }
        }),
    }),
    ...(fs.getEa && {
      getEa: (number) => calls.bytes(number, ({ context }) => packed([...now('getEa', fs.getEa!(context))])),
    }),
    ...(fs.setEa && {
      setEa: (number, list, view, offset) => {
        const changes = attributesIn(list);
        if (typeof changes === 'number') return changes;
        return calls.withHandle(number, ({ context }) =>
          encodeFileInfo(now('setEa', fs.setEa!(context, changes)), view, offset, unitBytes),
        );
      },
    }),
    ...(fs.getReparsePoint && {
      getReparsePoint: (number, fileName) =>
        number === 0
          ? calls.bytesOf(() => now('getReparsePoint', fs.getReparsePoint!(null, fileName)))
          : calls.bytes(number, ({ context }) =>
              now('getReparsePoint', fs.getReparsePoint!(context, fileName)),
            ),
    }),
    ...(fs.setReparsePoint && {
      setReparsePoint: (number, fileName, data) =>
        calls.withHandle(number, ({ context }) =>
          refusePromise('setReparsePoint', fs.setReparsePoint!(context, fileName, data.slice())),
        ),
    }),
    ...(fs.deleteReparsePoint && {
      deleteReparsePoint: (number, fileName, data) =>
        calls.withHandle(number, ({ context }) =>
          refusePromise('deleteReparsePoint', fs.deleteReparsePoint!(context, fileName, data.slice())),
        ),
    }),
  };
}

/** Copies what a list has. EA_LIST_INCONSISTENT, INVALID_EA_NAME. */
export function attributesIn(list: Uint8Array | null | undefined): ExtendedAttribute[] | number {
  return list === null || list === undefined ? [] : parseEaList(list.slice());
}

function packed(all: readonly ExtendedAttribute[]): Uint8Array {
  for (const { name, value } of all) {
    if (!isEaName(name))
      throw new TypeError(`an extended attribute's name is 1 to 255 bytes as Latin-1, not ${describe(name)}`);
    if (!(value instanceof Uint8Array) || value.length > MAX_EA_VALUE_BYTES)
      throw new TypeError(`the value of ${name} must be a Uint8Array of at most 65,535 bytes`);
  }
  const list = packEaList(all);
  if (typeof list === 'number') throw new NtStatusError(list);
  return list;
}

function isEaName(name: unknown): boolean {
  if (typeof name !== 'string' || name.length === 0 || name.length > MAX_EA_NAME_BYTES) return false;
  return [...name].every((letter) => letter !== '\0' && letter <= '\xff');
}
