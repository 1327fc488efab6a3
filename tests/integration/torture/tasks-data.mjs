/** Tasks that write and compare content: in order, anywhere, appended, cut and grown, and until someone kills them. */
import fs from 'node:fs';
import { BLOCK, content, KIB, MIB, must, mustEqual, randomOf, readFully, writeFully } from './bytes.mjs';

const PIECES = [1, 511, 4095, 4096, 4097, 65_536, 100_001, MIB];

export function writeSequentially({ path, seed, bytes }) {
  const fd = fs.openSync(path, 'wx');
  for (let at = 0, i = seed; at < bytes; i++) {
    const length = Math.min(PIECES[i % PIECES.length] * (i % 16 === 0 ? 1 : 8), MIB, bytes - at);
    writeFully(fd, content(seed, at, length), at);
    at += length;
  }
  fs.fsyncSync(fd);
  fs.closeSync(fd);
}

export function readSequentially({ path, seed, bytes }) {
  const fd = fs.openSync(path, 'r');
  must(fs.fstatSync(fd).size === bytes, `${path} is ${fs.fstatSync(fd).size} bytes long, not ${bytes}`);
  for (let at = 0, i = 3; at < bytes; i++) {
    const length = Math.min(PIECES[i % PIECES.length] * (i % 16 === 0 ? 1 : 8), MIB, bytes - at);
    mustEqual(readFully(fd, length, at), content(seed, at, length), `${path} at ${at}`);
    at += length;
  }
  must(readFully(fd, 1, bytes).length === 0, `${path} has bytes behind its end`);
  fs.closeSync(fd);
}

/** Writes anywhere, beside a copy in memory; every few writes a read anywhere; at last everything. */
export function writeAnywhere({ path, seed, bytes, rounds }) {
  const random = randomOf(seed);
  const mirror = Buffer.alloc(bytes);
  const fd = fs.openSync(path, 'wx+');
  fs.ftruncateSync(fd, bytes);
  for (let round = 0; round < rounds; round++) {
    const length = 1 + random(random(4) === 0 ? 200_000 : 9000);
    const at = random(bytes - length);
    const piece = content(seed + round, at, length);
    writeFully(fd, piece, at);
    piece.copy(mirror, at);
    if (round % 4 === 0) {
      const from = random(bytes - 20_000);
      mustEqual(
        readFully(fd, 20_000, from),
        mirror.subarray(from, from + 20_000),
        `round ${round} at ${from}`,
      );
    }
  }
  mustEqual(readFully(fd, bytes, 0), mirror, path);
  fs.closeSync(fd);
  mustEqual(fs.readFileSync(path), mirror, `${path}, opened again`);
}

const record = (client, n) => `${client}:${n}:${'x'.repeat((n * 37) % (n % 50 === 0 ? 9000 : 120))}\n`;

export function append({ path, client, count }) {
  const fd = fs.openSync(path, 'a');
  for (let n = 0; n < count; n++) {
    const text = record(client, n);
    must(fs.writeSync(fd, text) === text.length, `record ${n} was cut`);
  }
  fs.closeSync(fd);
}

/** Every record once, whole, and each client's in its order. */
export function verifyAppended({ path, clients, count }) {
  const next = new Array(clients).fill(0);
  const lines = fs.readFileSync(path, 'utf8').split('\n');
  must(lines.pop() === '', 'the last record is cut');
  for (const line of lines) {
    const client = Number(line.split(':', 1)[0]);
    must(
      `${line}\n` === record(client, next[client]),
      `record ${next[client]} of client ${client} is wrong: ${line.slice(0, 60)}`,
    );
    next[client]++;
  }
  must(
    next.every((n) => n === count),
    `records: ${next.join(', ')}, of ${count} each`,
  );
}

/** Overwrites, truncates and extends one file; what comes back with its length must be zero. */
export function reshape({ path, seed, rounds }) {
  const random = randomOf(seed);
  const most = 300 * KIB;
  let mirror = Buffer.alloc(0);
  const fd = fs.openSync(path, 'wx+');
  for (let round = 0; round < rounds; round++) {
    const way = random(4);
    if (way === 0) {
      const length = random(most);
      fs.ftruncateSync(fd, length);
      mirror = Buffer.concat([mirror.subarray(0, length), Buffer.alloc(Math.max(0, length - mirror.length))]);
    } else if (way === 1) {
      // A little less, and back.
      const before = mirror.length;
      const length = Math.max(0, before - random(9000));
      fs.ftruncateSync(fd, length);
      fs.ftruncateSync(fd, before);
      mirror = Buffer.concat([mirror.subarray(0, length), Buffer.alloc(before - length)]);
    } else {
      const at = random(Math.min(most, mirror.length + 20_000));
      const piece = content(seed + round, at, 1 + random(30_000));
      writeFully(fd, piece, at);
      const end = at + piece.length;
      mirror = Buffer.concat([mirror, Buffer.alloc(Math.max(0, end - mirror.length))]);
      piece.copy(mirror, at);
    }
    must(
      fs.fstatSync(fd).size === mirror.length,
      `round ${round}: length ${fs.fstatSync(fd).size}, not ${mirror.length}`,
    );
    const from = random(mirror.length + 1);
    mustEqual(readFully(fd, 12_000, from), mirror.subarray(from, from + 12_000), `round ${round} at ${from}`);
    if (round % 50 === 0) {
      fs.fsyncSync(fd);
      mustEqual(fs.readFileSync(path), mirror, `round ${round}`);
    }
  }
  mustEqual(readFully(fd, mirror.length + 1, 0), mirror, path);
  fs.closeSync(fd);
}

/** One generation after the other over the whole file, from its start to its end, until it is killed. */
export function overwriteForEver({ path, bytes, pieceBytes }) {
  const fd = fs.openSync(path, 'r+');
  process.stdout.write('begun\n');
  for (let generation = 1; ; generation++) {
    for (let at = 0; at < bytes; at += pieceBytes) {
      writeFully(fd, generationOf(generation, at, pieceBytes), at);
    }
  }
}

/** A number of the generation at the head of each block, then its bytes. */
function generationOf(generation, position, length) {
  const bytes = Buffer.from(content(generation, position, length));
  for (let at = 0; at < length; at += BLOCK) {
    bytes.writeUInt32LE(generation, at);
  }
  return bytes;
}

/**
 * After the death of its writer: up to some block the last generation, from there on the one before, each block whole.
 */
export function verifyGenerations({ path, bytes }) {
  const found = fs.readFileSync(path);
  must(found.length === bytes, `${path} is ${found.length} bytes long, not ${bytes}`);
  let last = null;
  let changes = 0;
  for (let at = 0; at < bytes; at += BLOCK) {
    const generation = found.readUInt32LE(at);
    const expected = generation === 0 ? Buffer.alloc(BLOCK) : generationOf(generation, at, BLOCK);
    mustEqual(found.subarray(at, at + BLOCK), expected, `block at ${at}, generation ${generation}`);
    if (last !== null && generation !== last) {
      must(generation === last - 1, `generation ${generation} behind ${last} at ${at}`);
      changes++;
    }
    last = generation;
  }
  must(changes <= 1, `${changes} places where one generation ends`);
  return found.readUInt32LE(0);
}
