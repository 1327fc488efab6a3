/**
 * Windows: how the WinFsp library is found, and what is refused. Changes the registry of the Wine prefix and puts it
 * back.
 */
import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WinFspLibraryError } from '../../src/winfsp/errors.js';
import { loadWinFsp, WinFspLibrary } from '../../src/winfsp/library/library.js';
import { LIBRARY_VARIABLE, locateLibrary } from '../../src/winfsp/library/library-location.js';
import { check } from './check.js';
import { deleteValue, readValue, writeValue } from './registry.js';

const installDir = readValue('InstallDir')!;
const dll = join(installDir, 'bin', 'winfsp-x64.dll');
const folder = mkdtempSync(join(tmpdir(), 'ramdrive-library-'));

function refusal(code: string, act: () => unknown): void {
  assert.throws(act, (error) => error instanceof WinFspLibraryError && error.code === code, code);
}

async function withInstallDir(value: string | null, act: () => void): Promise<void> {
  if (value === null) {
    deleteValue('InstallDir');
  } else {
    writeValue('InstallDir', 'REG_SZ', value);
  }
  try {
    act();
  } finally {
    writeValue('InstallDir', 'REG_SZ', installDir);
  }
}

await check('found by InstallDir in the 32-bit branch of the registry, and loaded', () => {
  assert.equal(locateLibrary().toLowerCase(), dll.toLowerCase());
  assert.equal(loadWinFsp().versionText, '2.1');
});
await check('InstallDir missing: not installed; a value in the 64-bit branch is not taken', async () => {
  writeValue('InstallDir', 'REG_SZ', installDir, 'HKLM\\SOFTWARE\\WinFsp');
  try {
    await withInstallDir(null, () => refusal('NOT_INSTALLED', locateLibrary));
  } finally {
    deleteValue('InstallDir', 'HKLM\\SOFTWARE\\WinFsp');
  }
});
await check(
  'InstallDir missing: no library of that name in the current directory or on PATH is taken',
  async () => {
    copyFileSync(dll, join(folder, 'winfsp-x64.dll'));
    const before = process.cwd();
    const path = process.env.PATH;
    process.chdir(folder);
    process.env.PATH = folder;
    try {
      await withInstallDir(null, () => refusal('NOT_INSTALLED', locateLibrary));
    } finally {
      process.chdir(before);
      process.env.PATH = path;
    }
  },
);
for (const relative of ['WinFsp\\', '\\WinFsp\\', '.\\', 'C:WinFsp\\']) {
  await check(`InstallDir "${relative}" is refused: not an absolute path`, () =>
    withInstallDir(relative, () => refusal('PATH_NOT_ABSOLUTE', locateLibrary)),
  );
}
await check('InstallDir without a library in it: not installed, and the path is named', () =>
  withInstallDir(`${folder}\\`, () => {
    assert.throws(locateLibrary, /bin\\winfsp-x64\.dll does not exist/);
  }),
);
await check('the variable wins, must be absolute and exist', () => {
  const locateWith = (variable: string) => {
    process.env[LIBRARY_VARIABLE] = variable;
    try {
      return locateLibrary();
    } finally {
      delete process.env[LIBRARY_VARIABLE];
    }
  };
  assert.equal(locateWith(dll), dll);
  refusal('PATH_NOT_ABSOLUTE', () => locateWith('bin\\winfsp-x64.dll'));
  refusal('PATH_NOT_ABSOLUTE', () => locateWith('\\winfsp-x64.dll'));
  refusal('NOT_INSTALLED', () => locateWith('C:\\absent\\winfsp-x64.dll'));
});
await check('a file that is no library: not loadable', () => {
  const path = join(folder, 'text.dll');
  writeFileSync(path, 'not a library');
  refusal('NOT_LOADABLE', () => new WinFspLibrary(path));
});
await check('a library without the functions: refused by the name of the first missing one', () => {
  assert.throws(() => new WinFspLibrary('C:\\windows\\system32\\kernel32.dll'), /does not export FspVersion/);
});
await check('WinFsp 1.9 is too old', () => {
  const old = process.env.RAMDRIVE_TEST_OLD_DLL!;
  mkdirSync(join(folder, 'bin'));
  copyFileSync(old, join(folder, 'bin', 'winfsp-x64.dll'));
  refusal('TOO_OLD', () => new WinFspLibrary(join(folder, 'bin', 'winfsp-x64.dll')));
});
