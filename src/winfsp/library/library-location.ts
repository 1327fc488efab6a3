/**
 * Where the WinFsp library is: an absolute path, never a plain name, so that neither PATH nor the current directory can
 * slip another file in (docs/winfsp.md#installation-and-mount-points). Pure look-up, no loading; everything that
 * differs by machine is a parameter for tests.
 */
import { existsSync } from 'node:fs';
import { isAbsolute, join, posix, win32 } from 'node:path';
import koffi from 'koffi';
import { packageRoot } from '../../package-root.js';
import { WinFspLibraryError } from '../errors.js';
import { whyNotTrusted } from './library-trust.js';

/**
 * Names another library file: an absolute path. For development, and for distributions that keep the library elsewhere.
 */
export const LIBRARY_VARIABLE = 'RAMDRIVE_WINFSP_LIBRARY';

const REGISTRY_KEY = 'SOFTWARE\\WOW6432Node\\WinFsp';
const DLL_BY_ARCHITECTURE: Readonly<Record<string, string>> = {
  x64: 'bin\\winfsp-x64.dll',
  arm64: 'bin\\winfsp-a64.dll',
};
const INSTALL_ADVICE =
  'Install WinFsp 1.10 or later ("winget install WinFsp.WinFsp", or the installer of the WinFsp project) ' +
  'and try again.';

export interface LocationInputs {
  platform: string;
  architecture: string;
  variable: string | undefined;
  /** The value InstallDir of the registry, or null. Windows only. */
  readInstallDir: () => string | null;
  exists: (path: string) => boolean;
  /** Why a library that the variable names must not be loaded, or null. */
  whyNotTrusted: (path: string) => string | null;
  packageRoot: () => string;
}

/** The library's absolute path on this machine. Throws WinFspLibraryError when there is none. */
export function locateLibrary(inputs: LocationInputs = thisMachine()): string {
  if (inputs.variable !== undefined && inputs.variable !== '') {
    return namedLibrary(inputs, inputs.variable);
  }
  if (inputs.platform === 'win32') {
    return installedDll(inputs);
  }
  if (inputs.platform === 'linux') {
    return linuxLibrary(inputs);
  }
  throw new WinFspLibraryError(
    'PLATFORM_UNSUPPORTED',
    `There is no WinFsp for the platform "${inputs.platform}".`,
    'Use Windows with WinFsp installed, or Linux.',
  );
}

/** What was built on this machine comes first: the prebuilt library did not fit, or this is a checkout. */
function linuxLibrary(inputs: LocationInputs): string {
  const folder = join(inputs.packageRoot(), 'native', 'winfsp-linux');
  const built = join(folder, 'build', 'libwinfsp.so');
  const found = [built, join(folder, 'prebuilt', inputs.architecture, 'libwinfsp.so')].find(inputs.exists);
  if (found === undefined) {
    throw new WinFspLibraryError(
      'NOT_INSTALLED',
      `No prebuilt WinFsp library is here for Linux on ${inputs.architecture}, and none is built: no ${built}.`,
      `Run "node ${join(inputs.packageRoot(), 'scripts', 'build-native.mjs')}", ` +
        `or set ${LIBRARY_VARIABLE} to the absolute path of a build.`,
      built,
    );
  }
  return found;
}

function namedLibrary(inputs: LocationInputs, path: string): string {
  const absolute = inputs.platform === 'win32' ? isFullyQualified(path) : posix.isAbsolute(path);
  if (!absolute) {
    throw new WinFspLibraryError(
      'PATH_NOT_ABSOLUTE',
      `${LIBRARY_VARIABLE} is "${path}", which is not an absolute path.`,
      'Give the full path of the library file, or unset the variable.',
      path,
    );
  }
  if (!inputs.exists(path)) {
    throw new WinFspLibraryError(
      'NOT_INSTALLED',
      `${LIBRARY_VARIABLE} names ${path}, which does not exist.`,
      'Correct the path, or unset the variable.',
      path,
    );
  }
  const reason = inputs.whyNotTrusted(path);
  if (reason !== null) {
    throw new WinFspLibraryError(
      'NOT_TRUSTED',
      `${LIBRARY_VARIABLE} names ${path}, which another user could exchange: ${reason}.`,
      'Keep the library where only you or root can write, or unset the variable.',
      path,
    );
  }
  return path;
}

