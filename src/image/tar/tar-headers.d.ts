/** The part of tar-stream that knows the bytes of a header, which the package has in a file of its own. */
declare module 'tar-stream/headers.js' {
  export interface TarHeader {
    name: string;
    mode: number;
    uid: number;
    gid: number;
    size: number;
    mtime: Date;
    type: string | null;
    linkname: string | null;
    devmajor?: number;
    devminor?: number;
  }
  /** 512 bytes; null when a text does not fit. */
  export function encode(header: TarHeader): Buffer | null;
  /** null for a block of zeros. Throws for what is no header. */
  export function decode(block: Buffer, encoding: string): TarHeader | null;
}
