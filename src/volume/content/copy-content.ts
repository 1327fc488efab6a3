/**
 * Content from one file into another, run of pages by run of pages: each run is a write from the source's own pages,
 * and each hole of the source becomes one in the target.
 */
import type { PagedFile } from './paged-file.js';

/** Bytes copied: fewer at the end of the source, or where room ends; what the first run is refused with, if it is. */
export function copyContent(
  source: PagedFile,
  from: number,
  target: PagedFile,
  to: number,
  length: number,
): number {
  const { memory, pageSizeBytes } = source.pool;
  const count = Math.min(length, Math.max(0, source.lengthBytes - from));
  for (let done = 0; done < count; ) {
    const at = from + done;
    const index = Math.floor(at / pageSizeBytes);
    const inPage = at - index * pageSizeBytes;
    const run = source.table.runLength(index, Math.ceil((inPage + count - done) / pageSizeBytes));
    const bytes = Math.min(run * pageSizeBytes - inPage, count - done);
    const page = source.table.pageAt(index);
    const status =
      page < 0
        ? copyHole(target, to + done, bytes)
        : target.write(to + done, bytes, memory.baseAddress + page * pageSizeBytes + inPage);
    if (status < 0) return done === 0 ? status : done;
    done += bytes;
  }
  return count;
}

function copyHole(target: PagedFile, offset: number, bytes: number): number {
  const status = offset + bytes > target.lengthBytes ? target.setLength(offset + bytes) : 0;
  return status < 0 ? status : target.zero(offset, bytes);
}
