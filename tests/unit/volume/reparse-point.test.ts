import { describe, expect, it } from 'vitest';
import { MAX_REPARSE_DATA_BYTES } from '../../../src/limits.js';
import { NtStatus } from '../../../src/ntstatus.js';
import {
  matchReparsePoint,
  parseReparsePoint,
  type ReparsePoint,
} from '../../../src/volume/reparse-point.js';

function data(tag: number, contentBytes: number, guid: number | null = null): Buffer {
  const head = guid === null ? 8 : 24;
  const bytes = Buffer.alloc(head + contentBytes, 0x11);
  bytes.writeUInt32LE(tag, 0);
  bytes.writeUInt16LE(contentBytes, 4);
  bytes.writeUInt16LE(0, 6);
  if (guid !== null) bytes.fill(guid, 8, 24);
  return bytes;
}
const SYMLINK = 0xa000000c;
const FOREIGN = 0x00001234;

describe('parseReparsePoint', () => {
  it('keeps a copy', () => {
    const given = data(SYMLINK, 10);
    const parsed = parseReparsePoint(given) as ReparsePoint;
    const before = Buffer.from(given);
    given.fill(0);
    expect(parsed.tag).toBe(SYMLINK);
    expect(Buffer.from(parsed.data)).toEqual(before);
    expect(parseReparsePoint(data(FOREIGN, 3, 7))).toMatchObject({ tag: FOREIGN });
    expect(parseReparsePoint(data(SYMLINK, 0))).toMatchObject({ tag: SYMLINK });
  });

  it('refuses what is malformed, whatever its length', () => {
    const invalid = NtStatus.IO_REPARSE_DATA_INVALID;
    for (let length = 0; length < 8; length++)
      expect(parseReparsePoint(new Uint8Array(length))).toBe(invalid);
    for (const tag of [0, 1, 2]) expect(parseReparsePoint(data(tag, 4, 0))).toBe(invalid);
    expect(parseReparsePoint(data(SYMLINK, 10).subarray(0, 17))).toBe(invalid);
    expect(parseReparsePoint(Buffer.concat([data(SYMLINK, 10), Buffer.alloc(1)]))).toBe(invalid);
    expect(parseReparsePoint(data(FOREIGN, 4))).toBe(invalid);
    expect(parseReparsePoint(data(SYMLINK, MAX_REPARSE_DATA_BYTES - 8))).toMatchObject({ tag: SYMLINK });
    expect(parseReparsePoint(data(SYMLINK, MAX_REPARSE_DATA_BYTES - 7))).toBe(invalid);
  });
});

describe('matchReparsePoint', () => {
  it('wants the same tag, and the same GUID where there is one', () => {
    const link = parseReparsePoint(data(SYMLINK, 10)) as ReparsePoint;
    const foreign = parseReparsePoint(data(FOREIGN, 3, 7)) as ReparsePoint;
    expect(matchReparsePoint(link, data(SYMLINK, 0))).toBe(NtStatus.SUCCESS);
    expect(matchReparsePoint(link, data(0xa0000003, 0))).toBe(NtStatus.IO_REPARSE_TAG_MISMATCH);
    expect(matchReparsePoint(foreign, data(FOREIGN, 0, 7))).toBe(NtStatus.SUCCESS);
    expect(matchReparsePoint(foreign, data(FOREIGN, 0, 8))).toBe(NtStatus.REPARSE_ATTRIBUTE_CONFLICT);
    expect(matchReparsePoint(foreign, data(FOREIGN, 0))).toBe(NtStatus.IO_REPARSE_DATA_INVALID);
    expect(matchReparsePoint(link, new Uint8Array(7))).toBe(NtStatus.IO_REPARSE_DATA_INVALID);
  });
});
