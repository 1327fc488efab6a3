/**
 * Names and targets of links as Linux has them: bytes, mostly but not always UTF-8. The same as the Linux front end
 * does (native/winfsp-linux/src/core/base/text.h): a backslash is U+F05C in the volume, and each byte that is not UTF-8
 * is a low surrogate by itself, U+DC80 to U+DCFF; so are the three bytes of U+F05C.
 */
const ESCAPED_BACKSLASH = '\uf05c';
const ESCAPED_BYTES = 0xdc00;
const ESCAPED = /[\udc80-\udcff]/u;
const NEEDS_STEPS = /[\\\uf05c\ufffd]/;
const LONE_SURROGATE = /\p{Surrogate}/u;

/** null for what stands for no bytes: other surrogates alone, and bytes one by one that are UTF-8 together. */
export function bytesOfName(name: string): Buffer | null {
  const text = name.replaceAll(ESCAPED_BACKSLASH, '\\');
  if (!LONE_SURROGATE.test(text)) return Buffer.from(text);
  const parts: Buffer[] = [];
  for (const character of text) {
    if (ESCAPED.test(character)) parts.push(Buffer.from([character.charCodeAt(0) - ESCAPED_BYTES]));
    else if (!LONE_SURROGATE.test(character)) parts.push(Buffer.from(character));
    else return null;
  }
  const bytes = Buffer.concat(parts);
  return nameOfBytes(bytes) === name ? bytes : null;
}

/** Any bytes have a name, and no two the same. */
export function nameOfBytes(bytes: Buffer): string {
  const text = bytes.toString('utf8');
  // U+FFFD is what stands for bytes that are not UTF-8.
  if (!NEEDS_STEPS.test(text)) return text;
  let name = '';
  for (let at = 0; at < bytes.length; ) {
    const length = lengthOfCharacter(bytes, at);
    const character = length === 0 ? '' : bytes.toString('utf8', at, at + length);
    if (length > 0 && character !== ESCAPED_BACKSLASH) {
      name += character === '\\' ? ESCAPED_BACKSLASH : character;
      at += length;
      continue;
    }
    for (const end = at + Math.max(length, 1); at < end; at++) {
      name += String.fromCharCode(ESCAPED_BYTES + bytes[at]!);
    }
  }
  return name;
}

/** Of the UTF-8 character at a place; 0 when there is none. */
function lengthOfCharacter(bytes: Buffer, at: number): number {
  const lead = bytes[at]!;
  const length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  const character = bytes.subarray(at, at + length);
  return Buffer.from(character.toString('utf8')).equals(character) ? length : 0;
}
