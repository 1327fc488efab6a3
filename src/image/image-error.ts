/** What is wrong with an image, where, and what to do. */
export type ImageErrorCode =
  /** It is no image of a drive, or one of a later version of this program. */
  | 'FOREIGN'
  | 'NEWER'
  /** It is incomplete, damaged, or made to do harm. */
  | 'DAMAGED'
  /** The volume cannot hold it: room, names that are one name here, paths that are too long. */
  | 'DOES_NOT_FIT'
  /** The file cannot be read or written. */
  | 'UNREADABLE'
  | 'NOT_SAVED';

export class ImageError extends Error {
  override readonly name = 'ImageError';

  constructor(
    readonly code: ImageErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
