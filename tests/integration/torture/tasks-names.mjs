/** Tasks that make, move, list and remove names. */
import fs from 'node:fs';
import { join } from 'node:path';
import { content, must, mustEqual, randomOf, writeFully } from './bytes.mjs';

/** Files that come and go in one directory that others use too. */
export function churn({ directory, client, rounds }) {
  const random = randomOf(client + 1);
  const own = new Map();
  for (let round = 0; round < rounds; round++) {
    const name = `${client}-${random(20)}${'n'.repeat(random(60))}`;
    const path = join(directory, name);
    if (own.has(name)) {
      mustEqual(fs.readFileSync(path), content(own.get(name), 0, own.get(name) % 9000), path);
      fs.unlinkSync(path);
      own.delete(name);
      must(!fs.existsSync(path), `${path} is there after its deletion`);
    } else {
      const seed = random(1_000_000);
      fs.writeFileSync(path, content(seed, 0, seed % 9000), { flag: 'wx' });
      own.set(name, seed);
    }
    if (round % 40 === 0) {
      verifyOwn(directory, client, own);
    }
  }
  verifyOwn(directory, client, own);
  for (const name of own.keys()) {
    fs.unlinkSync(join(directory, name));
  }
}

function verifyOwn(directory, client, own) {
  const listed = fs.readdirSync(directory).filter((name) => name.startsWith(`${client}-`));
  const wanted = [...own.keys()].sort().join();
  must(listed.sort().join() === wanted, `client ${client} finds\n${listed.join()}\ninstead of\n${wanted}`);
}

const fileSeed = (depth, i) => depth * 100 + i + 1;

/** `breadth` directories and files on each of `depth` levels. */
export function plantTree({ directory, depth, breadth }) {
  fs.mkdirSync(directory);
  for (let i = 0; i < breadth; i++) {
    fs.writeFileSync(join(directory, `file ${i} ü語`), content(fileSeed(depth, i), 0, 1000 * i + 7));
    if (depth > 1) {
      plantTree({ directory: join(directory, `directory-${i}`), depth: depth - 1, breadth });
    }
  }
}

/** Returns how many entries there are. */
export function verifyTree({ directory, depth, breadth }) {
  const entries = fs.readdirSync(directory, { withFileTypes: true });
  const names = entries.map((entry) => entry.name + (entry.isDirectory() ? '/' : '')).sort();
  const wanted = [];
  let count = 0;
  for (let i = 0; i < breadth; i++) {
    wanted.push(`file ${i} ü語`);
    const path = join(directory, `file ${i} ü語`);
    mustEqual(fs.readFileSync(path), content(fileSeed(depth, i), 0, 1000 * i + 7), path);
    if (depth > 1) {
      wanted.push(`directory-${i}/`);
      count += verifyTree({ directory: join(directory, `directory-${i}`), depth: depth - 1, breadth });
    }
  }
  must(
    names.join() === wanted.sort().join(),
    `${directory} lists ${names.join()} instead of ${wanted.join()}`,
  );
  return count + names.length;
}

/** Moves it to and fro, and looks at all of it at each place. */
export function moveTree({ from, to, depth, breadth, rounds }) {
  for (let round = 0; round < rounds; round++) {
    const [old, now] = round % 2 === 0 ? [from, to] : [to, from];
    fs.renameSync(old, now);
    must(!fs.existsSync(old), `${old} is there after its rename`);
    verifyTree({ directory: now, depth, breadth });
  }
}

/** A document that is saved by renaming a new one over it. */
export function saveVersions({ path, count }) {
  for (let version = 1; version <= count; version++) {
    fs.writeFileSync(`${path}.new`, versionOf(version));
    fs.renameSync(`${path}.new`, path);
  }
}

function versionOf(version) {
  const bytes = Buffer.from(content(version, 0, 5000 + ((version * 977) % 30_000)));
  bytes.writeUInt32LE(version, 0);
  return bytes;
}

/** Reads the document while it is replaced: each time one whole version, never an older one than before. */
export function readVersions({ path, count }) {
  let last = 0;
  let reads = 0;
  for (; last < count; reads++) {
    const bytes = fs.readFileSync(path);
    const version = bytes.readUInt32LE(0);
    mustEqual(bytes, versionOf(version), `version ${version}`);
    must(version >= last, `version ${version} after ${last}`);
    last = version;
  }
  return reads;
}

/** Writes through a handle while others rename the file. Tells when it has it open. */
export function writeMoving({ path, seed, rounds }) {
  const fd = fs.openSync(path, 'r+');
  process.stdout.write('open\n');
  for (let round = 0; round < rounds; round++) {
    const position = (round * 4099) % 200_000;
    writeFully(fd, content(seed, position, 4099), position);
    must(fs.fstatSync(fd).size >= position + 4099, 'the file has got shorter');
  }
  fs.closeSync(fd);
}

/** Gives a file other names in other directories, as often as it likes; it ends under the first one. */
export function renameToAndFro({ paths, rounds }) {
  for (let round = 0; round < rounds; round++) {
    fs.renameSync(paths[round % paths.length], paths[(round + 1) % paths.length]);
  }
  for (let at = rounds % paths.length; at % paths.length !== 0; at++) {
    fs.renameSync(paths[at], paths[(at + 1) % paths.length]);
  }
}
