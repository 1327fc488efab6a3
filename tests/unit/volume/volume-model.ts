/**
 * A model of a whole volume in the plainest terms: a list of nodes with names, byte arrays and sums. VolumeRig drives the real RamVolume
 * beside it; after each step results, content, sizes, listings, free space and the self-check must agree.
 */
import { expect } from 'vitest';
import { NtStatus } from '../../../src/ntstatus.js';
import type { Node } from '../../../src/volume/inode.js';
import { PlainPageMemory } from '../../support/plain-page-memory.js';
import { RamVolume } from '../../../src/volume/ram-volume.js';

export const PAGE = 16;

export interface ModelNode {
  real: Node;
  name: string;
  parent: ModelNode | null;
  directory: boolean;
  bytes: number[];
  chargedPages: number;
  opens: number;
  attributes: number;
  link: boolean;
  gone: boolean;
}

interface Enumeration {
  directory: ModelNode;
  marker: string | null;
  seen: string[];
  /** Children that have been there under the same name from the start. */
  throughout: Set<ModelNode>;
}

const pagesOf = (bytes: number) => Math.ceil(bytes / PAGE);
export const LINK_TAG = 0xa000000c;

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
  readonly root: ModelNode;
  readonly nodes: ModelNode[];
  readonly handles: ModelNode[] = [];
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
    this.root = this.#newNode(this.volume.root, '', null, true, 0x10);
    this.root.parent = this.root;
    this.nodes = [this.root];
  }

  /** Not the code's table: only for the names that the tests use. */
  fold(name: string): string {
    return this.caseSensitive ? name : name.replace(/[a-zéþ]/g, (letter) => letter.toUpperCase());
  }

  count(what: string): void {
    this.counts[what] = (this.counts[what] ?? 0) + 1;
  }

  children(directory: ModelNode): ModelNode[] {
    return this.nodes.filter((node) => node.parent === directory && node !== this.root);
  }

  child(directory: ModelNode, name: string): ModelNode | undefined {
    return this.children(directory).find((node) => this.fold(node.name) === this.fold(name));
  }

  pathOf(node: ModelNode): string {
    if (node === this.root) return '\\';
    const above = this.pathOf(node.parent!);
    return above === '\\' ? `\\${node.name}` : `${above}\\${node.name}`;
  }

  /** Directory and last name of a path, or the status that says what is wrong with it. */
  locate(path: string): { directory: ModelNode; name: string } | number {
    const names = path.split('\\').slice(1);
    let directory = this.root;
    for (const name of names.slice(0, -1)) {
      const next = this.child(directory, name);
      if (next === undefined || !next.directory || next.link) return NtStatus.OBJECT_PATH_NOT_FOUND;
      directory = next;
    }
    return { directory, name: names.at(-1)! };
  }

  charged(): number {
    return this.nodes.reduce((sum, node) => sum + node.chargedPages, 0);
  }

  /** Whether the real volume answered success; it must exactly when there is room, unless the system refuses memory. */
  hadRoom(status: number, pages: number): boolean {
    const fits = pages <= this.pageCount - this.charged();
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
    const node = this.#newNode(real as Node, place.name, place.directory, directory, directory ? 0x10 : 0x20);
    node.chargedPages = pages;
    node.opens = 1;
    this.nodes.push(node);
    this.handles.push(node);
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
    expect(this.volume.nodeOf(expected.real.context)).toBe(expected.real);
  }

  lookup(path: string): ModelNode | number {
    const place = this.locate(path);
    const expected =
      typeof place === 'number'
        ? place
        : (this.child(place.directory, place.name) ?? NtStatus.OBJECT_NAME_NOT_FOUND);
    expect(this.volume.lookup(path)).toBe(typeof expected === 'number' ? expected : expected.real);
    return expected;
  }

  cleanup(node: ModelNode, remove: boolean, trim: boolean): void {
    this.volume.cleanup(node.real, (remove ? 0x01 : 0) | (trim ? 0x02 : 0));
    if (trim && !node.directory) node.chargedPages = pagesOf(node.bytes.length);
    if (remove && node.parent !== null && node !== this.root && this.children(node).length === 0) {
      this.#unlink(node);
      this.count('delete');
    }
  }

  close(index: number): void {
    const [node] = this.handles.splice(index, 1) as [ModelNode];
    const { context } = node.real;
    this.volume.close(node.real);
    node.opens--;
    if (node.opens === 0) expect(this.volume.nodeOf(context)).toBeUndefined();
    this.#forgetIfGone(node);
  }

  rename(node: ModelNode, path: string, replace: boolean): void {
    const status = this.volume.rename(node.real, path, replace);
    if (node.parent === null) {
      expect(status).toBe(NtStatus.FILE_DELETED);
      return;
    }
    if (node === this.root) {
      expect(status).toBe(NtStatus.ACCESS_DENIED);
      return;
    }
    const place = this.locate(path);
    if (typeof place === 'number') {
      expect(status).toBe(place);
      return;
    }
    for (let at = place.directory; ; at = at.parent!) {
      if (at === node) {
        expect(status).toBe(NtStatus.INVALID_PARAMETER);
        this.count('rename into itself');
        return;
      }
      if (at === this.root) break;
    }
    const there = this.child(place.directory, place.name);
    if (there !== undefined && there !== node) {
      if (!replace || there.directory) {
        expect(status).toBe(replace ? NtStatus.ACCESS_DENIED : NtStatus.OBJECT_NAME_COLLISION);
        return;
      }
      this.#unlink(there);
      this.count('replace');
    }
    expect(status).toBe(NtStatus.SUCCESS);
    const moved = place.directory !== node.parent || this.fold(place.name) !== this.fold(node.name);
    if (moved) this.enumeration?.throughout.delete(node);
    else if (place.name !== node.name) this.count('case-only rename');
    node.parent = place.directory;
    node.name = place.name;
    this.count('rename');
  }

  /** To the same name in small letters or capitals. */
  recase(node: ModelNode, upper: boolean): void {
    if (node.parent === null || node === this.root) return;
    const name = upper ? node.name.toUpperCase() : node.name.toLowerCase();
    const above = this.pathOf(node.parent);
    this.rename(node, above === '\\' ? `\\${name}` : `${above}\\${name}`, false);
  }

  write(
    node: ModelNode,
    at: number,
    length: number,
    toEnd: boolean,
    constrained: boolean,
    value: number,
  ): void {
    const address = this.memory.put(new Uint8Array(length).fill(value));
    const written = this.volume.write(node.real, at, length, address, toEnd, constrained);
    if (node.directory) {
      expect(written).toBe(NtStatus.INVALID_DEVICE_REQUEST);
      return;
    }
    const start = toEnd ? node.bytes.length : at;
    const count = constrained ? Math.max(0, Math.min(length, node.bytes.length - start)) : length;
    const more = Math.max(0, pagesOf(count === 0 ? 0 : start + count) - node.chargedPages);
    if (!this.hadRoom(written, more)) return;
    expect(written).toBe(count);
    if (count === 0) return;
    while (node.bytes.length < start + count) node.bytes.push(0);
    node.bytes.fill(value, start, start + count);
    node.chargedPages = Math.max(node.chargedPages, pagesOf(node.bytes.length));
  }

  read(node: ModelNode, at: number, length: number): void {
    const address = this.memory.put(new Uint8Array(length + 1).fill(0xee));
    const count = this.volume.read(node.real, at, length, address);
    if (node.directory) expect(count).toBe(NtStatus.INVALID_DEVICE_REQUEST);
    else if (at >= node.bytes.length) expect(count).toBe(NtStatus.END_OF_FILE);
    else {
      const expected = node.bytes.slice(at, at + length);
      expect(count).toBe(expected.length);
      expect([...this.memory.get(address, count + 1)]).toEqual([...expected, 0xee]);
    }
  }

  setFileSize(node: ModelNode, bytes: number): void {
    const status = this.volume.setFileSize(node.real, bytes);
    if (node.directory) expect(status).toBe(NtStatus.INVALID_DEVICE_REQUEST);
    else this.#resize(node, status, bytes);
  }

  setAllocationSize(node: ModelNode, bytes: number): void {
    const status = this.volume.setAllocationSize(node.real, bytes);
    if (node.directory) expect(status).toBe(NtStatus.INVALID_DEVICE_REQUEST);
    else if (bytes < node.bytes.length) this.#resize(node, status, bytes);
    else if (this.hadRoom(status, Math.max(0, pagesOf(bytes) - node.chargedPages))) {
      node.chargedPages = pagesOf(bytes);
    }
  }

  overwrite(node: ModelNode, attributes: number, replace: boolean, allocationSize: number): void {
    const status = this.volume.overwrite(node.real, attributes, replace, allocationSize);
    if (node.directory) expect(status).toBe(NtStatus.INVALID_DEVICE_REQUEST);
    else if (this.hadRoom(status, Math.max(0, pagesOf(allocationSize) - node.chargedPages))) {
      node.bytes = [];
      node.chargedPages = pagesOf(allocationSize);
      const kept = replace ? node.attributes & 0x400 : node.attributes;
      node.attributes = kept | attributes;
      this.count('overwrite');
    }
  }

  link(node: ModelNode): void {
    const status = this.volume.setReparsePoint(node.real, linkData('target'));
    if (node === this.root) expect(status).toBe(NtStatus.ACCESS_DENIED);
    else if (this.children(node).length > 0) expect(status).toBe(NtStatus.DIRECTORY_NOT_EMPTY);
    else {
      expect(status).toBe(NtStatus.SUCCESS);
      node.link = true;
      node.attributes |= 0x400;
    }
  }

  unlinkLink(node: ModelNode): void {
    const status = this.volume.deleteReparsePoint(node.real, linkData('').slice(0, 8));
    expect(status).toBe(node.link ? NtStatus.SUCCESS : NtStatus.NOT_A_REPARSE_POINT);
    node.link = false;
    node.attributes &= ~0x400;
  }

  startListing(directory: ModelNode): void {
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
    for (const node of throughout) expect(names).toContain(this.fold(node.name));
    if (names.length > 0) this.count('listing');
    this.enumeration = null;
  }

  /** The whole volume against the whole model. */
  verify(): void {
    expect(this.volume.selfCheck()).toEqual([]);
    expect(this.volume.nodeCount).toBe(this.nodes.length);
    expect(this.volume.openCount).toBe(this.handles.length);
    expect(this.volume.freeBytes).toBe((this.pageCount - this.charged()) * PAGE);
    for (const node of this.nodes) {
      expect(node.real.fileSize).toBe(node.bytes.length);
      expect(node.real.allocationSize).toBe(node.chargedPages * PAGE);
      expect(node.real.attributes).toBe(node.attributes);
      expect(node.real.reparseTag).toBe(node.link ? LINK_TAG : 0);
      expect(node.real.deleted).toBe(node.parent === null);
      if (node.parent !== null) {
        const path = this.pathOf(node);
        expect(this.volume.pathOf(node.real)).toBe(path);
        expect(this.volume.lookup(path)).toBe(node.real);
      }
      if (node.directory) {
        const listed: Node[] = [];
        this.volume.list(node.real, node === this.root ? null : '..', (_, real) => listed.push(real) > 0);
        const expected = this.children(node).sort((a, b) => (this.fold(a.name) < this.fold(b.name) ? -1 : 1));
        expect(listed).toEqual(expected.map(({ real }) => real));
      } else this.read(node, 0, node.bytes.length);
    }
  }

  /** Closes and deletes everything: not a page and not a node may be left. */
  finish(): void {
    while (this.handles.length > 0) this.close(this.handles.length - 1);
    while (this.nodes.length > 1) {
      const node = this.nodes.find((one) => one !== this.root && this.children(one).length === 0)!;
      this.open(this.pathOf(node));
      this.cleanup(node, true, false);
      this.close(this.handles.length - 1);
    }
    this.verify();
    expect(this.volume.freeBytes).toBe(this.volume.totalBytes);
    expect(this.volume.pool.heldPages).toBe(0);
    this.volume.dispose();
  }

  #resize(node: ModelNode, status: number, bytes: number): void {
    if (bytes < node.bytes.length) {
      expect(status).toBe(NtStatus.SUCCESS);
      node.bytes.length = bytes;
      node.chargedPages = pagesOf(bytes);
    } else if (this.hadRoom(status, Math.max(0, pagesOf(bytes) - node.chargedPages))) {
      while (node.bytes.length < bytes) node.bytes.push(0);
      node.chargedPages = Math.max(node.chargedPages, pagesOf(bytes));
    }
  }

  #unlink(node: ModelNode): void {
    node.parent = null;
    this.enumeration?.throughout.delete(node);
    if (node.opens > 0) this.count('unlinked while open');
    this.#forgetIfGone(node);
  }

  #forgetIfGone(node: ModelNode): void {
    if (node.parent !== null || node.opens > 0) return;
    node.gone = true;
    this.nodes.splice(this.nodes.indexOf(node), 1);
    if (this.enumeration?.directory === node) this.enumeration = null;
    if (!node.directory) expect(node.real.file!.isDisposed).toBe(true);
  }

  #newNode(
    real: Node,
    name: string,
    parent: ModelNode | null,
    directory: boolean,
    attributes: number,
  ): ModelNode {
    return {
      real,
      name,
      parent,
      directory,
      bytes: [],
      chargedPages: 0,
      opens: 0,
      attributes,
      link: false,
      gone: false,
    };
  }
}
