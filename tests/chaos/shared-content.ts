/** Names and contents of the files that all workers share. */
import { BLOCK_BYTES } from './content.js';
import { PIECE_COUNT, pieceAt } from './noise.js';
import { hashOf } from './random.js';

export const SHARED_DIRECTORY = 'shared';

export const sharedFileName = (file: number) => `file-${file}`;

/** What a block holds in a generation; `block` counts through all shared files. */
export function sharedBlock(seed: number, block: number, generation: number): Buffer {
  return pieceAt(hashOf(seed, 0x5a, block, generation) % PIECE_COUNT, BLOCK_BYTES);
}

export const documentName = (document: number) => `document-${document}`;

/** A whole document in one of its versions, each of another length. */
export function documentContent(seed: number, document: number, version: number): Buffer {
  const hash = hashOf(seed, 0xd0c, document, version);
  return pieceAt(hash % PIECE_COUNT, 1 + (hashOf(hash) % 40_000));
}
