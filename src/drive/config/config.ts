/**
 * From configuration file and command line to the settings of a drive: the command line wins setting by setting, and
 * rules that join several settings are checked here, with the place of the value that breaks them.
 */
import { homedir } from 'node:os';
import { dirname, isAbsolute, relative, resolve, sep } from 'node:path';
import { problemOfName } from '../../image/compression.js';
import { ConfigError, type ConfigProblem, type ValueSource } from '../errors.js';
import { checkSetting, readConfigFile, type SourcedSettings, shorten } from './config-file.js';
import {
  type DriveSettings,
  defaultSettings,
  LINUX_ONLY,
  SETTING_NAMES,
  type SettingName,
} from './settings.js';
import { formatSize } from './sizes.js';

/** One setting from the command line, as it was typed (booleans and numbers already told apart). */
export interface OptionValue {
  setting: SettingName;
  /** `--capacity`, or `<mountpoint>`: for messages. */
  option: string;
  value: unknown;
}

export interface ConfigInputs {
  configPath?: string | undefined;
  options: readonly OptionValue[];
  platform?: NodeJS.Platform;
}

/** One setting alone, as `resolveSettings` takes it. Throws ConfigError. */
export function resolveCapacity(option: string, value: unknown): number {
  const checked = checkSetting('capacity', value);
  if (!('expected' in checked)) return checked.value as number;
  const text = typeof value === 'string' ? `"${value}"` : JSON.stringify(value);
  const message = `expected ${checked.expected}, got ${shorten(text ?? String(value))}.`;
  throw new ConfigError([
    { source: { kind: 'option', option }, key: 'capacity', value: String(value), message },
  ]);
}

/** Throws ConfigError. */
export function resolveSettings({
  configPath,
  options,
  platform = process.platform,
}: ConfigInputs): DriveSettings {
  const merged: SourcedSettings =
    configPath === undefined ? { values: {}, sources: {} } : readConfigFile(configPath);
  const problems: ConfigProblem[] = [];
  for (const { setting, option, value } of options) {
    const source: ValueSource = { kind: 'option', option };
    const checked = checkSetting(setting, value);
    if ('expected' in checked) {
      const text = typeof value === 'string' ? `"${value}"` : JSON.stringify(value);
      const message = `expected ${checked.expected}, got ${shorten(text)}.`;
      problems.push({ source, key: setting, value: text, message });
      continue;
    }
    Object.assign(merged.values, { [setting]: checked.value });
    merged.sources[setting] = source;
  }
  if (problems.length === 0) {
    const settings = join(merged, platform, problems);
    if (settings !== null) {
      return settings;
    }
  }
  throw new ConfigError(problems);
}

function join(
  { values, sources }: SourcedSettings,
  platform: NodeJS.Platform,
  problems: ConfigProblem[],
): DriveSettings | null {
  const defaults = defaultSettings(platform);
  const complain = (setting: SettingName, message: string) => {
    const value = JSON.stringify(values[setting] ?? null);
    problems.push({ source: sources[setting] ?? null, key: setting, value, message });
  };
  for (const setting of SETTING_NAMES) {
    if (platform === 'win32' && LINUX_ONLY.has(setting) && values[setting] !== undefined) {
      complain(setting, 'is for Linux mounts only. Leave it out on Windows.');
    }
  }
  const mountPoint = values.mountPoint ?? (platform === 'win32' ? 'R:' : undefined);
  if (mountPoint === undefined) {
    const message =
      'No mount point: name an empty directory, as in "ramdrive mount /mnt/ram", ' +
      'or set "mountPoint" in the configuration file.';
    problems.push({ source: null, key: 'mountPoint', value: null, message });
  } else if (platform !== 'win32' && /^([A-Za-z]:\\?|\*:?|\\\\.*)$/.test(mountPoint)) {
    complain(
      'mountPoint',
      `"${mountPoint}" is for Windows. On Linux name an empty directory, such as /mnt/ram.`,
    );
  }
  const pageSizeBytes = values.pageSize ?? defaults.pageSizeBytes;
  const askedBytes = values.capacity ?? defaults.capacityBytes;
  const capacityBytes = askedBytes - (askedBytes % pageSizeBytes);
  if (capacityBytes === 0) {
    complain(
      'capacity',
      `expected at least one page of ${formatSize(pageSizeBytes)}, got ${askedBytes} bytes.`,
    );
  }
  // A finite time-out and direct I/O both mean "no kernel cache"; giving one of them is clear enough, contradicting it
  // is not.
  const uncached =
    values.fileInfoTimeout !== undefined ? 'fileInfoTimeout' : values.directIo ? 'directIo' : null;
  if (uncached !== null && values.kernelCache === true) {
    complain(
      uncached,
      'works only without the kernel cache. Set kernelCache to false (--kernel-cache=off), or leave this out.',
    );
  }
  const place = mountPoint === undefined ? '' : placeOf(mountPoint, sources.mountPoint ?? null, platform);
  const imageFile =
    values.image === undefined ? undefined : resolve(placeOf(values.image, sources.image ?? null, platform));
  if (imageFile !== undefined && isWithin(imageFile, place)) {
    complain('image', `"${values.image}" lies on the drive itself. Choose a place elsewhere.`);
  }
  const problem = imageFile === undefined ? null : problemOfName(imageFile);
  if (problem !== null) complain('image', `"${values.image}": ${problem}.`);
  if (values.saveEvery !== undefined && imageFile === undefined) {
    complain('saveEvery', 'works only with an image. Name one (--image <file>), or leave this out.');
  }
  if (problems.length > 0) {
    return null;
  }
  return {
    ...defaults,
    mountPoint: place,
    ...(imageFile !== undefined && { imageFile }),
    ...(values.saveEvery !== undefined && { saveEveryMs: values.saveEvery }),
    capacityBytes,
    pageSizeBytes,
    kernelCache: values.kernelCache ?? uncached === null,
    fileInfoTimeoutMs: values.fileInfoTimeout ?? defaults.fileInfoTimeoutMs,
    preallocate: values.preallocate ?? defaults.preallocate,
    label: values.label ?? defaults.label,
    caseSensitive: values.caseSensitive ?? defaults.caseSensitive,
    initialDirectories: values.initialDirectories ?? defaults.initialDirectories,
    directIo: values.directIo ?? defaults.directIo,
    allowOther: values.allowOther ?? defaults.allowOther,
    readOnly: values.readOnly ?? defaults.readOnly,
    mode: values.mode ?? defaults.mode,
  };
}

/**
 * Whether a file lies in a directory, or on a drive of that letter. Nothing lies in `/`: no drive can be mounted there,
 * and for the API it stands for a directory that is yet to be made.
 */
function isWithin(path: string, place: string): boolean {
  const from = relative(place, path);
  // "..x" is a name like any other.
  const isOutside = from === '..' || from.startsWith(`..${sep}`) || isAbsolute(from);
  return place !== '' && place !== '/' && from !== '' && !isOutside;
}

/** `~` is the home directory. In a file, a relative path is relative to the file, wherever the command is typed. */
function placeOf(mountPoint: string, source: ValueSource | null, platform: NodeJS.Platform): string {
  const place = /^~(?=[\\/]|$)/.test(mountPoint) ? homedir() + mountPoint.slice(1) : mountPoint;
  if (platform === 'win32') {
    return place;
  }
  return source?.kind === 'file' ? resolve(dirname(source.path), place) : resolve(place);
}
