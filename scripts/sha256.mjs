/** Checksums of files, as they are recorded for what is downloaded and published for what is released. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

export const sha256Of = (path) => createHash('sha256').update(readFileSync(path)).digest('hex');
