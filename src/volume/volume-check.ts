/**
 * The volume's self-check: walks all names, all open nodes and the whole pool, and says in words what does not fit together. Reads only,
 * and uses no counter of the volume but to compare it with what it counted itself. Callable on a live volume between two requests.
 */
import { foldText } from './names/case-folding.js';
import type { ContextTable } from './context-table.js';
import { Attribute } from './file-attributes.js';
import { isName, type NameTree } from './names/name-tree.js';
import type { Node } from './inode.js';
import { heapBytesOf } from './inode-heap.js';
import type { PagePool } from './content/page-pool.js';
import type { PagedFile } from './content/paged-file.js';
import type { SecurityDescriptor, SecurityStore } from './security/security-store.js';

export interface VolumeView {
  tree: NameTree;
  contexts: ContextTable;
  securities: SecurityStore;
  pool: PagePool;
  nodeCount: number;
  openCount: number;
  lastIndexNumber: number;
  reparseBytes: number;
  heapBytes: number;
}

export function checkVolume(volume: VolumeView): string[] {
  const { tree, contexts } = volume;
  const violations: string[] = [];
  const seen = new Set<Node>();
  const indexNumbers = new Set<number>();
  const users = new Map<SecurityDescriptor, number>();
  const files: PagedFile[] = [];
  let opens = 0;
  let reparseBytes = 0;
  let heapBytes = 0;

  /** What holds for every node, with or without a name. */
  const meet = (node: Node): void => {
    const complain = (what: string) => violations.push(`Nodes: "${node.name}" (${node.indexNumber}) ${what}`);
    if (seen.has(node)) {
      complain('is there twice');
      return;
    }
    seen.add(node);
    if (!(node.indexNumber > 0 && node.indexNumber <= volume.lastIndexNumber))
      complain('has no index number');
    if (indexNumbers.has(node.indexNumber)) complain('shares its index number');
    indexNumbers.add(node.indexNumber);
    users.set(node.security, (users.get(node.security) ?? 0) + 1);
    opens += node.openCount;
    reparseBytes += node.reparse?.data.length ?? 0;
    heapBytes += heapBytesOf(node);
    if (node.file !== null) {
      files.push(node.file);
      if (node.file.isDisposed) complain('is alive, but its content is disposed');
      if (node.children !== null) complain('is a file with children');
    }
    if (node.isDirectory !== ((node.attributes & Attribute.DIRECTORY) !== 0)) {
      complain(`does not fit its attributes ${node.attributes}`);
    }
    if ((node.reparse !== null) !== ((node.attributes & Attribute.REPARSE_POINT) !== 0)) {
      complain(`does not fit its reparse point, with attributes ${node.attributes}`);
    }
    if (node.children !== null && (node.children.size === 0 || node.reparse !== null)) {
      complain(`has ${node.children.size} children, which it must not have`);
    }
    if (node.openCount > 0 !== (contexts.nodeOf(node.context) === node)) {
      complain(`is open ${node.openCount} times, with context ${node.context}`);
    }
  };

  const directories: Node[] = [tree.root];
  meet(tree.root);
  if (tree.root.parent !== tree.root) violations.push('Names: the root is not its own parent');
  for (let directory = directories.pop(); directory !== undefined; directory = directories.pop()) {
    let previous = '';
    // By position, not by look-up: a tree that is out of order would show a part of itself only.
    for (const [key, node] of directory.children?.entries() ?? []) {
      const complain = (what: string) =>
        violations.push(`Names: "${node.name}" (${node.indexNumber}) ${what}`);
      if (!(key > previous)) complain('is listed out of order');
      previous = key;
      if (node.parent !== directory) complain('is listed by a directory that is not its parent');
      if (node.key !== key || foldText(node.name, tree.folding) !== key)
        complain('is not listed by its name');
      if (!isName(node.name, 0)) complain('has a name that none may have');
      if (tree.index.find(directory, node.name, 0, node.name.length) !== node) {
        complain('is not found by its name');
      }
      meet(node);
      if (node.isDirectory) directories.push(node);
    }
  }
  const named = seen.size - 1;
  if (tree.index.count !== named) {
    violations.push(`Names: ${named} names are listed, the index counts ${tree.index.count}`);
  }
  let indexed = 0;
  tree.index.visit(() => {
    indexed++;
  });
  if (indexed !== named) violations.push(`Names: ${named} names are listed, ${indexed} are in the index`);

  contexts.visit((node) => {
    if (node.openCount <= 0) violations.push(`Handles: "${node.name}" has a context, but nobody has it open`);
    if (node.parent !== null) {
      if (!seen.has(node))
        violations.push(`Names: "${node.name}" is open and has a parent, but is not listed`);
      return;
    }
    if (node.children !== null) violations.push(`Names: "${node.name}" has no name any more, but children`);
    meet(node);
  });
  if (opens !== volume.openCount) {
    violations.push(`Handles: ${opens} opens are held, the volume counts ${volume.openCount}`);
  }
  if (seen.size !== volume.nodeCount) {
    violations.push(`Nodes: ${seen.size} are there, the volume counts ${volume.nodeCount}`);
  }
  if (reparseBytes !== volume.reparseBytes) {
    violations.push(
      `Nodes: ${reparseBytes} bytes of reparse points, the volume counts ${volume.reparseBytes}`,
    );
  }
  if (heapBytes !== volume.heapBytes) {
    violations.push(`Nodes: they take ${heapBytes} bytes of heap, the volume counts ${volume.heapBytes}`);
  }
  violations.push(...volume.securities.check(users), ...volume.pool.check(files));
  return violations;
}
