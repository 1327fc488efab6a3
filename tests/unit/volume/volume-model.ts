/**
 * A model of a whole volume in the plainest terms: a list of inodes with names, byte arrays and sums. VolumeRig drives
 * the real RamVolume beside it; after each step results, content, sizes, listings, free space and the self-check must
 * agree.
 */
import { expect } from 'vitest';
import { NtStatus } from '../../../src/ntstatus.js';
import type { Inode } from '../../../src/volume/inode.js';
import { RamVolume } from '../../../src/volume/ram-volume.js';
import { PlainPageMemory } from '../../support/plain-page-memory.js';

const PAGE = 16;

export interface ModelInode {
  real: Inode;
  name: string;
  parent: ModelInode | null;
  directory: boolean;
  bytes: number[];
  reservedPages: number;
  opens: number;
  attributes: number;
  link: boolean;
  gone: boolean;
}

interface Enumeration {
  directory: ModelInode;
  marker: string | null;
  seen: string[];
  /** Children that have been there under the same name from the start. */
  throughout: Set<ModelInode>;
}

const pagesOf = (bytes: number) => Math.ceil(bytes / PAGE);
const LINK_TAG = 0xa000000c;

export function linkData(target: string, tag = LINK_TAG): Uint8Array {
  const data = Buffer.alloc(8 + target.length);
  data.writeUInt32LE(tag, 0);
  data.writeUInt16LE(target.length, 4);
  data.write(target, 8, 'latin1');
  return data;
}

export class VolumeRig {
  readonly memory: PlainPageMemory;
  readonly volume: RamVolume;
  readonly root: ModelInode;
  readonly inodes: ModelInode[];
  readonly handles: ModelInode[] = [];
  refuseCommits = false;
  enumeration: Enumeration | null = null;
  readonly counts: Record<string, number> = {};

  constructor(
    readonly caseSensitive: boolean,
    readonly pageCount: number,
  ) {
    this.memory = new PlainPageMemory({
      pageSizeBytes: PAGE,
      pageCount,
      scratchBytes: 4096,
      failCommitWhen: () => this.refuseCommits,
    });
    this.volume = new RamVolume({ memory: this.memory, caseSensitive, label: 'model' });
    this.root = this.#newInode(this.volume.root, '', null, true, 0x10);
    this.root.parent = this.root;
    this.inodes = [this.root];
  }

  /** Not the code's table: only for the names that the tests use. */
  fold(name: string): string {
    return this.caseSensitive ? name : name.replace(/[a-zéþ]/g, (letter) => letter.toUpperCase());
  }

  count(what: string): void {
    this.counts[what] = (this.counts[what] ?? 0) + 1;
  }

  children(directory: ModelInode): ModelInode[] {
    return this.inodes.filter((inode) => inode.parent === directory && inode !== this.root);
  }

  child(directory: ModelInode, name: string): ModelInode | undefined {
    return this.children(directory).find((inode) => this.fold(inode.name) === this.fold(name));
  }

  pathOf(inode: ModelInode): string {
    if (inode === this.root) return '\\';
    const above = this.pathOf(inode.parent!);
    return above === '\\' ? `\\${inode.name}` : `${above}\\${inode.name}`;
  }

  /** Directory and last name of a path, or the status that says what is wrong with it. */
  locate(path: string): { directory: ModelInode; name: string } | number {
    const names = path.split('\\').slice(1);
    let directory = this.root;
    for (const name of names.slice(0, -1)) {
      const next = this.child(directory, name);
      if (next === undefined || !next.directory || next.link) return NtStatus.OBJECT_PATH_NOT_FOUND;
      directory = next;
    }
    return { directory, name: names.at(-1)! };
  }

  reserved(): number {
    return this.inodes.reduce((sum, inode) => sum + inode.reservedPages, 0);
  }

