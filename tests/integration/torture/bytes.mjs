/**
 * Bytes that tell where they belong, and comparisons that say where they differ. Synchronous: a task does one thing at
 * a time.
 */
import fs from 'node:fs';

export const KIB = 1024;
export const MIB = 1024 * KIB;
export const BLOCK = 4096;

/** Numbers from a seed. */
export function randomOf(seed) {
  let state = (seed * 0x9e3779b1) >>> 0 || 1;
  return (limit) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
}

const SEQUENCE = makeSequence();
function makeSequence() {
  const random = randomOf(4711);
  return Buffer.from(Uint32Array.from({ length: MIB }, () => random(2 ** 32)).buffer);
}

/** Bytes `position` to `position + length` of the endless content with this seed. */
export function content(seed, position, length) {
  const start = (seed * 7_919_321 + position) % SEQUENCE.length;
  const first = SEQUENCE.subarray(start, start + length);
  return first.length === length
    ? first
    : Buffer.concat([first, SEQUENCE.subarray(0, length - first.length)]);
}

export function writeFully(fd, bytes, position) {
  for (let at = 0; at < bytes.length; ) {
    at += fs.writeSync(fd, bytes, at, bytes.length - at, position + at);
  }
}

/** Fewer only at the end of the file. */
export function readFully(fd, length, position) {
  const bytes = Buffer.alloc(length);
  let at = 0;
  for (let count = 1; at < length && count > 0; at += count) {
    count = fs.readSync(fd, bytes, at, length - at, position + at);
  }
  return bytes.subarray(0, at);
}

export function mustEqual(actual, expected, what) {
  if (Buffer.compare(actual, expected) !== 0) {
    const length = Math.min(actual.length, expected.length);
    let at = 0;
    while (at < length && actual[at] === expected[at]) {
      at++;
    }
    throw new Error(`${what}: ${actual.length} bytes for ${expected.length}, different from byte ${at} on`);
  }
}

export function must(holds, what) {
  if (!holds) {
    throw new Error(what);
  }
}

export function codeOf(call) {
  try {
    call();
    return 'OK';
  } catch (error) {
    return error.code ?? String(error);
  }
}
