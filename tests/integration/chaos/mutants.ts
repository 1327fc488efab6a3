/** Deliberate defects of the drive, each of a kind that has cost someone data. Chaos must find every one of them. */
import type { Mutant } from '../../support/mutate.js';

const FILE = 'src/volume/content/paged-file.ts';
const POOL = 'src/volume/content/page-pool.ts';
const VOLUME = 'src/volume/ram-volume.ts';
const NAMES = 'src/volume/volume-names.ts';
const FILE_SYSTEM = 'src/drive/ram-file-system.ts';

/** What only a run with --moments can find. */
export const MOMENT_MUTANTS: Mutant[] = [
  {
    name: 'a truncation zeroes a page that a snapshot has, too',
    patches: [{ file: FILE, find: '    if (pool.isShared(page)) {\n', replace: '    if (page < 0) {\n' }],
  },
];

export const MUTANTS: Mutant[] = [
  {
    name: 'a recycled page is not zeroed',
    patches: [{ file: FILE, find: '      if (pool.isZero(page)) continue;\n', replace: '      continue;\n' }],
  },
  {
    name: 'a page is given back twice',
    patches: [
      {
        file: POOL,
        find: '      this.#stock[this.#warm++] = page;\n',
        replace:
          '      this.#stock[this.#warm++] = page;\n      if (i === from && to - from > 2) this.#stock[this.#warm++] = page;\n',
      },
    ],
  },
  {
    name: 'the length is changed before it is known whether there is room',
    patches: [
      {
        file: FILE,
        find: '      const status = this.#reserveUpTo(pages);\n      if (status >= 0) this.#lengthBytes = bytes;\n',
        replace: '      this.#lengthBytes = bytes;\n      const status = this.#reserveUpTo(pages);\n',
      },
    ],
  },
  {
    name: 'a listing goes on at its marker instead of behind it',
    patches: [
      {
        file: 'src/volume/names/ordered-children.ts',
        find: '(counter === 0 && key === marker) || visit(child.name, child.inode) ? undefined : STOP',
        replace: 'visit(child.name, child.inode) ? undefined : STOP',
      },
    ],
  },
  {
    name: 'a rename loses the pages of the file that it replaces',
    patches: [
      {
        file: 'src/volume/volume-moves.ts',
        find: '      replaced.inode.changed(now);\n      this.unlink(replaced);\n',
        // As if a handle of it were never closed.
        replace: '      this.tree.detach(replaced);\n      replaced.inode.openCount += 1;\n',
      },
    ],
  },
  {
    name: 'FileInfo has the length of before the call',
    patches: [
      {
        file: FILE_SYSTEM,
        find: '    const status = setAllocationSize\n',
        replace: '    encodeFileInfo(inode, view, fileInfoOffset);\n    const status = setAllocationSize\n',
      },
      {
        file: FILE_SYSTEM,
        find: '      : this.#volume.setFileSize(inode, newSize);\n    return this.#changed(status, inode, view, fileInfoOffset);',
        replace: '      : this.#volume.setFileSize(inode, newSize);\n    this.publish();\n    return status;',
      },
    ],
  },
  {
    name: 'the reservation of a deleted file is not released',
    patches: [
      { file: FILE, find: '    this.pool.unreserve(this.release());\n', replace: '    this.release();\n' },
    ],
  },
  {
    name: 'a write for which there is no room is dropped and acknowledged',
    patches: [
      {
        file: VOLUME,
        find: 'const status = inode.file.setLength(bytes);',
        replace: 'const status = Math.max(0, inode.file.setLength(bytes));',
      },
      {
        file: VOLUME,
        find: 'const written = file.write(at, length, address);',
        replace:
          'const done = file.write(at, length, address);\n    const written = done < 0 ? length : done;',
      },
    ],
  },
  {
    name: 'a truncation leaves the rest of the last page',
    patches: [
      {
        file: FILE,
        find: '    memory.zero(memory.baseAddress + page * pageSizeBytes + from, Math.min(pageSizeBytes, end) - from);\n',
        replace: '',
      },
    ],
  },
  {
    name: 'scattered pages are taken for neighbours',
    patches: [
      {
        file: 'src/volume/content/page-table.ts',
        find: 'while (next < end && entries[next] === next + difference) next++;',
        replace: 'while (next < end && entries[next] >= next + difference) next++;',
      },
    ],
  },
  {
    name: 'a deleted file is emptied although someone has it open',
    patches: [
      {
        file: NAMES,
        find: '    if (inode.deleted && inode.openCount === 0) this.#dispose(inode);\n',
        replace:
          '    if (inode.deleted && inode.openCount === 0) this.#dispose(inode);\n' +
          '    else if (inode.deleted) inode.file?.setLength(0);\n',
      },
    ],
  },
  {
    name: 'flush tells nothing about the file',
    patches: [
      {
        file: FILE_SYSTEM,
        find: 'return this.#changed(this.#volume.flush(inode), inode, view, fileInfoOffset);',
        replace: 'return this.#volume.flush(inode);',
      },
    ],
  },
];
