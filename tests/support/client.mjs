/** The process behind `Client`: one request, one call of node:fs, one answer. Ends when its parent lets go. */
import fs from 'node:fs';

const calls = {
  chdir: (path) => process.chdir(path),
  /** What the kernel says; process.cwd() remembers. */
  cwd: () => fs.readlinkSync('/proc/self/cwd'),
  /** All of a file through an open descriptor, from the start. */
  readAll: (fd) => {
    const buffer = Buffer.alloc(fs.fstatSync(fd).size);
    let at = 0;
    for (let n = 1; at < buffer.length && n > 0; at += n) {
      n = fs.readSync(fd, buffer, at, buffer.length - at, at);
    }
    return buffer.subarray(0, at);
  },
  /** [bytes, what was read] */
  readAt: (fd, length, position) => {
    const buffer = Buffer.alloc(length);
    const count = fs.readSync(fd, buffer, 0, length, position);
    return buffer.subarray(0, count);
  },
  writeAt: (fd, text, position) => fs.writeSync(fd, Buffer.from(text), 0, Buffer.from(text).length, position),
  sizeOf: (fd) => fs.fstatSync(fd).size,
};

process.on('message', ({ call, args }) => {
  try {
    const value = (calls[call] ?? fs[call])(...args);
    process.send({ value: value instanceof fs.Stats ? { ...value } : value });
  } catch (error) {
    process.send({ error: error.code ?? String(error) });
  }
});
process.on('disconnect', () => process.exit(0));
