/**
 * The drive's settings as options of the Linux library, and what its strict mode reports. On Windows there is neither.
 */
import { type FspFileSystem, linuxExtensions, type WinFspLibrary } from '../../winfsp/index.js';
import type { DriveSettings } from '../config/settings.js';

/** Before the mount. */
export function setLinuxOptions(fs: FspFileSystem, { directIo, allowOther }: DriveSettings): void {
  const extensions = linuxExtensions(fs.library);
  const options = { direct_io: directIo, allow_other: allowOther, rename_extension: true };
  for (const [name, on] of Object.entries(options)) {
    const status = on ? (extensions?.setOption(fs.address, name, 1) ?? 0) : 0;
    if (status < 0) {
      throw new Error(`The WinFsp library refuses the option ${name} (0x${(status >>> 0).toString(16)}).`);
    }
  }
}

/** Broken rules that the library has seen in this process. null on Windows, where nobody checks. */
export class StrictReport {
  readonly #library: WinFspLibrary;

  constructor(library: WinFspLibrary) {
    this.#library = library;
  }

  count(): number | null {
    return linuxExtensions(this.#library)?.violationCount(0) ?? null;
  }

  texts(most: number): string[] {
    return linuxExtensions(this.#library)?.violations(0, most) ?? [];
  }
}
