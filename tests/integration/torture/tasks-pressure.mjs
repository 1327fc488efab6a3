/** Tasks that want more than there is, and many small tasks at the same time. */
import fs from 'node:fs';
import {
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  truncate,
  unlink,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { codeOf, content, must, mustEqual, randomOf, readFully } from './bytes.mjs';

/** Writes files until there is no room, compares all that it was told it has, removes some of them, and again. */
export function fillAndEmpty({ directory, client, rounds }) {
  const random = randomOf(client + 1);
  const own = new Map();
  let refusals = 0;
  for (let round = 0; round < rounds; round++) {
    for (let n = 0; ; n++) {
      const path = join(directory, `${client}-${round}-${n}`);
      const stored = writeUntilRefused(path, 1 + random(700_000), client + n);
      own.set(path, { seed: client + n, bytes: stored.bytes });
      if (stored.refused) {
        refusals++;
        break;
      }
    }
    for (const [path, { seed, bytes }] of own) {
      mustEqual(fs.readFileSync(path), Buffer.from(content(seed, 0, bytes)), path);
      if (random(2) === 0) {
        fs.unlinkSync(path);
        own.delete(path);
      }
    }
  }
  for (const path of own.keys()) {
    fs.unlinkSync(path);
  }
  must(refusals === rounds, 'the drive was never full');
}

/** A refusal changes nothing: the length is what was acknowledged. */
function writeUntilRefused(path, length, seed) {
  const fd = fs.openSync(path, 'wx+');
  let at = 0;
  let refused = false;
  while (at < length && !refused) {
    const piece = content(seed, at, Math.min(100_000, length - at));
    let count = 0;
    const code = codeOf(() => {
      count = fs.writeSync(fd, piece, 0, piece.length, at);
    });
    must(code === 'OK' || code === 'ENOSPC', `${path}: ${code}`);
    at += count;
    refused = code !== 'OK';
    must(
      fs.fstatSync(fd).size === at,
      `${path}: length ${fs.fstatSync(fd).size} after ${at} acknowledged bytes`,
    );
  }
  if (at > 0) {
    // What is inside is paid for.
    const inside = codeOf(() =>
      fs.writeSync(fd, content(seed, 0, Math.min(at, 5000)), 0, Math.min(at, 5000), 0),
    );
    must(inside === 'OK', `${path}: writing inside the length gave ${inside}`);
  }
  mustEqual(readFully(fd, at + 1, 0), Buffer.from(content(seed, 0, at)), path);
  fs.closeSync(fd);
  return { bytes: at, refused };
}

/** `count` tasks at the same time, each of them in a directory of its own and in one that all share. */
export async function manyTasks({ root, first, count, rounds }) {
  await Promise.all(Array.from({ length: count }, (_, i) => oneTask(root, first + i, rounds)));
}

async function oneTask(root, task, rounds) {
  const random = randomOf(task + 1);
  const own = join(root, `task-${task}`);
  await mkdir(own);
  for (let round = 0; round < rounds; round++) {
    const seed = task * 1000 + round;
    const length = 1 + random(60_000);
    const path = join(own, `f${round}`);
    await writeFile(path, content(seed, 0, length));
    const moved = join(root, 'shared', `${task}-${round}`);
    await rename(path, moved);
    mustEqual(await readFile(moved), Buffer.from(content(seed, 0, length)), moved);
    const shorter = random(length);
    await truncate(moved, shorter);
    const file = await open(moved, 'r+');
    const tail = content(seed + 1, 0, 3000);
    await file.write(tail, 0, tail.length, shorter);
    await file.sync();
    await file.close();
    const expected = Buffer.concat([content(seed, 0, shorter), tail]);
    mustEqual(await readFile(moved), expected, `${moved}, cut and grown`);
    must((await stat(moved)).size === expected.length, `${moved}: wrong length`);
    must((await readdir(join(root, 'shared'))).includes(`${task}-${round}`), `${moved} is not listed`);
    await unlink(moved);
  }
  must((await readdir(own)).length === 0, `${own} is not empty`);
  await rm(own, { recursive: true });
}