function installedDll(inputs: LocationInputs): string {
  const relative = DLL_BY_ARCHITECTURE[inputs.architecture];
  if (relative === undefined) {
    throw new WinFspLibraryError(
      'PLATFORM_UNSUPPORTED',
      `There is no WinFsp library for a ${inputs.architecture} process.`,
      'Use the x64 or the arm64 build of Node.js.',
    );
  }
  const installDir = inputs.readInstallDir();
  if (installDir === null) {
    throw new WinFspLibraryError(
      'NOT_INSTALLED',
      `WinFsp is not installed: HKLM\\${REGISTRY_KEY} has no InstallDir.`,
      INSTALL_ADVICE,
    );
  }
  if (!isFullyQualified(installDir)) {
    throw new WinFspLibraryError(
      'PATH_NOT_ABSOLUTE',
      `HKLM\\${REGISTRY_KEY} InstallDir is "${installDir}", which is not an absolute path.`,
      'Repair the WinFsp installation.',
      installDir,
    );
  }
  const path = win32.join(installDir, relative);
  if (!inputs.exists(path)) {
    throw new WinFspLibraryError(
      'NOT_INSTALLED',
      `WinFsp says it is installed in ${installDir}, but ${path} does not exist.`,
      'Repair the WinFsp installation, or install it again.',
      path,
    );
  }
  return path;
}

/** `C:\…` or `\\server\…`: a path that does not depend on the current drive (`\x` is "absolute" to Node, but does). */
function isFullyQualified(path: string): boolean {
  return /^[A-Za-z]:[\\/]/.test(path) || /^[\\/]{2}[^\\/]/.test(path);
}

function thisMachine(): LocationInputs {
  return {
    platform: process.platform,
    architecture: process.arch,
    variable: process.env[LIBRARY_VARIABLE],
    readInstallDir: readInstallDirFromRegistry,
    exists: (path) => isAbsolute(path) && existsSync(path),
    // The rights of Windows are not looked at: a variable of this kind is for development there.
    whyNotTrusted: (path) => (process.platform === 'linux' ? whyNotTrusted(path, packageRoot()) : null),
    packageRoot,
  };
}

/**
 * RegGetValueW on the 32-bit branch, where WinFsp's installer writes (docs/winfsp.md#installation-and-mount-points).
 */
export function readInstallDirFromRegistry(): string | null {
  const HKEY_LOCAL_MACHINE = 0xffffffff80000002n;
  const RRF_RT_REG_SZ = 0x2;
  const advapi = koffi.load('advapi32.dll');
  const regGetValue = advapi.func('RegGetValueW', 'int32_t', [
    'uintptr_t',
    'str16',
    'str16',
    'uint32_t',
    'void *',
    'void *',
    'void *',
  ]);
  const data = Buffer.alloc(2 * 1024);
  const sizeBytes = Buffer.alloc(4);
  sizeBytes.writeUInt32LE(data.length);
  const error = regGetValue(
    HKEY_LOCAL_MACHINE,
    REGISTRY_KEY,
    'InstallDir',
    RRF_RT_REG_SZ,
    null,
    data,
    sizeBytes,
  ) as number;
  if (error !== 0) {
    return null;
  }
  const text = data.toString('utf16le', 0, sizeBytes.readUInt32LE());
  const end = text.indexOf('\0');
  const installDir = end < 0 ? text : text.slice(0, end);
  return installDir === '' ? null : installDir;
}
