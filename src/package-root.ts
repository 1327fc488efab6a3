/**
 * Where the package lives on disk: the folder whose package.json carries our name. The same source runs from src/
 * (tests) and from dist/src/ (compiled), so relative URLs alone cannot find native/ and the compiled workers.
 */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const PACKAGE_NAME = 'ramdrive';

let cachedRoot: string | undefined;

/** Absolute path of the package root. Throws when the package was torn apart (no package.json above this file). */
export function packageRoot(): string {
  if (cachedRoot !== undefined) {
    return cachedRoot;
  }
  const start = dirname(fileURLToPath(import.meta.url));
  for (let folder = start; ; folder = dirname(folder)) {
    if (manifestAt(folder)?.name === PACKAGE_NAME) {
      cachedRoot = folder;
      return folder;
    }
    if (dirname(folder) === folder) {
      throw new Error(
        `No package.json of "${PACKAGE_NAME}" in ${start} or any folder above it; reinstall the package.`,
      );
    }
  }
}

export function packageVersion(): string {
  return manifestAt(packageRoot())!.version!;
}

function manifestAt(folder: string): { name?: string; version?: string } | null {
  try {
    return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  } catch {
    return null;
  }
}
