/** WinFsp's key in the registry, through reg.exe as an administrator would. */
import { spawnSync } from 'node:child_process';

export const WINFSP_KEY = 'HKLM\\SOFTWARE\\WOW6432Node\\WinFsp';

function reg(...args: string[]): string | null {
  const { status, stdout } = spawnSync('C:\\windows\\system32\\reg.exe', args, { encoding: 'utf8' });
  return status === 0 ? stdout : null;
}

/** The value's text (a DWORD as 0x…), or null when there is none. */
export function readValue(name: string, key = WINFSP_KEY): string | null {
  const line = reg('query', key, '/v', name)
    ?.split(/\r?\n/)
    .find((text) => text.includes('REG_'));
  return line?.replace(/^.*REG_(SZ|DWORD)\s+/, '').trim() ?? null;
}

export function writeValue(
  name: string,
  type: 'REG_SZ' | 'REG_DWORD',
  value: string,
  key = WINFSP_KEY,
): void {
  if (reg('add', key, '/v', name, '/t', type, '/d', value, '/f') === null) {
    throw new Error(`reg add ${key} /v ${name} failed`);
  }
}

export function deleteValue(name: string, key = WINFSP_KEY): void {
  reg('delete', key, '/v', name, '/f');
}
