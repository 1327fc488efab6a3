/** Numbers that depend on nothing but their seed, the same on every machine. */

/** A well-mixed 32-bit hash of a few integers: the seed of whatever they name together. */
export function hashOf(...values: readonly number[]): number {
  let hash = 0x9e3779b9;
  for (const value of values) {
    hash = mix((hash ^ (value >>> 0)) >>> 0);
    // Seeds may be larger than 32 bits.
    hash = mix((hash + Math.floor(value / 0x1_0000_0000)) >>> 0);
  }
  return hash;
}

function mix(value: number): number {
  let x = value + 0x6d2b79f5;
  x = Math.imul(x ^ (x >>> 16), 0x21f0aaad);
  x = Math.imul(x ^ (x >>> 15), 0x735a2d97);
  return (x ^ (x >>> 15)) >>> 0;
}

export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** A whole number from 0 to 2^32 - 1. */
  next(): number {
    this.#state = (this.#state + 0x9e3779b9) >>> 0;
    return mix(this.#state);
  }

  /** A whole number from 0 to `limit` - 1. */
  below(limit: number): number {
    return Math.floor((this.next() / 0x1_0000_0000) * limit);
  }

  chance(probability: number): boolean {
    return this.next() < probability * 0x1_0000_0000;
  }

  pick<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)]!;
  }
}
