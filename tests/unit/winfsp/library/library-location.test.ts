import { describe, expect, it } from 'vitest';
import { WinFspLibraryError } from '../../../../src/winfsp/errors.js';
import { loadWinFsp } from '../../../../src/winfsp/library/library.js';
import { type LocationInputs, locateLibrary } from '../../../../src/winfsp/library/library-location.js';

function machine(changes: Partial<LocationInputs>): LocationInputs {
  return {
    platform: 'win32',
    architecture: 'x64',
    variable: undefined,
    readInstallDir: () => 'C:\\Program Files (x86)\\WinFsp\\',
    exists: () => true,
    whyNotTrusted: () => null,
    packageRoot: () => '/opt/ramdrive',
    ...changes,
  };
}

function failure(run: () => unknown): WinFspLibraryError {
  try {
    run();
  } catch (error) {
    expect(error).toBeInstanceOf(WinFspLibraryError);
    return error as WinFspLibraryError;
  }
  throw new Error('It should have failed.');
}

describe('where the library is', () => {
  it('refuses one that another user could exchange', () => {
    const inputs = machine({
      platform: 'linux',
      variable: '/opt/lib.so',
      whyNotTrusted: (path) => `everybody can write ${path}`,
    });
    const error = failure(() => locateLibrary(inputs));
    expect(error.code).toBe('NOT_TRUSTED');
    expect(error.message).toContain('everybody can write /opt/lib.so');
  });

  it('Windows: InstallDir of the registry, by processor', () => {
    expect(locateLibrary(machine({}))).toBe('C:\\Program Files (x86)\\WinFsp\\bin\\winfsp-x64.dll');
    expect(locateLibrary(machine({ architecture: 'arm64' }))).toBe(
      'C:\\Program Files (x86)\\WinFsp\\bin\\winfsp-a64.dll',
    );
  });

  it('Linux: our own build in the package', () => {
    expect(locateLibrary(machine({ platform: 'linux' }))).toBe(
      '/opt/ramdrive/native/winfsp-linux/build/libwinfsp.so',
    );
  });

  it('Linux: the prebuilt library of this processor where nothing was built', () => {
    const prebuilt = '/opt/ramdrive/native/winfsp-linux/prebuilt/arm64/libwinfsp.so';
    const exists = (path: string) => path === prebuilt;
    expect(locateLibrary(machine({ platform: 'linux', architecture: 'arm64', exists }))).toBe(prebuilt);
    const other = machine({ platform: 'linux', architecture: 'riscv64', exists });
    expect(failure(() => locateLibrary(other)).message).toContain('riscv64');
  });

  it('an absolute path in the variable wins', () => {
    expect(locateLibrary(machine({ platform: 'linux', variable: '/x/lib.so' }))).toBe('/x/lib.so');
    expect(locateLibrary(machine({ variable: 'D:\\x.dll' }))).toBe('D:\\x.dll');
    expect(locateLibrary(machine({ variable: '' }))).toContain('WinFsp');
  });

  it.each([
    ['linux', 'lib.so'],
    ['linux', './lib.so'],
    ['win32', 'winfsp-x64.dll'],
    ['win32', '\\winfsp-x64.dll'],
    ['win32', 'C:winfsp-x64.dll'],
  ])(
    '%s: "%s" in the variable is refused, since it depends on the current directory',
    (platform, variable) => {
      const error = failure(() => locateLibrary(machine({ platform, variable })));
      expect(error.code).toBe('PATH_NOT_ABSOLUTE');
      expect(error.libraryPath).toBe(variable);
    },
  );

  it.each<[string, Partial<LocationInputs>, string, RegExp]>([
    ['no registry value', { readInstallDir: () => null }, 'NOT_INSTALLED', /Install WinFsp 1\.10 or later/],
    ['a stale registry value', { exists: () => false }, 'NOT_INSTALLED', /Repair the WinFsp installation/],
    ['a relative registry value', { readInstallDir: () => 'WinFsp' }, 'PATH_NOT_ABSOLUTE', /Repair/],
    ['a 32-bit process', { architecture: 'ia32' }, 'PLATFORM_UNSUPPORTED', /x64 or the arm64/],
    ['another system', { platform: 'darwin' }, 'PLATFORM_UNSUPPORTED', /Windows with WinFsp/],
    [
      'Linux without a build',
      { platform: 'linux', exists: () => false },
      'NOT_INSTALLED',
      /node \/opt\/ramdrive\/scripts\/build-native\.mjs/,
    ],
    [
      'a wrong path in the variable',
      { variable: 'D:\\x.dll', exists: () => false },
      'NOT_INSTALLED',
      /Correct/,
    ],
  ])('%s says what to do', (_what, changes, code, advice) => {
    const error = failure(() => locateLibrary(machine(changes)));
    expect(error.code).toBe(code);
    expect(error.advice).toMatch(advice);
    expect(error.message).toContain(error.what);
  });

  it('a file that is no library, and one without our functions, are told apart', () => {
    const notALibrary = failure(() => loadWinFsp(import.meta.filename));
    expect(notALibrary.code).toBe('NOT_LOADABLE');
    if (process.platform === 'linux') {
      expect(failure(() => loadWinFsp('libm.so.6')).code).toBe('FUNCTION_MISSING');
    }
  });
});
