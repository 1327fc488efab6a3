/**
 * A memory file system on the npm package fuse-native, the way its documentation shows: what file systems in Node.js
 * cost so far. Paths in Maps, content in Buffers that grow by doubling.
 *
 *     node bench/reference/fuse-native.mjs <mount point>
 *
 * The package is no dependency of this project (it brings a libfuse 2 of its own). Install it where this looks for it:
 * `npm install --prefix .cache/fuse-native fuse-native`. Prints "mounted" when it serves; ends at SIGTERM.
 */
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const cache = fileURLToPath(new URL('../../.cache/fuse-native/', import.meta.url));
const Fuse = createRequire(path.join(cache, 'package.json'))('fuse-native');
const [mountPoint] = process.argv.slice(2);
if (mountPoint === undefined) {
  console.error('fuse-native.mjs <mount point>');
  process.exit(2);
}

const nodes = new Map();
const makeNode = (mode, more = {}) => {
  const now = Date.now();
  return {
    mode,
    mtime: now,
    atime: now,
    ctime: now,
    size: 0,
    content: null,
    names: null,
    target: null,
    ...more,
  };
};
nodes.set('/', makeNode(0o40755, { names: new Set() }));

const parentOf = (name) => nodes.get(path.posix.dirname(name));
const put = (name, node) => {
  nodes.set(name, node);
  parentOf(name).names.add(path.posix.basename(name));
};
const take = (name) => {
  nodes.delete(name);
  parentOf(name).names.delete(path.posix.basename(name));
};
const withNode = (name, callback, use) => {
  const node = nodes.get(name);
  return node === undefined ? callback(Fuse.ENOENT) : use(node);
};
function setSize(node, size) {
  if (node.content === null || node.content.length < size) {
    const larger = Buffer.alloc(Math.max(size, 2 * (node.content?.length ?? 2048)));
    node.content?.copy(larger, 0, 0, node.size);
    node.content = larger;
  }
  if (size < node.size) node.content.fill(0, size, node.size);
  node.size = size;
}

const handlers = {
  getattr: (name, callback) =>
    withNode(name, callback, (node) =>
      callback(0, {
        mtime: new Date(node.mtime),
        atime: new Date(node.atime),
        ctime: new Date(node.ctime),
        nlink: 1,
        size: node.target === null ? node.size : Buffer.byteLength(node.target),
        mode: node.mode,
        uid: process.getuid(),
        gid: process.getgid(),
      }),
    ),
  readdir: (name, callback) => withNode(name, callback, (node) => callback(0, [...node.names])),
  open: (_name, _flags, callback) => callback(0, 1),
  create: (name, mode, callback) => {
    put(name, makeNode(0o100000 | (mode & 0o7777)));
    callback(0, 1);
  },
  mknod: (name, mode, _device, callback) => {
    put(name, makeNode(mode));
    callback(0);
  },
  mkdir: (name, mode, callback) => {
    put(name, makeNode(0o40000 | (mode & 0o7777), { names: new Set() }));
    callback(0);
  },
  symlink: (target, name, callback) => {
    put(name, makeNode(0o120777, { target }));
    callback(0);
  },
  readlink: (name, callback) => withNode(name, callback, (node) => callback(0, node.target)),
  unlink: (name, callback) => {
    take(name);
    callback(0);
  },
  rmdir: (name, callback) =>
    withNode(name, callback, (node) => {
      if (node.names.size > 0) return callback(Fuse.ENOTEMPTY);
      take(name);
      callback(0);
    }),
  rename: (from, to, callback) =>
    withNode(from, callback, (node) => {
      const inside = [...nodes].filter(([name]) => node.names !== null && name.startsWith(`${from}/`));
      if (nodes.has(to)) take(to);
      take(from);
      put(to, node);
      for (const [name, child] of inside) {
        nodes.delete(name);
        nodes.set(to + name.slice(from.length), child);
      }
      callback(0);
    }),
  chmod: (name, mode, callback) =>
    withNode(name, callback, (node) => {
      node.mode = (node.mode & 0o170000) | (mode & 0o7777);
      callback(0);
    }),
  chown: (_name, _uid, _gid, callback) => callback(0),
  utimens: (name, atime, mtime, callback) =>
    withNode(name, callback, (node) => {
      node.atime = atime;
      node.mtime = mtime;
      callback(0);
    }),
  truncate: (name, size, callback) =>
    withNode(name, callback, (node) => {
      setSize(node, size);
      callback(0);
    }),
  ftruncate: (name, _handle, size, callback) => handlers.truncate(name, size, callback),
  read: (name, _handle, buffer, length, position, callback) =>
    withNode(name, callback, (node) =>
      callback(
        position >= node.size
          ? 0
          : node.content.copy(buffer, 0, position, Math.min(node.size, position + length)),
      ),
    ),
  write: (name, _handle, buffer, length, position, callback) =>
    withNode(name, callback, (node) => {
      if (position + length > node.size) setSize(node, position + length);
      buffer.copy(node.content, position, 0, length);
      node.mtime = Date.now();
      callback(length);
    }),
  statfs: (_name, callback) =>
    callback(0, {
      bsize: 4096,
      frsize: 4096,
      blocks: 2 ** 20,
      bfree: 2 ** 19,
      bavail: 2 ** 19,
      files: 2 ** 20,
      ffree: 2 ** 19,
      favail: 2 ** 19,
      fsid: 1,
      flag: 0,
      namemax: 255,
    }),
};

const fuse = new Fuse(mountPoint, handlers, {
  force: true,
  mkdir: false,
  kernelCache: true,
  attrTimeout: 86400,
  entryTimeout: 86400,
});
const stop = () => fuse.unmount((error) => process.exit(error ? 1 : 0));
process.once('SIGTERM', stop);
process.once('SIGINT', stop);
fuse.mount((error) => {
  if (error) {
    console.error(`fuse-native: ${error.message}`);
    process.exit(1);
  }
  console.log('mounted');
});
