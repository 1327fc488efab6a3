/**
 * What a conformance volume is made of: told by the side that plays the driver, read by the worker that serves
 * (serve-worker.ts).
 */
import { type DriveSettings, defaultSettings } from '../../src/drive/config/settings.js';
import type { InlineDispatcherOptions } from '../../src/winfsp/dispatch/inline-dispatcher.js';
import type { HistoricFault } from './historic-faults.js';

export const DISPATCHERS = ['inline', 'async', 'native'] as const;
export type DispatcherName = (typeof DISPATCHERS)[number];

export interface ServedVolumeOptions {
  capacityBytes: number;
  pageSizeBytes: number;
  kernelCache: boolean;
  fileInfoTimeoutMs: number;
  caseSensitive: boolean;
  /** The parameters of a Linux mount, which allow POSIX deletes and renames. */
  posix: boolean;
}

export interface WorkerInput {
  volume: ServedVolumeOptions;
  kind: DispatcherName;
  dispatcher: InlineDispatcherOptions;
  fault: HistoricFault | null;
  control: Int32Array;
  statistics: SharedArrayBuffer;
  gate: Int32Array;
}

export const PAGE = 4096;
export const VOLUME_DEFAULTS: ServedVolumeOptions = {
  capacityBytes: 16 * 2 ** 20,
  pageSizeBytes: PAGE,
  kernelCache: true,
  fileInfoTimeoutMs: 1000,
  caseSensitive: false,
  posix: false,
};

export function settingsOf(options: ServedVolumeOptions): DriveSettings {
  const { capacityBytes, pageSizeBytes, kernelCache, fileInfoTimeoutMs, caseSensitive } = options;
  return {
    ...defaultSettings('win32'),
    mountPoint: '',
    label: 'CONFORMANCE',
    capacityBytes,
    pageSizeBytes,
    kernelCache,
    fileInfoTimeoutMs,
    caseSensitive,
  };
}
