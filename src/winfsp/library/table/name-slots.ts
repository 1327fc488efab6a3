/** The slots of names: deleting, renaming, listing, streams, reparse points. */

import { MAX_NAME_UNITS } from '../../../limits.js';
import { NtStatus } from '../../../ntstatus.js';
import { DirInfo } from '../../abi/layouts.js';
import { statusOf } from '../../abi/status-of.js';
import { copyMemory, readUtf16 } from '../../memory/native-memory.js';
import { RenameExtension } from '../linux-extensions.js';
import { followableLink, resolveToRoot } from './link-target.js';
import { failureOf } from './slot-memory.js';
import { BOOL, P, type Slots, U32, U64 } from './slots.js';

const RENAME_EXTENSIONS = Object.values(RenameExtension).reduce((bits, bit) => bits | bit, 0);

export function setNameSlots(slots: Slots): void {
  const { fs, memory, set } = slots;
  const { listing, streams, chunk } = memory;
  const nameAt = (address: number) => readUtf16(address) ?? '';

  set(
    'CanDelete',
    [P, P],
    fs.canDelete && ((_fs, context: number, name: number) => statusOf(fs.canDelete!(context, nameAt(name)))),
  );

  set(
    'SetDelete',
    [P, P, BOOL],
    fs.setDelete &&
      ((_fs, context: number, name: number, del: number) =>
        statusOf(fs.setDelete!(context, nameAt(name), del !== 0))),
  );

  set(
    'Rename',
    [P, P, P, BOOL],
    fs.rename &&
      ((_fs, context: number, name: number, newName: number, replace: number) => {
        const extension = replace & RENAME_EXTENSIONS;
        return statusOf(fs.rename!(context, nameAt(name), nameAt(newName), (replace & 1) !== 0, extension));
      }),
  );

  set(
    'ReadDirectory',
    [P, P, P, P, U32, P],
    fs.readDirectory &&
      ((
        _fs,
        context: number,
        pattern: number,
        marker: number,
        buffer: number,
        length: number,
        count: number,
      ) => {
        listing.reset(buffer, length);
        let status = statusOf(fs.readDirectory!(context, readUtf16(pattern), readUtf16(marker), listing));
        if (status === NtStatus.SUCCESS && listing.isTooSmall) {
          status = NtStatus.BUFFER_TOO_SMALL;
        }
        if (status !== NtStatus.SUCCESS) {
          return failureOf('readDirectory', status);
        }
        memory.giveUint32(count, listing.finish());
        return NtStatus.SUCCESS;
      }),
  );

  set(
    'GetDirInfoByName',
    [P, P, P],
    fs.getDirInfoByName &&
      ((_fs, context: number, name: number, out: number) => {
        // The callee's record has room for the longest name, not for our padding, so its exact size is copied.
        listing.reset(0, (DirInfo.SIZE + MAX_NAME_UNITS * 2 + 7) & ~7);
        const status = statusOf(fs.getDirInfoByName!(context, nameAt(name), listing));
        if (status !== NtStatus.SUCCESS) {
          return failureOf('getDirInfoByName', status);
        }
        if (listing.entries !== 1) {
          throw new RangeError(`getDirInfoByName added ${listing.entries} records instead of one`);
        }
        copyMemory(out, chunk.address, chunk.view.getUint16(DirInfo.Size, true));
        return NtStatus.SUCCESS;
      }),
  );

  set(
    'GetStreamInfo',
    [P, P, U32, P],
    fs.getStreamInfo &&
      ((_fs, context: number, buffer: number, length: number, count: number) => {
        streams.reset(buffer, length);
        const status = statusOf(fs.getStreamInfo!(context, streams));
        if (status !== NtStatus.SUCCESS) {
          return failureOf('getStreamInfo', status);
        }
        memory.giveUint32(count, streams.finish());
        return NtStatus.SUCCESS;
      }),
  );

  if (fs.getReparsePoint !== undefined) {
    setReparseSlots(slots);
  }
}

/**
 * Opening *through* a reparse point needs the library's function that walks a path. Without it (the Linux library: its
 * kernel follows symbolic links by itself) that is refused; reading and writing reparse points works all the same.
 */
function setReparseSlots({ fs, library, memory, set, register }: Slots): void {
  const resolve = library.fspFileSystemResolveReparsePoints;
  const getReparsePoint = (
    context: number,
    name: number,
    out: number,
    size: number,
    change: (data: Uint8Array) => Uint8Array = (data) => data,
  ) => {
    const result = fs.getReparsePoint!(context, readUtf16(name) ?? '');
    if (typeof result === 'number') {
      return failureOf('getReparsePoint', result);
    }
    return size === 0 ? NtStatus.SUCCESS : memory.giveReparse(change(result), out, size);
  };
  if (resolve !== null) {
    const byName = register(
      'GetReparsePointByName',
      [P, P, BOOL, P, P],
      (_fs, _context, name: number, _isDirectory, out: number, size: number) =>
        getReparsePoint(0, name, out, size, followableLink),
    );
    set(
      'ResolveReparsePoints',
      [P, U32, BOOL, P, P, P],
      (fsp: number, name: number, index: number, last: number, io: number, out: number, size: number) =>
        resolveToRoot(() => resolve(fsp, byName, 0, name, index, last, io, out, size), memory, io, out, size),
    );
  }
  set('GetReparsePoint', [P, P, P, P], (_fs, context: number, name: number, out: number, size: number) =>
    getReparsePoint(context, name, out, size),
  );

  set(
    'SetReparsePoint',
    [P, P, P, U64],
    fs.setReparsePoint &&
      ((_fs, context: number, name: number, data: number, size: number) =>
        statusOf(fs.setReparsePoint!(context, readUtf16(name) ?? '', memory.readReparse(data, size)))),
  );

  set(
    'DeleteReparsePoint',
    [P, P, P, U64],
    fs.deleteReparsePoint &&
      ((_fs, context: number, name: number, data: number, size: number) =>
        statusOf(fs.deleteReparsePoint!(context, readUtf16(name) ?? '', memory.readReparse(data, size)))),
  );
}
