/** Which volumes can be made, and where they could be mounted. */
import { type Comparison, hex, type Side, wide } from './sides.js';
import { createVolume, deleteVolume, type Fields, volumeParams } from './volume.js';

const DEVICES = ['WinFsp.Disk', 'WinFsp.Net', 'winfsp.disk', 'WinFsp.Tape', ''];
const PREFIXES = [
  '',
  '\\server\\share',
  '\\server',
  '\\\\server\\share',
  'server\\share',
  '\\server\\share\\more',
];
const PARAMS: Fields[] = [
  {},
  ...[0, 1, 455, 456, 480, 503, 505, 600].map((Version) => ({ Version })),
  { SectorSize: 0 },
  { SectorSize: 3 },
  { SectorsPerAllocationUnit: 0 },
  { MaxComponentLength: 0 },
  { TransactTimeout: 1 },
  { IrpTimeout: 1 },
  { IrpCapacity: 1 },
  { UmFileContextIsUserContext2: 1, UmFileContextIsFullContext: 1 },
];

export function volumes(comparison: Comparison): void {
  for (const device of DEVICES) {
    comparison.compare('FspFsctlPreflight', { device }, (side) =>
      hex(side.call('int32_t FspFsctlPreflight(void *device)', wide(device))),
    );
    for (const prefix of PREFIXES) {
      comparison.compare('FspFileSystemCreate', { device, prefix }, (side) => made(side, {}, prefix, device));
    }
  }
  for (const params of PARAMS) {
    comparison.compare('FspFileSystemCreate', params, (side) => made(side, params, '', 'WinFsp.Disk'));
  }
}
function made(side: Side, params: Fields, prefix: string, device: string): string {
  const { status, fileSystem } = createVolume(side, volumeParams(params, prefix), undefined, device);
  if (status >= 0) {
    deleteVolume(side, fileSystem);
  }
  return hex(status);
}
