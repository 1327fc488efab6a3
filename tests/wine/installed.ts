/**
 * What an installation leaves on a machine, as tests of the installer look at it: where it is, what there is in all, and
 * what has changed.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { registryKey } from '../../src/os/registry.js';

export const folder = mkdtempSync(join(tmpdir(), 'ramdrive-installer-'));
export const INSTALLED = 'C:\\Program Files\\ramdrive test';
export const CONFIG = 'C:\\ProgramData\\ramdrive\\drive.jsonc';
export const UNINSTALL_ENTRY = 'Software\\Microsoft\\Windows\\CurrentVersion\\Uninstall\\ramdrive';
export const service = registryKey('HKLM', 'SYSTEM\\CurrentControlSet\\Services\\ramdrive');

export function run(program: string, ...args: string[]) {
  return spawnSync(program, args, { stdio: 'ignore', windowsVerbatimArguments: true, timeout: 200_000 })
    .status;
}

export function ramdrive(...args: string[]) {
  const program = [join(INSTALLED, 'app', 'dist', 'src', 'cli', 'main.js'), ...args];
  return spawnSync(join(INSTALLED, 'node.exe'), program, { stdio: 'ignore', timeout: 100_000 }).status;
}

/** What Wine itself writes while it runs, and what a mount sets for the whole machine (docs/usage.md). */
const VOLATILE = [
  /^c:\\users\\[^\\]+\\(appdata\\local\\)?temp\\/i,
  /^c:\\windows\\temp\\/i,
  /MountUseMountmgrFromFSD|\\Explorer\\|\\Internet Settings|\\MountedDevices|\\Hardware\\|\\Nls\\|\\IDConfigDB|Volatile|CURRENT_USER\\Console\]|\\Hardware Profiles\\|\\Wine\\/i,
  /CurrentControlSet\\(Control|Enum)\\/i,
];
const isOurs = (line: string) => !VOLATILE.some((pattern) => pattern.test(line));

/** Not all of C: below the user's folder, Wine has links to Linux' home directory. */
const FOLDERS = [
  'C:\\Program Files',
  'C:\\ProgramData',
  'C:\\windows',
  process.env.LOCALAPPDATA!,
  join(process.env.APPDATA!, 'Microsoft', 'Windows', 'Start Menu'),
];

/** Every file where an installer may put one, every key and value of what an installer may touch. */
export function everything(): Set<string> {
  const top = readdirSync('C:\\').map((name) => join('C:\\', name));
  const files = FOLDERS.flatMap((path) => readdirSync(path, { recursive: true, withFileTypes: true }));
  const lines = [...top, ...files.map(({ parentPath, name }) => join(parentPath, name))];
  for (const root of ['HKLM\\Software', 'HKLM\\System', 'HKCU']) {
    const file = join(folder, 'export.reg');
    assert.equal(run('C:\\windows\\system32\\reg.exe', 'export', root, `"${file}"`, '/y'), 0);
    let key = '';
    for (const line of readFileSync(file, 'utf16le').split(/\r?\n/)) {
      if (line.startsWith('[')) key = line;
      lines.push(`${key} ${line}`);
    }
  }
  return new Set(lines.filter(isOurs));
}

export function differences(before: Set<string>, after: Set<string>): string[] {
  const left = [...after].filter((line) => !before.has(line)).map((line) => `+ ${line}`);
  const gone = [...before].filter((line) => !after.has(line)).map((line) => `- ${line}`);
  return [...left, ...gone];
}

export async function until(condition: () => boolean): Promise<void> {
  for (let tries = 0; !condition(); tries++) {
    assert.ok(tries < 1500, 'it took too long');
    await sleep(200);
  }
}
