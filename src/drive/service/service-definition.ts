/** What both systems need to know of a service: its name, and the configuration file that it mounts by. */
import { resolve } from 'node:path';
import { resolveSettings } from '../config/config.js';
import type { DriveSettings } from '../config/settings.js';
import { ConfigError } from '../errors.js';

export const DEFAULT_SERVICE_NAME = 'ramdrive';

/** How long saving and unmounting may take before the system loses its patience. */
export const SERVICE_STOP_TIMEOUT_MS = 180_000;
/** Longer than any mount takes that does not preallocate. */
export const SERVICE_START_TIMEOUT_MS = 120_000;

/** Longer names are refused by neither system, and read by no one. */
const MAX_SERVICE_NAME_UNITS = 80;
const SERVICE_NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]*$/;

/** Throws ConfigError: the name becomes a file's name, a key of the registry and an argument. */
export function checkServiceName(name: string): string {
  if (!SERVICE_NAME.test(name) || name.length > MAX_SERVICE_NAME_UNITS) {
    const message =
      'expected a letter or digit and then letters, digits, "-", "_" or ".", ' +
      `at most ${MAX_SERVICE_NAME_UNITS} in all, got ${JSON.stringify(name)}.`;
    throw new ConfigError([
      { source: { kind: 'option', option: '--name' }, key: null, value: name, message },
    ]);
  }
  return name;
}

export interface ServiceConfig {
  /** Absolute: a service's working directory is the system's. */
  path: string;
  settings: DriveSettings;
}

/** Reads the file that the service will read, so that what is wrong with it is said now. Throws ConfigError. */
export function readServiceConfig(path: string): ServiceConfig {
  const absolute = resolve(path);
  const settings = resolveSettings({ configPath: absolute, options: [] });
  return { path: absolute, settings };
}
