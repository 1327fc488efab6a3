/** The options of RamDrive.mount(): the settings of the configuration file, with the same defaults and errors. */
import { type OptionValue, resolveSettings } from '../drive/config/config.js';
import { readConfigFile } from '../drive/config/config-file.js';
import { nearestName } from '../drive/config/nearest-name.js';
import { type DriveSettings, SETTING_NAMES, type SettingName } from '../drive/config/settings.js';
import { ConfigError } from '../drive/errors.js';

/** docs/usage.md describes each setting. */
export interface RamDriveOptions {
  /**
   * Where to mount. Linux: an empty directory; default: a new one in the directory for temporary files, which goes with
   * the drive. Windows: `R:`, a directory that does not exist yet, or `\\server\share`; default: the first free letter.
   */
  mountPoint?: string;
  /** Bytes, or a text such as `512M` or `2G`. Default 1G. Memory is taken as files grow. */
  capacity?: string | number;
  /** A power of two from 4K to 1M. Default 4K. */
  pageSize?: string | number;
  /** Take all of the memory at start. Default false. */
  preallocate?: boolean;
  /** With `preallocate`: also more memory than is available. Default false. */
  force?: boolean;
  /** At most 32 characters. Default `RAM Drive`. */
  label?: string;
  /** The system's cache may keep data and metadata. Default true. */
  kernelCache?: boolean;
  /** Milliseconds for which metadata may be cached without the kernel cache. */
  fileInfoTimeout?: number;
  /** Default: false on Windows, true on Linux. */
  caseSensitive?: boolean;
  /** Made at start, such as `/Temp`. */
  initialDirectories?: readonly string[];
  /** Linux: every read and write reaches the drive. Default false. */
  directIo?: boolean;
  /** Linux: other users may enter. Default false. */
  allowOther?: boolean;
  /** The image that is loaded at start, if it is there, and saved at the end. */
  image?: string;
  /** Save the image meanwhile, too, such as every `10m`. */
  saveEvery?: string;
  /** A configuration file. Options that are given here win, setting by setting. */
  config?: string;
}

export interface ResolvedOptions {
  settings: DriveSettings;
  /** The mount point of the settings stands for a new temporary directory, which is still to be made. */
  temporary: boolean;
}

const OPTION_NAMES = [...SETTING_NAMES, 'force', 'config'];

/** Throws ConfigError, with all problems that were found. */
export function resolveOptions(given: RamDriveOptions, platform = process.platform): ResolvedOptions {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw problem('options', given, 'expected an object with settings, such as { capacity: "512M" }.');
  }
  const entries = Object.entries(given).filter(([, value]) => value !== undefined);
  for (const [name, value] of entries) {
    if (!OPTION_NAMES.includes(name)) {
      const near = nearestName(name, OPTION_NAMES);
      const hint = near === null ? `Options are ${OPTION_NAMES.join(', ')}.` : `Did you mean "${near}"?`;
      throw problem(name, value, `unknown option. ${hint}`);
    }
  }
  const { force = false, config } = given;
  if (typeof force !== 'boolean') {
    throw problem('force', force, `expected true or false, got ${JSON.stringify(force)}.`);
  }
  if (config !== undefined && typeof config !== 'string') {
    throw problem('config', config, `expected the path of a file, got ${JSON.stringify(config)}.`);
  }
  const options = entries
    .filter(([name]) => (SETTING_NAMES as string[]).includes(name))
    .map(([name, value]): OptionValue => ({ setting: name as SettingName, option: name, value }));
  const isPlaced =
    given.mountPoint !== undefined ||
    (config !== undefined && readConfigFile(config).values.mountPoint !== undefined);
  if (!isPlaced) {
    const value = platform === 'win32' ? '*' : '/';
    options.push({ setting: 'mountPoint', option: 'mountPoint', value });
  }
  const settings = resolveSettings({ configPath: config, options, platform });
  return { settings: { ...settings, force }, temporary: !isPlaced && platform !== 'win32' };
}

function problem(option: string, value: unknown, message: string): ConfigError {
  const source = { kind: 'option', option } as const;
  return new ConfigError([{ source, key: option, value: String(value), message }]);
}
