/** What a WorkerVolume and its worker say to each other. */
import type { VolumeParams } from '../../abi/volume-params.js';
import type { VolumeReferenceData } from '../../library/volume-reference.js';
import type { VolumeEnd } from '../served-volume.js';

export interface HostWorkerInput {
  /** Of the module whose default export is the file system, or a function that makes one. */
  moduleUrl: string;
  /** Argument of that function. */
  data: unknown;
  volumeParams: VolumeParams;
  device: string;
  control: Int32Array;
  statistics: SharedArrayBuffer;
}

/** The worker gets one HostWorkerInput after another, or null: then it ends. */
export type HostWorkerMessage =
  | { type: 'ready'; reference: VolumeReferenceData }
  /** The volume did not start; nothing is left of it, and the worker ends. */
  | { type: 'failed'; error: unknown }
  | { type: 'handlerError'; where: string; error: Error }
  /** Nothing is left of the volume. The worker can serve another file system that the module makes, or else it ends. */
  | { type: 'ended'; end: VolumeEnd; reusable: boolean };