  /** Whether the real volume answered success; it must exactly when there is room, unless the system refuses memory. */
  hadRoom(status: number, pages: number): boolean {
    const fits = pages <= this.pageCount - this.reserved();
    if (this.refuseCommits && pages > 0 && fits && status === NtStatus.DISK_FULL) {
      this.count('refused commit');
      return false;
    }
    expect(status >= 0, `asked for ${pages} pages`).toBe(fits);
    if (!fits) {
      expect(status).toBe(NtStatus.DISK_FULL);
      this.count('full');
    }
    return fits;
  }

  create(path: string, directory: boolean, allocationSize: number): void {
    const real = this.volume.create(path, directory ? 0x10 : 0x20, directory, null, allocationSize);
    const place = this.locate(path);
    if (typeof place === 'number') {
      expect(real).toBe(place);
      return;
    }
    if (this.child(place.directory, place.name) !== undefined) {
      expect(real).toBe(NtStatus.OBJECT_NAME_COLLISION);
      this.count('collision');
      return;
    }
    const pages = directory ? 0 : pagesOf(allocationSize);
    if (!this.hadRoom(typeof real === 'number' ? real : 0, pages)) return;
    const inode = this.#newInode(
      real as Inode,
      place.name,
      place.directory,
      directory,
      directory ? 0x10 : 0x20,
    );
    inode.reservedPages = pages;
    inode.opens = 1;
    this.inodes.push(inode);
    this.handles.push(inode);
    this.count('create');
  }

  open(path: string): void {
    const real = this.volume.open(path);
    const expected = this.lookup(path);
    if (typeof expected === 'number') {
      expect(real).toBe(expected);
      return;
    }
    expect(real).toBe(expected.real);
    expected.opens++;
    this.handles.push(expected);
    expect(this.volume.inodeOf(this.volume.contextOf(expected.real))).toBe(expected.real);
  }

  lookup(path: string): ModelInode | number {
    const place = this.locate(path);
    const expected =
      typeof place === 'number'
        ? place
        : (this.child(place.directory, place.name) ?? NtStatus.OBJECT_NAME_NOT_FOUND);
    expect(this.volume.lookup(path)).toBe(typeof expected === 'number' ? expected : expected.real);
    return expected;
  }

  cleanup(inode: ModelInode, remove: boolean, trim: boolean): void {
    this.volume.cleanup(inode.real, (remove ? 0x01 : 0) | (trim ? 0x02 : 0));
    if (trim && !inode.directory) inode.reservedPages = pagesOf(inode.bytes.length);
    if (remove && inode.parent !== null && inode !== this.root && this.children(inode).length === 0) {
      this.#unlink(inode);
      this.count('delete');
    }
  }

  close(index: number): void {
    const [inode] = this.handles.splice(index, 1) as [ModelInode];
    const context = this.volume.contextOf(inode.real);
    this.volume.close(inode.real);
    inode.opens--;
    if (inode.opens === 0) expect(this.volume.inodeOf(context)).toBeUndefined();
    this.#forgetIfGone(inode);
  }

  rename(inode: ModelInode, path: string, replace: boolean, posix = false): void {
    const status = this.volume.rename(inode.real, path, replace, posix);
    if (inode.parent === null) {
      expect(status).toBe(NtStatus.FILE_DELETED);
      return;
    }
    if (inode === this.root) {
      expect(status).toBe(NtStatus.ACCESS_DENIED);
      return;
    }
    const place = this.locate(path);
    if (typeof place === 'number') {
      expect(status).toBe(place);
      return;
    }
    if (this.#isWithin(place.directory, inode)) {
      expect(status).toBe(NtStatus.INVALID_PARAMETER);
      this.count('rename into itself');
      return;
    }
    const there = this.child(place.directory, place.name);
    if (there !== undefined && there !== inode) {
      const due = this.#replacing(inode, there, replace, posix);
      if (due !== NtStatus.SUCCESS) {
        expect(status).toBe(due);
        return;
      }
      this.#unlink(there);
      this.count(there.directory ? 'replace a directory' : 'replace');
    }
    expect(status).toBe(NtStatus.SUCCESS);
    const moved = place.directory !== inode.parent || this.fold(place.name) !== this.fold(inode.name);
    if (moved) this.enumeration?.throughout.delete(inode);
    else if (place.name !== inode.name) this.count('case-only rename');
    inode.parent = place.directory;
    inode.name = place.name;
    this.count('rename');
  }

  #replacing(inode: ModelInode, there: ModelInode, replace: boolean, posix: boolean): number {
    if (!replace) return NtStatus.OBJECT_NAME_COLLISION;
    if (!posix) return there.directory ? NtStatus.ACCESS_DENIED : NtStatus.SUCCESS;
    const leadsOn = there.directory && !there.link;
    if ((inode.directory && !inode.link) !== leadsOn)
      return leadsOn ? NtStatus.FILE_IS_A_DIRECTORY : NtStatus.NOT_A_DIRECTORY;
    return this.children(there).length > 0 ? NtStatus.DIRECTORY_NOT_EMPTY : NtStatus.SUCCESS;
  }

  /** One of the directories that have a name, by the rules of rename(2), over another. */
  replaceDirectory(one: number, other: number): void {
    const directories = this.inodes.filter((inode) => inode.directory && inode.parent !== null);
    const [from, to] = [one, other].map((n) => directories[n % directories.length]) as [
      ModelInode,
      ModelInode,
    ];
    if (to !== this.root) this.rename(from, this.pathOf(to), true, true);
  }

  #isWithin(inode: ModelInode, ancestor: ModelInode): boolean {
    let at = inode;
    while (at !== ancestor && at !== this.root) at = at.parent!;
    return at === ancestor;
  }

  exchange(inode: ModelInode, path: string): void {
    const status = this.volume.exchange(inode.real, path);
    const place = this.locate(path);
    const other = typeof place === 'number' ? undefined : this.child(place.directory, place.name);
    if (inode.parent === null) expect(status).toBe(NtStatus.FILE_DELETED);
    else if (path === '\\') expect(status).toBe(NtStatus.ACCESS_DENIED);
    else if (other === undefined)
      expect(status).toBe(
        typeof place === 'number' && place !== NtStatus.OBJECT_NAME_INVALID
          ? place
          : NtStatus.OBJECT_NAME_NOT_FOUND,
      );
    else if (inode === this.root) expect(status).toBe(NtStatus.ACCESS_DENIED);
    else if (inode === other) expect(status).toBe(NtStatus.SUCCESS);
    else if (this.#isWithin(inode.parent, other) || this.#isWithin(other.parent!, inode)) {
      expect(status).toBe(NtStatus.INVALID_PARAMETER);
      this.count('exchange with one within');
    } else {
      expect(status).toBe(NtStatus.SUCCESS);
      for (const moved of [inode, other]) this.enumeration?.throughout.delete(moved);
      [inode.parent, inode.name, other.parent, other.name] = [
        other.parent,
        other.name,
        inode.parent,
        inode.name,
      ];
      this.count('exchange');
    }
  }

  /** To the same name in small letters or capitals. */
  recase(inode: ModelInode, upper: boolean): void {
    if (inode.parent === null || inode === this.root) return;
    const name = upper ? inode.name.toUpperCase() : inode.name.toLowerCase();
    const above = this.pathOf(inode.parent);
    this.rename(inode, above === '\\' ? `\\${name}` : `${above}\\${name}`, false);
  }

  write(
    inode: ModelInode,
    at: number,
    length: number,
    toEnd: boolean,
    constrained: boolean,
    value: number,
  ): void {
    const address = this.memory.put(new Uint8Array(length).fill(value));
    const written = this.volume.write(inode.real, at, length, address, toEnd, constrained);
    if (inode.directory) {
      expect(written).toBe(NtStatus.INVALID_DEVICE_REQUEST);
      return;
    }
    const start = toEnd ? inode.bytes.length : at;
    const count = constrained ? Math.max(0, Math.min(length, inode.bytes.length - start)) : length;
    const more = Math.max(0, pagesOf(count === 0 ? 0 : start + count) - inode.reservedPages);
    if (!this.hadRoom(written, more)) return;
    expect(written).toBe(count);
    if (count === 0) return;
    while (inode.bytes.length < start + count) inode.bytes.push(0);
    inode.bytes.fill(value, start, start + count);
    inode.reservedPages = Math.max(inode.reservedPages, pagesOf(inode.bytes.length));
  }

  read(inode: ModelInode, at: number, length: number): void {
    const address = this.memory.put(new Uint8Array(length + 1).fill(0xee));
    const count = this.volume.read(inode.real, at, length, address);
    if (inode.directory) expect(count).toBe(NtStatus.INVALID_DEVICE_REQUEST);
    else if (at >= inode.bytes.length) expect(count).toBe(NtStatus.END_OF_FILE);
    else {
      const expected = inode.bytes.slice(at, at + length);
      expect(count).toBe(expected.length);
      expect([...this.memory.get(address, count + 1)]).toEqual([...expected, 0xee]);
    }
  }

  setFileSize(inode: ModelInode, bytes: number): void {
    const status = this.volume.setFileSize(inode.real, bytes);
    if (inode.directory) expect(status).toBe(NtStatus.INVALID_PARAMETER);
    else this.#resize(inode, status, bytes);
  }

  setAllocationSize(inode: ModelInode, bytes: number): void {
    const status = this.volume.setAllocationSize(inode.real, bytes);
    if (inode.directory) expect(status).toBe(NtStatus.INVALID_PARAMETER);
    else if (bytes < inode.bytes.length) this.#resize(inode, status, bytes);
    else if (this.hadRoom(status, Math.max(0, pagesOf(bytes) - inode.reservedPages))) {
      inode.reservedPages = pagesOf(bytes);
    }
  }

  overwrite(inode: ModelInode, attributes: number, replace: boolean, allocationSize: number): void {
    const status = this.volume.overwrite(inode.real, attributes, replace, allocationSize);
    if (inode.directory) expect(status).toBe(NtStatus.OBJECT_NAME_COLLISION);
    else if (this.hadRoom(status, Math.max(0, pagesOf(allocationSize) - inode.reservedPages))) {
      inode.bytes = [];
      inode.reservedPages = pagesOf(allocationSize);
      const kept = replace ? inode.attributes & 0x400 : inode.attributes;
      inode.attributes = kept | attributes;
      this.count('overwrite');
    }
  }

  link(inode: ModelInode): void {
    const status = this.volume.setReparsePoint(inode.real, linkData('target'));
    if (inode === this.root) expect(status).toBe(NtStatus.ACCESS_DENIED);
    else if (this.children(inode).length > 0) expect(status).toBe(NtStatus.DIRECTORY_NOT_EMPTY);
    else {
      expect(status).toBe(NtStatus.SUCCESS);
      inode.link = true;
      inode.attributes |= 0x400;
    }
  }

  unlinkLink(inode: ModelInode): void {
    const status = this.volume.deleteReparsePoint(inode.real, linkData('').slice(0, 8));
    expect(status).toBe(inode.link ? NtStatus.SUCCESS : NtStatus.NOT_A_REPARSE_POINT);
    inode.link = false;
    inode.attributes &= ~0x400;
  }

  startListing(directory: ModelInode): void {
    this.enumeration = {
      directory,
      marker: null,
      seen: [],
      throughout: new Set(this.children(directory)),
    };
  }

  /** Up to `room` more entries; at the end, everything that was there all the time must have been seen once. */
  listOn(room: number): void {
    const { enumeration } = this;
    if (enumeration === null) return;
    let left = room;
    let complete = true;
    const { directory, marker, seen, throughout } = enumeration;
    const status = this.volume.list(directory.real, marker, (name) => {
      if (left-- === 0) {
        complete = false;
        return false;
      }
      seen.push(name);
      enumeration.marker = name;
      return true;
    });
    if (!directory.directory) {
      expect(status).toBe(NtStatus.NOT_A_DIRECTORY);
      this.enumeration = null;
      return;
    }
    expect(status).toBe(NtStatus.SUCCESS);
    if (!complete) return;
    const names = seen.filter((name) => name !== '.' && name !== '..').map((name) => this.fold(name));
    expect(seen.length - names.length).toBe(directory === this.root ? 0 : 2);
    expect(names).toEqual([...new Set(names)].sort((a, b) => (a < b ? -1 : 1)));
    for (const inode of throughout) expect(names).toContain(this.fold(inode.name));
    if (names.length > 0) this.count('listing');
    this.enumeration = null;
  }

  /** The whole volume against the whole model. */
  verify(): void {
    expect(this.volume.selfCheck()).toEqual([]);
    expect(this.volume.selfCheckPiece(0) ?? []).toEqual([]);
    expect(this.volume.inodeCount).toBe(this.inodes.length);
    expect(this.volume.openCount).toBe(this.handles.length);
    expect(this.volume.freeBytes).toBe((this.pageCount - this.reserved()) * PAGE);
    for (const inode of this.inodes) {
      expect(inode.real.fileSize).toBe(inode.bytes.length);
      expect(inode.real.allocationSize).toBe(inode.reservedPages * PAGE);
      expect(inode.real.attributes).toBe(inode.attributes);
      expect(inode.real.reparseTag).toBe(inode.link ? LINK_TAG : 0);
      expect(inode.real.deleted).toBe(inode.parent === null);
      if (inode.parent !== null) {
        const path = this.pathOf(inode);
        expect(this.volume.pathOf(inode.real)).toBe(path);
        expect(this.volume.lookup(path)).toBe(inode.real);
      }
      if (inode.directory) {
        const listed: Inode[] = [];
        this.volume.list(inode.real, inode === this.root ? null : '..', (_, real) => listed.push(real) > 0);
        const expected = this.children(inode).sort((a, b) =>
          this.fold(a.name) < this.fold(b.name) ? -1 : 1,
        );
        expect(listed).toEqual(expected.map(({ real }) => real));
      } else this.read(inode, 0, inode.bytes.length);
    }
  }

  /** Closes and deletes everything: not a page and not an inode may be left. */
  finish(): void {
    while (this.handles.length > 0) this.close(this.handles.length - 1);
    while (this.inodes.length > 1) {
      const inode = this.inodes.find((one) => one !== this.root && this.children(one).length === 0)!;
      this.open(this.pathOf(inode));
      this.cleanup(inode, true, false);
      this.close(this.handles.length - 1);
    }
    this.verify();
    expect(this.volume.freeBytes).toBe(this.volume.totalBytes);
    expect(this.volume.pool.allocatedPages).toBe(0);
    this.volume.dispose();
  }

  #resize(inode: ModelInode, status: number, bytes: number): void {
    if (bytes < inode.bytes.length) {
      expect(status).toBe(NtStatus.SUCCESS);
      inode.bytes.length = bytes;
      inode.reservedPages = pagesOf(bytes);
    } else if (this.hadRoom(status, Math.max(0, pagesOf(bytes) - inode.reservedPages))) {
      while (inode.bytes.length < bytes) inode.bytes.push(0);
      inode.reservedPages = Math.max(inode.reservedPages, pagesOf(bytes));
    }
  }

  #unlink(inode: ModelInode): void {
    inode.parent = null;
    this.enumeration?.throughout.delete(inode);
    if (inode.opens > 0) this.count('unlinked while open');
    this.#forgetIfGone(inode);
  }

  #forgetIfGone(inode: ModelInode): void {
    if (inode.parent !== null || inode.opens > 0) return;
    inode.gone = true;
    this.inodes.splice(this.inodes.indexOf(inode), 1);
    if (this.enumeration?.directory === inode) this.enumeration = null;
    if (!inode.directory) expect(inode.real.file!.isDisposed).toBe(true);
  }

  #newInode(
    real: Inode,
    name: string,
    parent: ModelInode | null,
    directory: boolean,
    attributes: number,
  ): ModelInode {
    return {
      real,
      name,
      parent,
      directory,
      bytes: [],
      reservedPages: 0,
      opens: 0,
      attributes,
      link: false,
      gone: false,
    };
  }
}
