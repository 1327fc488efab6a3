/** A module for FileSystemHost's worker: what it exports depends on `workerData`. */
import { MemoryFs } from '../../../dist/examples/memory-fs.js';

export default function fileSystem({ behaviour }) {
  if (behaviour === 'throws') {
    throw new Error('no file system today');
  }
  if (behaviour === 'nothing') {
    return undefined;
  }
  const fs = new MemoryFs({ caseSensitive: true });
  if (behaviour === 'promises') {
    fs.read = async () => 1;
  }
  if (behaviour === 'dies') {
    fs.setBasicInfo = () => process.exit(3); // ends this thread
  }
  return fs;
}
