/**
 * Where the compiled worker scripts of the binding are. The same source runs from src/ (tests) and from dist/src/ (compiled), but a
 * worker always runs compiled code.
 */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { packageRoot } from './package-root.js';

/** `name` is the script's path below src/winfsp, with the extension .js. */
export function compiledWorker(name: string): URL {
  return pathToFileURL(join(packageRoot(), 'dist', 'src', 'winfsp', name));
}
