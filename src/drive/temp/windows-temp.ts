/** Where `ramdrive temp` finds everything on Windows: the user's registry, and the service that mounts at boot. */
import { existsSync } from 'node:fs';
import { win32 } from 'node:path';
import { registryKey, textOf } from '../../os/registry.js';
import { announceEnvironment } from '../../os/windows-environment.js';
import { readServiceConfig } from '../service/service-definition.js';
import { TempError, type TempPlaces } from './temp-variables.js';

const TEMP_DIRECTORY = '\\Temp';
const SERVICE_AUTO_START = 2;

export function windowsTempPlaces(): TempPlaces {
  return {
    environment: registryKey('HKCU', 'Environment'),
    saved: registryKey('HKCU', 'Software\\ramdrive'),
    run: registryKey('HKCU', 'Software\\Microsoft\\Windows\\CurrentVersion\\Run'),
    announce: announceEnvironment,
    exists: existsSync,
  };
}

/** The \Temp of the drive that this service mounts at boot. Throws TempError when there is none. */
export function tempOfService(name: string): string {
  const key = registryKey('HKLM', `SYSTEM\\CurrentControlSet\\Services\\${name}`);
  const config = configOf(textOf(key.read('ImagePath')) ?? '');
  if (config === null) {
    throw new TempError(
      `No service "${name}" mounts a drive at boot, so TEMP would name nothing after a restart. ` +
        'Install it first: ramdrive service install --config <file>',
    );
  }
  if (key.read('Start')?.data.readUInt32LE() !== SERVICE_AUTO_START) {
    throw new TempError(`The service "${name}" does not start at boot, so TEMP would name nothing then.`);
  }
  const { mountPoint, initialDirectories } = readServiceConfig(config).settings;
  return tempDirectory(config, mountPoint, initialDirectories);
}

/** The last argument of the command line that `service install` wrote (windows-services.ts). */
export function configOf(imagePath: string): string | null {
  return /"service" "run" .*"--config" "([^"]+)"$/.exec(imagePath)?.[1] ?? null;
}

export function tempDirectory(config: string, mountPoint: string, directories: readonly string[]): string {
  const letter = /^(?:\\\\\.\\)?([A-Za-z]:)$/.exec(mountPoint)?.[1];
  if (letter === undefined && !win32.isAbsolute(mountPoint)) {
    throw new TempError(
      `${config}: mountPoint is "${mountPoint}"; TEMP needs a letter such as R: that stays.`,
    );
  }
  const isMade = directories.some((path) =>
    `${path}\\`.toLowerCase().startsWith(`${TEMP_DIRECTORY}\\`.toLowerCase()),
  );
  if (!isMade) {
    throw new TempError(
      `${config}: add "initialDirectories": ["\\\\Temp"] and restart the service: a new drive is empty.`,
    );
  }
  return `${letter ?? mountPoint}${TEMP_DIRECTORY}`;
}
