/**
 * The name under which the explorer knows a state: small numbers, a byte each, put one after another. All names that were met are
 * kept in one array of bytes with a hash table over it: a search makes millions of them, and as strings they cost more than the steps.
 */

const scratch = new Uint8Array(1024);
let length = 0;

/** From -1 to 254. A larger one would name two states alike, so it throws. */
export function put(value: number): void {
  if (!(value >= -1 && value <= 254)) throw new RangeError(`a state holds ${value}, which has no encoding`);
  if (length === scratch.length) throw new RangeError(`a state's encoding is longer than ${length} numbers`);
  scratch[length++] = value + 1;
}

export function putAll(values: readonly number[]): void {
  for (let i = 0; i < values.length; i++) put(values[i] as number);
}

/** What was put since the last call, as text. */
export function takeText(): string {
  const text = Buffer.from(scratch.buffer, 0, length).toString('latin1');
  length = 0;
  return text;
}

/** Puts what `takeText` gave. */
export function putText(text: string): void {
  for (let i = 0; i < text.length; i++) put(text.charCodeAt(i) - 1);
}

const EMPTY = -1;

/** Encodings, numbered from 0 in the order in which they came. */
export class EncodingTable {
  size = 0;
  #bytes = new Uint8Array(1 << 16);
  /** Where encoding n begins, and where the last one ends. */
  #starts = new Float64Array(1 << 10);
  #hashes = new Int32Array(1 << 10);
  /** Open addressing: an encoding's number, or EMPTY. At most half full. */
  #slots = new Int32Array(1 << 11).fill(EMPTY);

  /** The number of what was put since the last call. A new one's number is the size before. */
  numberOf(): number {
    const put = length;
    length = 0;
    let hash = put;
    for (let i = 0; i < put; i++) hash = Math.imul(hash ^ (scratch[i] as number), 0x01000193);
    // The low bits of a product know nothing of the high ones of its factors.
    hash ^= hash >>> 15;
    const mask = this.#slots.length - 1;
    let slot = hash & mask;
    for (;;) {
      const number = this.#slots[slot] as number;
      if (number === EMPTY) break;
      if (this.#hashes[number] === hash && this.#isAt(number, put)) return number;
      slot = (slot + 1) & mask;
    }
    this.#slots[slot] = this.size;
    return this.#add(hash, put);
  }

  #isAt(number: number, count: number): boolean {
    const start = this.#starts[number] as number;
    if ((this.#starts[number + 1] as number) - start !== count) return false;
    for (let i = 0; i < count; i++) if (this.#bytes[start + i] !== scratch[i]) return false;
    return true;
  }

  #add(hash: number, count: number): number {
    const number = this.size++;
    const start = this.#starts[number] as number;
    if (start + count > this.#bytes.length)
      this.#bytes = grown(this.#bytes, new Uint8Array(2 * start + count));
    if (number + 2 > this.#starts.length) {
      this.#starts = grown(this.#starts, new Float64Array(2 * number + 2));
      this.#hashes = grown(this.#hashes, new Int32Array(2 * number + 2));
    }
    for (let i = 0; i < count; i++) this.#bytes[start + i] = scratch[i] as number;
    this.#starts[number + 1] = start + count;
    this.#hashes[number] = hash;
    if (2 * this.size > this.#slots.length) this.#spread();
    return number;
  }

  #spread(): void {
    const slots = new Int32Array(2 * this.#slots.length).fill(EMPTY);
    for (let number = 0; number < this.size; number++) {
      let slot = (this.#hashes[number] as number) & (slots.length - 1);
      while (slots[slot] !== EMPTY) slot = (slot + 1) & (slots.length - 1);
      slots[slot] = number;
    }
    this.#slots = slots;
  }
}

function grown<Numbers extends Uint8Array | Int32Array | Float64Array>(from: Numbers, to: Numbers): Numbers {
  to.set(from);
  return to;
}
