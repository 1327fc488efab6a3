/**
 * FileClock: now, as Windows' FILETIME, which is 100 ns units since 1601-01-01 UTC in 64 bits. Kept as two halves,
 * because the whole does not fit in a double and a BigInt costs an allocation.
 *
 * No reading is earlier than the one before, so of two changes the later one never has the earlier time; also when the
 * system's clock is slewed back by a little. When it is set back by more than a second, times follow, since a drive
 * that lives in the future confuses every build tool. Nor is a reading ever ahead of the system's: two changes within
 * one tick have one time, as on other file systems, or a file made on one of those just after would look older.
 */

/** The halves of a time, as signed 32-bit integers. */
export interface FileTime {
  readonly low: number;
  readonly high: number;
}

/** Puts the system's time into two unsigned halves, low and high. */
export type TimeSource = (halves: Uint32Array) => void;

const SECONDS_FROM_1601_TO_1970 = 11_644_473_600;
const UNITS_PER_SECOND = 10_000_000;
const UNITS_PER_MS = 10_000;
const STEP_BACK_UNITS = UNITS_PER_SECOND;
const UNITS_16 = 0x1_0000;
const UNITS_32 = 0x1_0000_0000;

export class FileClock implements FileTime {
  /** Those of the last reading. */
  low = 0;
  high = 0;
  readonly #source: TimeSource;
  readonly #halves = new Uint32Array(2);

  constructor(source: TimeSource = timeFromMilliseconds(Date.now)) {
    this.#source = source;
  }

  /** Advances to now, and is then that time itself, until it is read again. */
  now(): FileTime {
    this.#source(this.#halves);
    const low = this.#halves[0] as number;
    const high = this.#halves[1] as number;
    const lastLow = this.low >>> 0;
    const lastHigh = this.high >>> 0;
    const ahead = (high - lastHigh) * UNITS_32 + (low - lastLow);
    if (ahead > 0 || ahead < -STEP_BACK_UNITS) {
      this.low = low | 0;
      this.high = high | 0;
    }
    return this;
  }
}

/** Seconds since 1970 and 100 ns units as a FILETIME, exactly: in two parts that each fit in a double. */
export function putFileTime(halves: Uint32Array, seconds: number, units: number): void {
  const from1601 = seconds + SECONDS_FROM_1601_TO_1970;
  // Quotients and what they leave, all exact; the operator % would be a call for doubles.
  const seconds16 = Math.floor(from1601 / UNITS_16);
  const upper = seconds16 * UNITS_PER_SECOND;
  const lower = (from1601 - seconds16 * UNITS_16) * UNITS_PER_SECOND + units;
  const upper16 = Math.floor(upper / UNITS_16);
  const sum = (upper - upper16 * UNITS_16) * UNITS_16 + lower;
  const carry = Math.floor(sum / UNITS_32);
  halves[0] = sum - carry * UNITS_32;
  halves[1] = upper16 + carry;
}

/** From a clock of milliseconds since 1970, such as Date.now. */
export function timeFromMilliseconds(nowMs: () => number): TimeSource {
  return (halves) => {
    const ms = nowMs();
    const seconds = Math.floor(ms / 1000);
    putFileTime(halves, seconds, Math.floor((ms - seconds * 1000) * UNITS_PER_MS));
  };
}
