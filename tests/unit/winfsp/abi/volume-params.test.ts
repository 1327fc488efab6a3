import { describe, expect, it } from 'vitest';
import { encodeVolumeParams, type VolumeParams } from '../../../../src/winfsp/abi/volume-params.js';
import { VolumeParamsError } from '../../../../src/winfsp/errors.js';

function encode(params: VolumeParams): DataView {
  const memory = new ArrayBuffer(504);
  encodeVolumeParams(params, new DataView(memory), new Uint16Array(memory));
  return new DataView(memory);
}

function text(view: DataView, offset: number): string {
  return Buffer.from(view.buffer, offset, 20).toString('utf16le').replace(/\0.*$/s, '');
}

describe('volume parameters', () => {
  it('defaults are those of WinFsp, written out', () => {
    const view = encode({});
    expect(view.getUint16(0, true)).toBe(504);
    expect(view.getUint16(2, true)).toBe(512);
    expect(view.getUint16(4, true)).toBe(1);
    expect(view.getUint16(6, true)).toBe(255);
    expect([20, 24, 28, 32, 36, 456].map((offset) => view.getUint32(offset, true))).toEqual([
      1000, 300000, 1000, 0, 0, 0,
    ]);
  });

  it('every field lands where it belongs', () => {
    const view = encode({
      SectorSize: 4096,
      SectorsPerAllocationUnit: 16,
      MaxComponentLength: 200,
      VolumeCreationTime: 0x0123_4567_89ab_cdefn,
      VolumeSerialNumber: 0xfedcba98,
      TransactTimeout: 10000,
      IrpTimeout: 60000,
      IrpCapacity: 100,
      FileInfoTimeout: 0xffffffff,
      CasePreservedNames: true,
      UnicodeOnDisk: true,
      PersistentAcls: true,
      PostDispositionWhenNecessaryOnly: true,
      CaseSensitiveSearch: false,
      VolumeInfoTimeout: 0,
      SecurityTimeout: 7,
      Prefix: '\\srv\\shr',
      FileSystemName: 'NTFS',
    });
    expect([2, 4, 6].map((offset) => view.getUint16(offset, true))).toEqual([4096, 16, 200]);
    expect(view.getBigUint64(8, true)).toBe(0x0123_4567_89ab_cdefn);
    expect(view.getUint32(16, true)).toBe(0xfedcba98);
    expect([20, 24, 28, 32].map((offset) => view.getUint32(offset, true))).toEqual([
      10000, 60000, 100, 0xffffffff,
    ]);
    expect(view.getUint32(36, true)).toBe((1 << 1) | (1 << 2) | (1 << 3) | (1 << 30));
    expect(view.getUint32(456, true)).toBe(0b101);
    expect([460, 468].map((offset) => view.getUint32(offset, true))).toEqual([0, 7]);
    expect(text(view, 40)).toBe('\\srv\\shr');
    expect(text(view, 424)).toBe('NTFS');
  });

  it.each<[string, VolumeParams]>([
    ['SectorSize', { SectorSize: 513 }],
    ['SectorSize', { SectorSize: 8192 }],
    ['SectorsPerAllocationUnit', { SectorsPerAllocationUnit: 0 }],
    ['SectorsPerAllocationUnit', { SectorsPerAllocationUnit: 65536 }],
    ['MaxComponentLength', { MaxComponentLength: 256 }],
    ['TransactTimeout', { TransactTimeout: 0 }],
    ['TransactTimeout', { TransactTimeout: 10001 }],
    ['IrpTimeout', { IrpTimeout: 59999 }],
    ['IrpCapacity', { IrpCapacity: 1001 }],
    ['FileInfoTimeout', { FileInfoTimeout: -1 }],
    ['FileInfoTimeout', { FileInfoTimeout: Number.NaN }],
    ['DirInfoTimeout', { DirInfoTimeout: 2 ** 32 }],
    ['VolumeCreationTime', { VolumeCreationTime: -1n }],
    ['Prefix', { Prefix: '\\\\srv\\shr' }],
    ['Prefix', { Prefix: '\\srv' }],
    ['Prefix', { Prefix: `\\srv\\${'x'.repeat(187)}` }],
    ['FileSystemName', { FileSystemName: 'x'.repeat(16) }],
    ['PersistentAcls', { PersistentAcls: 1 } as unknown as VolumeParams],
    ['HardLinks', { HardLinks: true } as unknown as VolumeParams],
  ])('%s out of bounds is refused by name', (name, params) => {
    const refused = expect.objectContaining({ name: 'VolumeParamsError', parameter: name });
    expect(() => encode(params)).toThrowError(refused as unknown as Error);
    expect(() => encode(params)).toThrowError(VolumeParamsError);
  });

  it('the longest names that fit, fit', () => {
    expect(text(encode({ FileSystemName: 'x'.repeat(15) }), 424)).toHaveLength(10);
    expect(() => encode({ Prefix: `\\srv\\${'x'.repeat(186)}` })).not.toThrow();
  });
});
