/**
 * FILETIMEs: 100 ns since 1601-01-01 UTC, as bigints, because no double holds one exactly. Conversions from what
 * Node.js has.
 */
const UNIX_EPOCH = 116_444_736_000_000_000n;

/** From nanoseconds since 1970, as `fs.Stats` with `{ bigint: true }` has them (`mtimeNs`). Rounds down to 100 ns. */
export function fileTimeFromNs(ns: bigint): bigint {
  return ns / 100n + UNIX_EPOCH;
}

/** To nanoseconds since 1970. */
export function fileTimeToNs(fileTime: bigint): bigint {
  return (fileTime - UNIX_EPOCH) * 100n;
}

/** From a Date or milliseconds since 1970. */
export function fileTimeFrom(time: Date | number): bigint {
  return BigInt(Math.round(Number(time) * 1e4)) + UNIX_EPOCH;
}

/** Seconds since 1970, for functions like `fs.utimes`; exact to the microsecond. */
export function fileTimeToSeconds(fileTime: bigint): number {
  return Number(fileTime - UNIX_EPOCH) / 1e7;
}

/** Now, to the millisecond. */
export function fileTimeNow(): bigint {
  return fileTimeFrom(Date.now());
}
