/**
 * Sizes, and times at the end, as people write them. `512M`, `2G`, `64K`, `1.5T`, `4096`: units are powers of 1024,
 * upper or lower case, `iB` or `B` may follow. Parsed with integers, so the result is exact or the text is refused;
 * nothing is rounded.
 */

const UNIT_EXPONENT: Readonly<Record<string, bigint>> = { '': 0n, k: 10n, m: 20n, g: 30n, t: 40n };
const SIZE = /^(\d{1,16})(?:\.(\d{1,16}))?\s?(?:([kmgt])(?:i?b)?|b)?$/i;

export const SIZE_EXPECTED = 'a size such as 64K, 512M or 2G, or a number of bytes';

/** Bytes, or null when the text is no size, is no whole number of bytes, or does not fit in 2^53. */
export function parseSize(text: string): number | null {
  const match = SIZE.exec(text.trim());
  if (match === null) {
    return null;
  }
  const [, whole, fraction = '', unit = ''] = match;
  const scaled = BigInt(whole! + fraction) << UNIT_EXPONENT[unit.toLowerCase()]!;
  const divisor = 10n ** BigInt(fraction.length);
  if (scaled % divisor !== 0n) {
    return null;
  }
  const bytes = scaled / divisor;
  return bytes <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(bytes) : null;
}

/** `50%`: whole bytes of the memory; null for every other form, and for parts that are none. */
export function partOfMemory(given: string | number, totalBytes: number): number | null {
  const match = typeof given === 'string' ? /^(\d{1,3}(?:\.\d{1,3})?)\s?%$/.exec(given.trim()) : null;
  const percent = Number(match?.[1]);
  return percent > 0 && percent <= 100 ? Math.floor((totalBytes * percent) / 100) : null;
}

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

/** `1.5 GiB`: for people, rounded to three or four digits. */
export function formatSize(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (Math.abs(value) >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  const rounded = Number(value.toFixed(unit === 0 || Math.abs(value) >= 100 ? 0 : 1));
  // 1023.96 KiB rounds to 1024 KiB, which is 1 MiB.
  return rounded >= 1024 && unit < UNITS.length - 1 ? `1 ${UNITS[unit + 1]}` : `${rounded} ${UNITS[unit]}`;
}

const DURATION = /^(\d{1,6})\s?(s|m|h)$/;
const UNIT_MS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000 };

/** `30s`, `10m`, `2h`: milliseconds; null for everything else. */
export function parseDuration(text: string): number | null {
  const match = DURATION.exec(text.trim());
  return match === null ? null : Number(match[1]) * UNIT_MS[match[2]!]!;
}
