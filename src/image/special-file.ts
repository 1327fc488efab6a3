/**
 * What tar calls a pipe or a device, from its reparse data: a tag u32@0 of Windows' Subsystem for Linux, and of a
 * device the two halves of its number, u32@8 and u32@12, as a Linux mount keeps them. For programs that unpack an
 * image; the volume gets its data back as they were. Tar has no sockets: they are empty files to it.
 */
const FIFO_TAG = 0x80000024;
const CHARACTER_DEVICE_TAG = 0x80000025;
const BLOCK_DEVICE_TAG = 0x80000026;
const NUMBER_OFFSET = 8;
const NUMBER_BYTES = 8;
/** What the field of a header holds. */
const MAX_DEVICE_NUMBER = 0o777777;

export interface SpecialFile {
  type: 'fifo' | 'character-device' | 'block-device';
  major: number;
  minor: number;
}

/** null when it is none, or one whose number tar cannot say. */
export function specialFileOf(reparse: Uint8Array): SpecialFile | null {
  const data = Buffer.from(reparse.buffer, reparse.byteOffset, reparse.length);
  const tag = data.readUInt32LE(0);
  if (tag === FIFO_TAG) return { type: 'fifo', major: 0, minor: 0 };
  if (tag !== CHARACTER_DEVICE_TAG && tag !== BLOCK_DEVICE_TAG) return null;
  if (data.length !== NUMBER_OFFSET + NUMBER_BYTES) return null;
  const [major, minor] = [data.readUInt32LE(NUMBER_OFFSET), data.readUInt32LE(NUMBER_OFFSET + 4)];
  if (major > MAX_DEVICE_NUMBER || minor > MAX_DEVICE_NUMBER) return null;
  return { type: tag === CHARACTER_DEVICE_TAG ? 'character-device' : 'block-device', major, minor };
}
