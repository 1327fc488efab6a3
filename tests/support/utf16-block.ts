import { writeUtf16 } from '../../src/winfsp/abi/fields.js';
import { NativeBlock } from '../../src/winfsp/memory/native-memory.js';

/** A NUL-terminated UTF-16 copy of `text` in a block of its own. */
export function utf16Block(text: string): NativeBlock {
  const block = new NativeBlock((text.length * 2 + 2 + 7) & ~7);
  writeUtf16(block.units, 0, text);
  return block;
}
