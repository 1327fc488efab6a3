/**
 * The records of a pax header: `length key=value\n` each, the length with itself. Names and targets of links in them
 * are bytes (posix-name.ts), other values are text. Not tar-stream's: its encoder makes UTF-8 of everything, and its
 * decoder takes a malformed record for the end.
 */
import { Key } from '../format.js';
import { bytesOfName, nameOfBytes } from './posix-name.js';

const NAMES: ReadonlySet<string> = new Set([Key.PATH, Key.LINK, Key.SPARSE_NAME]);
const MAX_DIGITS = 9;
const ASCII = /^[\0-\x7f]*$/;
/** Of which the bytes are the characters. */
const PLAIN = /^[\x20-\x5b\x5d-\x7e]*$/;

export type PaxRecords = Readonly<Record<string, string | Uint8Array>>;

/** All in one string of a character for each byte: one buffer, made once, costs a tenth of one for each part. */
export function encodePax(...all: PaxRecords[]): Buffer {
  let text = '';
  for (const records of all) {
    for (const key in records) text += recordOf(key, records[key] as string | Uint8Array);
  }
  return Buffer.from(text, 'latin1');
}

function recordOf(key: string, value: string | Uint8Array): string {
  const isName = typeof value === 'string' && NAMES.has(key);
  const rest = ` ${bytewise(key)}=${isName ? ofName(value) : bytewise(value)}\n`;
  const length = rest.length + String(rest.length).length;
  // One digit more makes it one longer.
  const isLonger = String(length).length > String(rest.length).length;
  return `${isLonger ? rest.length + String(length).length : length}${rest}`;
}

function bytewise(value: string | Uint8Array): string {
  if (typeof value === 'string' && ASCII.test(value)) return value;
  return Buffer.from(value as string).toString('latin1');
}

function ofName(name: string): string {
  return PLAIN.test(name) ? name : nameBytes(name).toString('latin1');
}

/** Of a name that was found to have bytes, or of what was made for one that has none. */
function nameBytes(name: string): Buffer {
  const bytes = bytesOfName(name);
  if (bytes === null) throw new Error(`the name ${JSON.stringify(name)} has no bytes`);
  return bytes;
}

/** What a pax header says. */
export class Pax {
  readonly #values = new Map<string, Buffer>();

  /** null when the bytes are not well-formed records. */
  static parse(bytes: Buffer): Pax | null {
    const pax = new Pax();
    for (let at = 0; at < bytes.length; ) {
      const space = bytes.indexOf(0x20, at);
      if (space < 0 || space - at > MAX_DIGITS) return null;
      const digits = bytes.toString('latin1', at, space);
      const end = at + Number(digits);
      const equals = bytes.indexOf(0x3d, space);
      if (!/^\d+$/.test(digits) || end <= space + 1 || end > bytes.length) return null;
      if (equals < 0 || equals >= end || bytes[end - 1] !== 0x0a) return null;
      pax.#values.set(bytes.toString('utf8', space + 1, equals), bytes.subarray(equals + 1, end - 1));
      at = end;
    }
    return pax;
  }

  has(key: string): boolean {
    return this.#values.has(key);
  }

  text(key: string): string | undefined {
    return this.#values.get(key)?.toString('utf8');
  }

  name(key: string): string | undefined {
    const bytes = this.#values.get(key);
    return bytes === undefined ? undefined : nameOfBytes(bytes);
  }
}
