/** A module for FileSystemHost's worker that exports its file system itself. */
import { MemoryFs } from '../../../dist/examples/memory-fs.js';

export default new MemoryFs({ caseSensitive: true });
