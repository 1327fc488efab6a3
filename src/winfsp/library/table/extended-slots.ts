/**
 * CreateEx and OverwriteEx: Create and Overwrite that bring extended attributes, for file systems that keep some. A
 * Create may bring a reparse point in their place, on volumes with WslFeatures.
 */
import { NtStatus } from '../../../ntstatus.js';
import { type Uint64Argument, unsignedOf } from '../../abi/fields.js';
import { FileInfo } from '../../abi/layouts.js';
import { statusOf } from '../../abi/status-of.js';
import { BOOL, P, type Slots, U32, U64 } from './slots.js';

/** What Create and CreateEx have in common (open-slots.ts). */
export type CreateBody = (
  slot: string,
  name: number,
  createOptions: number,
  grantedAccess: number,
  attributes: number,
  descriptor: number,
  allocationSize: Uint64Argument,
  extendedAttributes: Uint8Array | null,
  reparsePoint: Uint8Array | null,
  context: number,
  info: number,
) => number;

export function setExtendedSlots(
  { fs, memory, set }: Pick<Slots, 'fs' | 'memory' | 'set'>,
  create: CreateBody,
): void {
  /** Null where none come; a status for a list that the binding does not take. */
  const listAt = (address: number, length: number): Uint8Array | null | number =>
    address === 0 ? null : (memory.readEa(address, length) ?? NtStatus.EA_TOO_LARGE);

  set(
    'CreateEx',
    [P, U32, U32, U32, P, U64, P, U32, BOOL, P, P],
    fs.create &&
      ((
        _fs,
        name: number,
        createOptions: number,
        grantedAccess: number,
        attributes: number,
        descriptor: number,
        size: Uint64Argument,
        list: number,
        length: number,
        isReparsePoint: number,
        context: number,
        info: number,
      ) => {
        const attached = listAt(list, length);
        if (typeof attached === 'number') return attached;
        return create(
          'CreateEx',
          name,
          createOptions,
          grantedAccess,
          attributes,
          descriptor,
          size,
          isReparsePoint === 0 ? attached : null,
          isReparsePoint === 0 ? null : attached,
          context,
          info,
        );
      }),
  );

  set(
    'OverwriteEx',
    [P, U32, BOOL, U64, P, U32, P],
    fs.overwrite &&
      ((
        _fs,
        context: number,
        attributes: number,
        replace: number,
        size: Uint64Argument,
        list: number,
        length: number,
        info: number,
      ) => {
        const attached = listAt(list, length);
        if (typeof attached === 'number') return attached;
        const view = memory.cleared(FileInfo.SIZE);
        const bytes = unsignedOf(size);
        const status = fs.overwrite!(context, attributes, replace !== 0, bytes, view, 0, attached);
        return memory.give(statusOf(status), info, FileInfo.SIZE);
      }),
  );
}
