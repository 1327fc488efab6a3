/**
 * The drive's settings as options of the Linux library, and what its strict mode reports. On Windows there is neither.
 */
import { type FspFileSystem, linuxExtensions, type WinFspLibrary } from '../../winfsp/index.js';
import type { DriveSettings } from '../config/settings.js';

/** Before the mount. */
export function setLinuxOptions(fs: FspFileSystem, { directIo, allowOther, mode }: DriveSettings): void {
  const extensions = linuxExtensions(fs.library);
  const options = {
    direct_io: Number(directIo),
    allow_other: Number(allowOther),
    rename_extension: 1,
    hard_links: 1,
    unnamed_files: 1,
    // What is made by the drive itself lets everybody do everything; this takes away from it.
    umask: 0o777 & ~mode,
  };
  for (const [name, value] of Object.entries(options)) {
    const status = extensions?.setOption(fs.address, name, value) ?? 0;
    if (status < 0) {
      throw new Error(`The WinFsp library refuses the option ${name} (0x${(status >>> 0).toString(16)}).`);
    }
  }
}

/** What the Linux library says of this process: rules broken, memory kept for clients. null on Windows. */
export class StrictReport {
  readonly #library: WinFspLibrary;

  constructor(library: WinFspLibrary) {
    this.#library = library;
  }

  count(): number | null {
    return linuxExtensions(this.#library)?.violationCount(0) ?? null;
  }

  clientMemoryBytes(): number | null {
    return linuxExtensions(this.#library)?.clientMemory(0) ?? null;
  }

  texts(most: number): string[] {
    return linuxExtensions(this.#library)?.violations(0, most) ?? [];
  }
}
