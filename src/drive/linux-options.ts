/** Options that only the Linux library has (its extension FspLinuxSetOption), and what it reports about itself. */
import type { FspFileSystem, WinFspLibrary } from '../winfsp/index.js';
import type { DriveSettings } from './settings.js';

type SetOption = (fileSystem: number, name: string, value: number) => number;

/** Before the mount. On Windows there is no such function and nothing to set. */
export function setLinuxOptions(fs: FspFileSystem, { directIo, allowOther }: DriveSettings): void {
  const setOption = fs.library.optional<SetOption>('FspLinuxSetOption', 'int32_t', [
    'uintptr_t',
    'str',
    'uint64_t',
  ]);
  if (setOption === null) {
    return;
  }
  const options = { direct_io: directIo, allow_other: allowOther };
  for (const [name, on] of Object.entries(options)) {
    const status = on ? setOption(fs.address, name, 1) : 0;
    if (status < 0) {
      throw new Error(`The WinFsp library refuses the option ${name} (0x${(status >>> 0).toString(16)}).`);
    }
  }
}

/** Broken rules that the library's strict mode has seen in this process. null on Windows, where nobody checks. */
export class StrictReport {
  readonly #count: ((fileSystem: number) => number) | null;
  readonly #text: ((fileSystem: number, index: number, out: Buffer, size: number) => number) | null;

  constructor(library: WinFspLibrary) {
    this.#count = library.optional('FspLinuxViolationCount', 'uint32_t', ['uintptr_t']);
    this.#text = library.optional('FspLinuxViolationText', 'uint32_t', [
      'uintptr_t',
      'uint32_t',
      'void *',
      'uint32_t',
    ]);
  }

  count(): number | null {
    return this.#count?.(0) ?? null;
  }

  texts(most: number): string[] {
    const count = Math.min(this.count() ?? 0, most);
    const out = Buffer.alloc(4096);
    const texts: string[] = [];
    for (let index = 0; index < count && this.#text !== null; index++) {
      out.fill(0);
      this.#text(0, index, out, out.length);
      const end = out.indexOf(0);
      texts.push(out.toString('utf8', 0, end < 0 ? out.length : end));
    }
    return texts;
  }
}
