/** CreateEx and OverwriteEx: Create and Overwrite that bring extended attributes, for file systems that keep some. */
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
  context: number,
  info: number,
) => number;

export function setExtendedSlots(
  { fs, memory, set }: Pick<Slots, 'fs' | 'memory' | 'set'>,
  create: CreateBody,
): void {
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
        // Comes with the volume flag WslFeatures only, which the binding does not set.
        if (isReparsePoint !== 0) return NtStatus.NOT_SUPPORTED;
        const attached = list === 0 ? null : memory.readEa(list, length);
        if (list !== 0 && attached === null) return NtStatus.EA_TOO_LARGE;
        return create(
          'CreateEx',
          name,
          createOptions,
          grantedAccess,
          attributes,
          descriptor,
          size,
          attached,
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
        const attached = list === 0 ? null : memory.readEa(list, length);
        if (list !== 0 && attached === null) return NtStatus.EA_TOO_LARGE;
        const view = memory.cleared(FileInfo.SIZE);
        const bytes = unsignedOf(size);
        const status = fs.overwrite!(context, attributes, replace !== 0, bytes, view, 0, attached);
        return memory.give(statusOf(status), info, FileInfo.SIZE);
      }),
  );
}
