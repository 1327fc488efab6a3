/** The streams' part of the self-check. Reads only. */
import type { Inode } from '../inode.js';
import { foldText } from '../names/case-folding.js';
import { isStreamName, Stream } from '../streams/stream.js';

/** In words what does not fit together in an inode's streams; `visit` is told of each. */
export function checkStreams(main: Inode, folding: Uint16Array, visit: (stream: Inode) => void): string[] {
  const violations: string[] = [];
  const { streams } = main;
  if (streams === null) return violations;
  const complain = (stream: Inode, what: string) =>
    violations.push(`Streams: "${main.name}:${stream.name}" (${stream.indexNumber}) ${what}`);
  if (streams.size === 0) violations.push(`Streams: "${main.name}" has a table of streams without any`);
  if (main.main !== main) complain(main, 'is a stream with streams');
  let previous = '';
  for (const [key, stream] of streams.entries()) {
    if (!(key > previous)) complain(stream, 'is listed out of order');
    previous = key;
    if (!(stream instanceof Stream) || stream.main !== main) complain(stream, 'is not a stream of that file');
    if (stream.parent !== main) complain(stream, 'has lost its name');
    if (stream.key !== key || foldText(stream.name, folding) !== key)
      complain(stream, 'is not listed by its name');
    if (!isStreamName(stream.name)) complain(stream, 'has a name that none may have');
    if (stream.file === null || stream.children !== null) complain(stream, 'is a directory');
    if (stream.openCount > main.openCount) complain(stream, `is open more often than its file`);
    visit(stream);
  }
  return violations;
}
