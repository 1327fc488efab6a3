/**
 * Keys of Windows' registry, through advapi32: values are kept as their type and bytes, so that what is written back is
 * what was read. Every call opens and closes the key. Throws Win32Error for all but "not there".
 *
 * Tried under Wine; not run on Windows.
 */
import koffi from 'koffi';
import { Win32Error } from './windows-service/win32-error.js';

export const RegistryType = { SZ: 1, EXPAND_SZ: 2, DWORD: 4 } as const;

export interface RegistryValue {
  /** RegistryType, or another one that Windows knows. */
  type: number;
  /** As stored: texts are UTF-16 with their NUL. */
  data: Buffer;
}

export interface RegistryKey {
  /** Null when there is no such key or value. */
  read(name: string): RegistryValue | null;
  /** Makes the key when there is none. */
  write(name: string, value: RegistryValue): void;
  /** Nothing happens when there is no such value. */
  remove(name: string): void;
  /** The key with all that is below. Nothing happens when there is none. */
  removeKey(): void;
}

/** HKEY_… as a pointer: the 32-bit number, sign-extended. */
const ROOTS = { HKCU: 0xffffffff80000001n, HKLM: 0xffffffff80000002n } as const;

const KEY_QUERY_VALUE = 0x1;
const KEY_SET_VALUE = 0x2;
const ERROR_FILE_NOT_FOUND = 2;
const ERROR_MORE_DATA = 234;
/** More than the longest value that a user's environment can have. */
const FIRST_READ_BYTES = 4096;

interface Calls {
  open(root: bigint, path: string, options: number, access: number, out: BigUint64Array): number;
  create(...args: unknown[]): number;
  query(key: bigint, name: string, reserved: null, type: Buffer, data: Buffer, bytes: Buffer): number;
  set(key: bigint, name: string, reserved: number, type: number, data: Buffer, bytes: number): number;
  deleteValue(key: bigint, name: string): number;
  deleteTree(root: bigint, path: string): number;
  close(key: bigint): number;
}

let calls: Calls | undefined;

function advapi32(): Calls {
  if (calls === undefined) {
    const library = koffi.load('advapi32.dll');
    const HKEY = 'uintptr_t';
    const DWORD = 'uint32_t';
    const POINTER = 'void *';
    calls = {
      open: library.func('RegOpenKeyExW', 'int', [HKEY, 'str16', DWORD, DWORD, POINTER]),
      create: library.func('RegCreateKeyExW', 'int', [
        HKEY,
        'str16',
        DWORD,
        'str16',
        DWORD,
        DWORD,
        POINTER,
        POINTER,
        POINTER,
      ]),
      query: library.func('RegQueryValueExW', 'int', [HKEY, 'str16', POINTER, POINTER, POINTER, POINTER]),
      set: library.func('RegSetValueExW', 'int', [HKEY, 'str16', DWORD, DWORD, POINTER, DWORD]),
      deleteValue: library.func('RegDeleteValueW', 'int', [HKEY, 'str16']),
      deleteTree: library.func('RegDeleteTreeW', 'int', [HKEY, 'str16']),
      close: library.func('RegCloseKey', 'int', [HKEY]),
    };
  }
  return calls;
}

export function registryKey(root: keyof typeof ROOTS, path: string): RegistryKey {
  const check = (call: string, code: number) => {
    if (code !== 0)
      throw new Win32Error(`${call} of ${root}\\${path}`, code, code === 5 ? 'access denied' : '');
  };
  /** Null when there is no such key. */
  const opened = <T>(access: number, work: (key: bigint) => T): T | null => {
    const out = new BigUint64Array(1);
    const code = advapi32().open(ROOTS[root], path, 0, access, out);
    if (code === ERROR_FILE_NOT_FOUND) return null;
    check('RegOpenKeyExW', code);
    return closing(out[0]!, work);
  };
  return {
    read: (name) => opened(KEY_QUERY_VALUE, (key) => readValue(key, name, check)),
    write(name, { type, data }) {
      const out = new BigUint64Array(1);
      check(
        'RegCreateKeyExW',
        advapi32().create(ROOTS[root], path, 0, null, 0, KEY_SET_VALUE, null, out, null),
      );
      closing(out[0]!, (key) =>
        check('RegSetValueExW', advapi32().set(key, name, 0, type, data, data.length)),
      );
    },
    remove(name) {
      opened(KEY_SET_VALUE, (key) => {
        const code = advapi32().deleteValue(key, name);
        if (code !== ERROR_FILE_NOT_FOUND) check('RegDeleteValueW', code);
      });
    },
    removeKey() {
      const code = advapi32().deleteTree(ROOTS[root], path);
      if (code !== ERROR_FILE_NOT_FOUND) check('RegDeleteTreeW', code);
    },
  };
}

function closing<T>(key: bigint, work: (key: bigint) => T): T {
  try {
    return work(key);
  } finally {
    advapi32().close(key);
  }
}

function readValue(
  key: bigint,
  name: string,
  check: (call: string, code: number) => void,
): RegistryValue | null {
  const type = Buffer.alloc(4);
  const bytes = Buffer.alloc(4);
  for (let sizeBytes = FIRST_READ_BYTES; ; sizeBytes *= 2) {
    const data = Buffer.alloc(sizeBytes);
    bytes.writeUInt32LE(sizeBytes);
    const code = advapi32().query(key, name, null, type, data, bytes);
    if (code === ERROR_MORE_DATA) continue;
    if (code === ERROR_FILE_NOT_FOUND) return null;
    check('RegQueryValueExW', code);
    return { type: type.readUInt32LE(), data: data.subarray(0, bytes.readUInt32LE()) };
  }
}

export function textValue(text: string, type: number = RegistryType.SZ): RegistryValue {
  return { type, data: Buffer.from(`${text}\0`, 'utf16le') };
}

export function numberValue(value: number): RegistryValue {
  const data = Buffer.alloc(4);
  data.writeUInt32LE(value);
  return { type: RegistryType.DWORD, data };
}

/** The text before its NUL; null for a value that is no text, or none. */
export function textOf(value: RegistryValue | null): string | null {
  if (value === null || (value.type !== RegistryType.SZ && value.type !== RegistryType.EXPAND_SZ))
    return null;
  const text = value.data.toString('utf16le');
  const end = text.indexOf('\0');
  return end < 0 ? text : text.slice(0, end);
}
