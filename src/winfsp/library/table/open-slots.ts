/** The slots of the volume itself and of a handle's life: look-up, Create, Open, Overwrite, Cleanup, Close. */
import { NtStatus } from '../../../ntstatus.js';
import { Limit } from '../../abi/constants.js';
import { getUint64, setUint64, type Uint64Argument, unsignedOf, writeUtf16 } from '../../abi/fields.js';
import { FileInfo, OpenFileInfo, VolumeInfo } from '../../abi/layouts.js';
import { statusOf } from '../../abi/status-of.js';
import { copyMemory, readUtf16 } from '../../memory/native-memory.js';
import type { OpenResult, SecurityByNameResult } from '../file-system-interface.js';
import { FileCounts } from '../linux-extensions.js';
import { type CreateBody, setExtendedSlots } from './extended-slots.js';
import { failureOf } from './slot-memory.js';
import { BOOL, P, type Slots, U32, U64 } from './slots.js';

const EMPTY = new Uint8Array(0);

export function setOpenSlots({ fs, memory, options, set }: Slots): void {
  const opens = new Opens(memory, options);
  const found: SecurityByNameResult = { fileAttributes: 0, securityDescriptor: null };

  const volumeInfoBytes = fs.countsFiles === true ? FileCounts.END : VolumeInfo.SIZE;
  set(
    'GetVolumeInfo',
    [P],
    fs.getVolumeInfo &&
      ((_fs, info: number) => {
        const status = statusOf(fs.getVolumeInfo!(memory.cleared(volumeInfoBytes), 0));
        return memory.give(status, info, volumeInfoBytes);
      }),
  );

  set(
    'SetVolumeLabel',
    [P, P],
    fs.setVolumeLabel &&
      ((_fs, label: number, info: number) => {
        const status = statusOf(
          fs.setVolumeLabel!(readUtf16(label) ?? '', memory.cleared(VolumeInfo.SIZE), 0),
        );
        return memory.give(status, info, VolumeInfo.SIZE);
      }),
  );

  set(
    'GetSecurityByName',
    [P, P, P, P],
    fs.getSecurityByName &&
      ((_fs, name: number, attributes: number, descriptor: number, size: number) => {
        found.fileAttributes = 0;
        found.securityDescriptor = null;
        const status = statusOf(fs.getSecurityByName!(readUtf16(name) ?? '', found));
        if (status < 0) {
          return status;
        }
        if (attributes !== 0) {
          memory.giveUint32(attributes, found.fileAttributes);
        }
        // Length 0 says "no descriptor, no check".
        const given =
          size === 0
            ? NtStatus.SUCCESS
            : memory.giveSecurity(found.securityDescriptor ?? EMPTY, descriptor, size);
        return given === NtStatus.SUCCESS ? status : given;
      }),
  );

  const create: CreateBody = (
    slot,
    name,
    createOptions,
    grantedAccess,
    attributes,
    descriptor,
    allocationSize,
    extendedAttributes,
    reparsePoint,
    context,
    info,
  ) => {
    const fileName = readUtf16(name) ?? '';
    const security = descriptor === 0 ? null : memory.readSecurity(descriptor);
    if (descriptor !== 0 && security === null) {
      return NtStatus.INVALID_SECURITY_DESCR;
    }
    const status = fs.create!(
      fileName,
      createOptions,
      grantedAccess,
      attributes,
      security,
      unsignedOf(allocationSize),
      opens.begin(),
      extendedAttributes,
      reparsePoint,
    );
    return opens.give(slot, statusOf(status), fileName, context, info);
  };

  // The library calls the slots with extended attributes where they are filled, and else the others.
  if (fs.setEa) {
    setExtendedSlots({ fs, memory, set }, create);
  } else {
    set(
      'Create',
      [P, U32, U32, U32, P, U64, P, P],
      fs.create &&
        ((
          _fs,
          name: number,
          createOptions: number,
          grantedAccess: number,
          attributes: number,
          descriptor: number,
          size: Uint64Argument,
          context: number,
          info: number,
        ) =>
          create(
            'Create',
            name,
            createOptions,
            grantedAccess,
            attributes,
            descriptor,
            size,
            null,
            null,
            context,
            info,
          )),
    );
    set(
      'Overwrite',
      [P, U32, BOOL, U64, P],
      fs.overwrite &&
        ((_fs, context: number, attributes: number, replace: number, size: Uint64Argument, info: number) => {
          const view = memory.cleared(FileInfo.SIZE);
          const status = fs.overwrite!(context, attributes, replace !== 0, unsignedOf(size), view, 0, null);
          return memory.give(statusOf(status), info, FileInfo.SIZE);
        }),
    );
  }

  set(
    'Open',
    [P, U32, U32, P, P],
    fs.open &&
      ((_fs, name: number, createOptions: number, grantedAccess: number, context: number, info: number) => {
        const fileName = readUtf16(name) ?? '';
        const status = statusOf(fs.open!(fileName, createOptions, grantedAccess, opens.begin()));
        if (status === NtStatus.REPARSE) return status;
        return opens.give('Open', status, fileName, context, info);
      }),
  );

  set(
    'Cleanup',
    [P, P, U32],
    fs.cleanup &&
      ((_fs, context: number, name: number, flags: number) => {
        fs.cleanup!(context, readUtf16(name), flags);
      }),
    'VOID',
  );

  set(
    'Close',
    [P],
    fs.close &&
      ((_fs, context: number) => {
        fs.close!(context);
      }),
    'VOID',
  );
}

