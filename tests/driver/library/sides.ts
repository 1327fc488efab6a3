/**
 * The two libraries that are compared, in one process: WinFsp's own, below the rig, and this project's for Linux in its
 * build for Windows. Each has a volume of its own with the same callbacks, which write down how they were called.
 */
import koffi from 'koffi';
import { copyMemory, NativeBlock } from '../../../src/winfsp/memory/native-memory.js';
import { startRig, WINFSP } from '../rig.js';

const standIn = process.env.RIG_STAND_IN;
if (standIn === undefined) {
  throw new Error('RIG_STAND_IN is not set: run this with npm run test:driver.');
}
startRig();

// biome-ignore lint/suspicious/noExplicitAny: each call names its own types in its declaration.
export type Native = any;

export class Side {
  readonly #library: ReturnType<typeof koffi.load>;
  readonly #functions = new Map<string, Native>();

  constructor(
    readonly name: 'genuine' | 'stand-in',
    path: string,
  ) {
    this.#library = koffi.load(path);
  }
  /** A function by its C declaration. */
  call(declaration: string, ...args: unknown[]): Native {
    let native = this.#functions.get(declaration);
    if (native === undefined) {
      native = this.#library.func(declaration);
      this.#functions.set(declaration, native);
    }
    return native(...args);
  }
  /** The same call on a thread of koffi's pool. */
  later(declaration: string, ...args: unknown[]): Promise<number> {
    this.call('int32_t FspVersion(void *version)', Buffer.alloc(4));
    const native = this.#functions.get(declaration) ?? this.#library.func(declaration);
    this.#functions.set(declaration, native);
    return new Promise((resolve, reject) =>
      native.async(...args, (error: Error | null, value: number) => (error ? reject(error) : resolve(value))),
    );
  }
}

export const SIDES = [new Side('genuine', WINFSP), new Side('stand-in', standIn)] as const;

const SCRATCH_BYTES = 65_536;
const scratch = new NativeBlock(SCRATCH_BYTES);

export function peek(address: number, bytes: number): Buffer {
  copyMemory(scratch.address, address, bytes);
  return Buffer.from(scratch.bytes.subarray(0, bytes));
}
export function poke(address: number, data: Uint8Array): void {
  if (address === 0) {
    throw new Error('A callback was told to write to address 0.');
  }
  scratch.bytes.set(data);
  copyMemory(address, scratch.address, data.length);
}
export function pokeUint(address: number, value: number, bytes: 1 | 2 | 4 | 8): void {
  const data = Buffer.alloc(8);
  data.writeBigUInt64LE(BigInt(value));
  poke(address, data.subarray(0, bytes));
}
export const hex = (value: number): string => (value >>> 0).toString(16);
/** A text with its NUL. */
export const wide = (text: string): Buffer => Buffer.from(`${text}\0`, 'utf16le');

/** The parts of a self-relative descriptor, wherever each library puts them. */
export function partsOf(sd: Buffer | null): unknown {
  if (sd === null) {
    return null;
  }
  const sid = (at: number) => (at === 0 ? null : sd.toString('hex', at, at + 8 + 4 * sd[at + 1]!));
  const acl = (at: number) => (at === 0 ? null : sd.toString('hex', at, at + sd.readUInt16LE(at + 2)));
  return {
    control: sd.readUInt16LE(2).toString(16),
    owner: sid(sd.readUInt32LE(4)),
    group: sid(sd.readUInt32LE(8)),
    sacl: acl(sd.readUInt32LE(12)),
    dacl: acl(sd.readUInt32LE(16)),
  };
}
const HEAD_BYTES = 20;
const PART_HEAD_BYTES = 8;
/** Of a descriptor somewhere in memory: no more of it is read than it says of itself. */
export function partsAt(address: number): unknown {
  if (address === 0) {
    return null;
  }
  const head = peek(address, HEAD_BYTES);
  let end = HEAD_BYTES;
  for (const field of [4, 8, 12, 16]) {
    const at = head.readUInt32LE(field);
    if (at !== 0) {
      const part = peek(address + at, PART_HEAD_BYTES);
      end = Math.max(end, at + (field < 12 ? PART_HEAD_BYTES + 4 * part[1]! : part.readUInt16LE(2)));
    }
  }
  return partsOf(peek(address, end));
}

export interface Difference {
  area: string;
  input: unknown;
  genuine: unknown;
  standIn: unknown;
}
/** A difference that may be, with its reason. One that no longer occurs in a run fails. */
export interface Allowed {
  id: string;
  reason: string;
  matches: (difference: Difference) => boolean;
}

const MAX_SHOWN_OF_EACH = 4;
const MAX_SHOWN_CHARS = 6000;
/** Runs cases on both libraries and gathers where their results differ. */
export class Comparison {
  cases = 0;
  readonly seen = new Map<string, number>();
  readonly #unlisted: Difference[] = [];

  constructor(readonly allowed: readonly Allowed[]) {}

  compare(area: string, input: unknown, run: (side: Side) => unknown): void {
    const [genuine, standIn] = SIDES.map((side) => run(side));
    this.add(area, input, genuine, standIn);
  }
  add(area: string, input: unknown, genuine: unknown, standIn: unknown): void {
    this.cases += 1;
    if (JSON.stringify(genuine) === JSON.stringify(standIn)) {
      return;
    }
    const difference = { area, input, genuine, standIn };
    const allowed = this.allowed.find(({ matches }) => matches(difference));
    if (allowed === undefined) {
      this.#unlisted.push(difference);
    } else {
      this.seen.set(allowed.id, (this.seen.get(allowed.id) ?? 0) + 1);
    }
  }
  /** Throws at the differences that are not listed. */
  finish(): void {
    const found = this.#unlisted.splice(0);
    if (found.length > 0) {
      const areas = [...new Set(found.map(({ area }) => area))];
      const shown = areas.flatMap((area) => {
        const all = found.filter((each) => each.area === area);
        const some = all.slice(0, MAX_SHOWN_OF_EACH);
        return [
          `${area}: ${all.length}`,
          ...some.map((each) => `  ${JSON.stringify(each).slice(0, MAX_SHOWN_CHARS)}`),
        ];
      });
      throw new Error(`${found.length} differences that are not listed:\n${shown.join('\n')}`);
    }
  }
}
