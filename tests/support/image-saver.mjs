/**
 * Changes a volume and saves it to an image, again and again, for tests of what is found there when it is killed, when
 * the power fails, when the disk is full (tests/integration/last-good-image.test.ts). Says a line before each save,
 * `saving NUMBER {name: SHA-256}`, and one after it, `saved NUMBER` or `refused NUMBER REASON`.
 *
 * What a loss of power leaves of a file is what was flushed, and a name is sure only when its directory was: so it ends
 * with `broken …` when an image takes its name before all of its bytes are flushed, or is called saved before the name is.
 *
 * Arguments: image, seed, number of the first state, how many saves (0: until it is killed).
 */
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { dirname } from 'node:path';

const [path, seed, first, count] = process.argv.slice(2);
const say = (line) => fs.writeSync(1, `${line}\n`);
const unsaid = watchFlushes();

const load = (module) => import(new URL(`../../dist/src/${module}`, import.meta.url).href);
const { ImageFile } = await load('image/image-file.js');
const { viewOf } = await load('image/volume-view.js');
const { NativePageMemory } = await load('os/native-page-memory.js');
const { RamVolume } = await load('volume/ram-volume.js');
const { NativeBlock } = await load('winfsp/index.js');

const NAMES = ['a', 'b', 'c', 'd', 'e'];
const MAX_FILE_BYTES = 60_000;
const memory = new NativePageMemory({ pageSizeBytes: 4096, pageCount: 512 });
const volume = new RamVolume({ memory, caseSensitive: true, label: 'saved' });
const scratch = new NativeBlock(65_536);
const file = new ImageFile(path);
await file.load(volume, scratch);
let state = Number(seed);
for (let number = Number(first); count === '0' || number < Number(first) + Number(count); number++) {
  put('number', Buffer.from(String(number)));
  for (const name of NAMES) {
    if (random(2) === 0) put(name, Buffer.alloc(random(MAX_FILE_BYTES), random(2 ** 32).toString(36)));
  }
  say(`saving ${number} ${JSON.stringify(hashes())}`);
  try {
    await file.save(viewOf(volume), scratch);
  } catch (error) {
    say(`refused ${number} ${error.message}`);
    const mine = `.${process.pid}-`;
    if (fs.readdirSync(dirname(path)).some((name) => name.includes(mine))) broken('it is left unfinished');
    continue;
  }
  if (unsaid.size > 0) broken('the name of the image is not flushed');
  say(`saved ${number}`);
}

function put(name, bytes) {
  let inode = volume.lookup(`\\${name}`);
  if (typeof inode === 'number') {
    inode = volume.create(`\\${name}`, 0x20, false, null, 0);
    volume.close(inode);
  }
  volume.setFileSize(inode, 0);
  scratch.bytes.set(bytes);
  if (bytes.length > 0) volume.write(inode, 0, bytes.length, scratch.address, false, false);
}

function hashes() {
  const all = {};
  viewOf(volume).visit((inode) => {
    if (inode.isDirectory) return;
    inode.read(0, inode.sizeBytes, scratch.address);
    const bytes = scratch.bytes.subarray(0, inode.sizeBytes);
    all[inode.names.join('/')] = createHash('sha256').update(bytes).digest('hex');
  });
  return all;
}

function random(limit) {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return Math.floor((state / 2 ** 32) * limit);
}

function broken(what) {
  say(`broken ${what}`);
  process.exit(3);
}

/** Directories whose new names a loss of power would lose. */
function watchFlushes() {
  const { fsyncSync, renameSync } = fs;
  const flushed = new Map();
  const directories = new Set();
  const keyOf = ({ dev, ino }) => `${dev}:${ino}`;
  fs.fsyncSync = (descriptor) => {
    fsyncSync(descriptor);
    const stat = fs.fstatSync(descriptor, { bigint: true });
    if (stat.isDirectory()) directories.delete(keyOf(stat));
    else flushed.set(keyOf(stat), `${stat.size} ${stat.mtimeNs}`);
  };
  fs.renameSync = (from, to) => {
    const stat = fs.statSync(from, { bigint: true });
    if (flushed.get(keyOf(stat)) !== `${stat.size} ${stat.mtimeNs}`)
      broken('an image takes its name unflushed');
    renameSync(from, to);
    directories.add(keyOf(fs.statSync(dirname(to), { bigint: true })));
  };
  syncBuiltinESMExports();
  return directories;
}
