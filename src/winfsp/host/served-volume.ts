/** A volume that is being served, on this thread or in a worker, as FileSystemHost sees it. */

import { ntStatusName } from '../../ntstatus.js';
import type { VolumeFlags, VolumeParams } from '../abi/volume-params.js';
import { VOLUME_PARAMS_DEFAULTS } from '../abi/volume-params.js';
import type { LoopEnd } from '../dispatch/inline-dispatcher.js';
import type { VolumeReference } from '../library/volume-reference.js';
import type { DeliveryOptions } from '../threads/answer-delivery.js';
import type { FileSystem } from './file-system.js';

type OnError = (error: Error, where: string) => void;

/** Why a volume serves no more. */
export interface VolumeEnd {
  /**
   * `stopped`: as asked. `volume-gone`: unmounted from outside, or the driver went away. `died`: a bug, see `error`.
   */
  reason: 'stopped' | 'volume-gone' | 'died';
  error: Error | null;
}

export interface ServedVolume {
  readonly reference: VolumeReference;
  readonly statistics: SharedArrayBuffer;
  /** Resolves when the volume takes no more requests; never rejects. stop() is still to be called. */
  readonly ended: Promise<VolumeEnd>;
  /** Takes everything down. Twice is harmless. */
  stop(): Promise<void>;
}

export interface VolumeOptions {
  volumeParams: VolumeParams;
  device: string;
  onError: OnError;
  /** How long a stop waits for handlers that have not settled. */
  stopGraceMs: number;
  /** Who delivers answers; for tests. */
  delivery?: DeliveryOptions;
}

/** The parameters for this file system: what is not said follows from the methods that it has. */
export function volumeParamsFor(fs: FileSystem, params: VolumeParams): VolumeParams {
  const flags: VolumeFlags = {
    CasePreservedNames: true,
    UnicodeOnDisk: true,
    PersistentAcls: fs.getSecurity !== undefined,
    ReparsePoints: fs.getReparsePoint !== undefined,
    PassQueryDirectoryFileName: fs.getDirInfoByName !== undefined,
  };
  // A context of the high level stands for a handle, not for a file.
  return { ...flags, ...params, UmFileContextIsUserContext2: true };
}

export function allocationUnitBytes(params: VolumeParams): number {
  const { SectorSize, SectorsPerAllocationUnit } = { ...VOLUME_PARAMS_DEFAULTS, ...params };
  return SectorSize * SectorsPerAllocationUnit;
}

/** Why the volume serves no more, by what its dispatcher says. */
export function volumeEndOf({ reason, status, error }: LoopEnd): VolumeEnd {
  return reason === 'error'
    ? { reason: 'died', error: error ?? new Error(`FspFsctlTransact failed with ${ntStatusName(status)}.`) }
    : { reason, error: null };
}

/** Anything that was thrown, as an Error. */
export function errorOf(thrown: unknown): Error {
  if (thrown instanceof Error) {
    return thrown;
  }
  let text: string;
  try {
    text = String(thrown);
  } catch {
    text = typeof thrown;
  }
  return new Error(`${text} was thrown`, { cause: thrown });
}
