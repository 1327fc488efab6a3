/**
 * Stream: a named stream of a file or directory, `\\dir\\file:name`. It is an inode with a content, a name and
 * handles of its own; all else that is told of it (attributes, times, security, reparse point, extended attributes,
 * index number) is that of the file it belongs to, which lives as long as any of its streams is open.
 */
import { MAX_NAME_UNITS } from '../../limits.js';
import type { PagedFile } from '../content/paged-file.js';
import { Inode } from '../inode.js';

export class Stream extends Inode {
  #main: Inode;

  /** The caller has acquired the security descriptor of `main` once more. */
  constructor(name: string, key: string, indexNumber: number, main: Inode, file: PagedFile) {
    super(name, key, indexNumber, 0, main.security, file);
    this.#main = main;
  }

  override get main(): Inode {
    return this.#main;
  }

  /** Of the same file; the caller attaches it to another. */
  override copy(indexNumber: number, file: PagedFile | null): Stream {
    return new Stream(this.name, this.key, indexNumber, this.#main, file as PagedFile);
  }

  /** Becomes a stream of that file, under its name. */
  attachTo(main: Inode): void {
    this.#main = main;
    this.parent = main;
    main.addStream(this);
  }

  /** The name goes. */
  detach(): void {
    this.parent = null;
    this.#main.removeStream(this);
  }
}

/** Whether a stream may be called so: 1 to 255 units. Which characters are allowed is the front end's rule. */
export function isStreamName(name: string): boolean {
  return name.length >= 1 && name.length <= MAX_NAME_UNITS && !/[\0:\\/]/.test(name);
}

/** Gives an inode copies of another's streams. */
export function copyStreams(from: Inode, to: Inode, copyOf: (inode: Inode) => Inode): void {
  from.streams?.forEachPair((_key, stream) => {
    (copyOf(stream) as Stream).attachTo(to);
  });
}
