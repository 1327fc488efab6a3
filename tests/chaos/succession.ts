/**
 * What the successor of a killed worker does first: finds out what became of the call that was under way, and then
 * holds the drive to everything that was acknowledged.
 *
 * The call was done, or not done, or (a write of several requests) done up to some 4 KiB block; a mapped write may end
 * anywhere.
 */
import fs from 'node:fs';
import { join } from 'node:path';
import { BLOCK_BYTES } from './content.js';
import type { Recovered } from './journal.js';
import { Mismatch } from './mismatch.js';
import type { Model, ModelFile, Mutation } from './model.js';

export function resolvePending({ model, pending }: Recovered, root: string): void {
  if (pending === null || model.expectedError(pending) !== null) {
    return;
  }
  const exists = (path: string) => fs.existsSync(join(root, path));
  switch (pending.m) {
    case 'create':
    case 'mkdir':
      if (exists(pending.path)) {
        model.apply(pending);
      }
      break;
    case 'unlink':
    case 'rmdir':
    case 'rename':
      if (!exists(pending.path)) {
        model.apply(pending);
      }
      break;
    case 'mode': {
      const { mode } = fs.statSync(join(root, model.file(pending.id).path!));
      model.file(pending.id).mode = mode & 0o7777;
      break;
    }
    case 'allocate':
      break;
    default:
      resolveContent(model, model.file(pending.id), pending, root);
  }
}

function resolveContent(
  model: Model,
  file: ModelFile,
  pending: Mutation & { id: number },
  root: string,
): void {
  const old = file.content.clone();
  model.apply(pending);
  const changed = file.content.clone();
  const bytes = fs.readFileSync(join(root, file.path!));
  const size = bytes.length;
  const [least, most] = [old.lengthBytes, changed.lengthBytes].sort((a, b) => a - b) as [number, number];
  if (size < least || size > most) {
    throw new Mismatch(
      `after its writer was killed, a file is ${size} bytes long, neither ${least} nor ${most}`,
      {
        path: file.path!,
        fileId: file.id,
      },
    );
  }
  // What lies beyond the old end is zero as long as it is not written.
  old.setLength(size);
  const settled = old.clone();
  // A copy is done in pieces of its source's pages, which end anywhere in a block of the target.
  const mayTear = pending.m === 'copy' || (pending.m === 'write' && pending.torn === true);
  for (let at = 0; at < size; at += BLOCK_BYTES) {
    const length = Math.min(BLOCK_BYTES, size - at);
    const block = bytes.subarray(at, at + length);
    if (old.differenceAt(at, block) < 0) {
      continue;
    }
    if (changed.expected(at, length).equals(block)) {
      settled.copyFrom(changed, at, at, length);
    } else if (mayTear && isMix(block, old.expected(at, length), changed.expected(at, length))) {
      const newBytes = changed.expected(at, length);
      for (let i = 0; i < length; i++) {
        if (block[i] === newBytes[i]) {
          settled.copyFrom(changed, at + i, at + i, 1);
        }
      }
    } else {
      throw new Mismatch('after its writer was killed, a block is neither old nor new', {
        path: file.path!,
        fileId: file.id,
        offset: at,
        expected: `${old.expected(at, Math.min(32, length)).toString('hex')} or ${changed
          .expected(at, Math.min(32, length))
          .toString('hex')}`,
        actual: block.subarray(0, 32).toString('hex'),
      });
    }
  }
  settled.generation = changed.generation + 1;
  file.content = settled;
}

function isMix(block: Buffer, old: Buffer, changed: Buffer): boolean {
  return block.every((byte, i) => byte === old[i] || byte === changed[i]);
}