/** Results of Create and Open. */
class Opens {
  readonly #memory: Slots['memory'];
  readonly #options: Slots['options'];
  readonly #result: OpenResult;

  constructor(memory: Slots['memory'], options: Slots['options']) {
    this.#memory = memory;
    this.#options = options;
    this.#result = { context: 0, view: memory.scratch.view, fileInfoOffset: 0, normalizedName: null };
  }

  /** For the handler. */
  begin(): OpenResult {
    this.#memory.cleared(FileInfo.SIZE);
    this.#result.context = 0;
    this.#result.normalizedName = null;
    return this.#result;
  }

  give(where: string, status: number, fileName: string, contextAddress: number, infoAddress: number): number {
    if (status !== NtStatus.SUCCESS) {
      return failureOf(where, status);
    }
    const { context, normalizedName } = this.#result;
    const { view, address } = this.#memory.scratch;
    if (!Number.isSafeInteger(context) || context <= 0) {
      // 0 would mean "the whole volume" in a flush.
      throw new RangeError(`the context must be an integer from 1 to 2^53 − 1, not ${context}`);
    }
    copyMemory(infoAddress, address, FileInfo.SIZE);
    if (!this.#options.caseSensitive) {
      this.#giveNormalizedName(where, fileName, normalizedName ?? fileName, infoAddress);
    }
    setUint64(view, 0, context);
    copyMemory(contextAddress, address, 8);
    return NtStatus.SUCCESS;
  }

  /**
   * FileInfo is really an OPEN_FILE_INFO. Without a name there the driver stores the path in capitals, also when the
   * requested spelling is the stored one, so a name is always given.
   */
  #giveNormalizedName(where: string, fileName: string, name: string, infoAddress: number): void {
    if (name.length !== fileName.length) {
      const message = `the normalised name ${name} differs from the requested ${fileName} in more than case`;
      this.#options.onError(where, new RangeError(message));
      return;
    }
    const { scratch, chunk } = this.#memory;
    const { view, address } = scratch;
    const nameFieldsBytes = OpenFileInfo.SIZE - OpenFileInfo.NormalizedName;
    copyMemory(address, infoAddress + OpenFileInfo.NormalizedName, nameFieldsBytes);
    const buffer = getUint64(view, 0);
    const capacityBytes = view.getUint16(OpenFileInfo.NormalizedNameSize - OpenFileInfo.NormalizedName, true);
    const sizeBytes = name.length * 2;
    if (buffer === 0 || sizeBytes > capacityBytes || sizeBytes > Limit.TRANSACT_PATH_SIZEMAX) {
      return;
    }
    writeUtf16(chunk.units, 0, name);
    copyMemory(buffer, chunk.address, sizeBytes);
    view.setUint16(0, sizeBytes, true);
    copyMemory(infoAddress + OpenFileInfo.NormalizedNameSize, address, 2);
  }
}
