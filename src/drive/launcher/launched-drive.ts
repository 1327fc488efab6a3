/**
 * What `net use X: \\ramdrive\2G` asks for: WinFsp's Launcher hands over the two names as it got them, without escaping
 * quotes, so nothing in them is taken for an option and everything that is not expected is refused.
 */
import { resolveSettings } from '../config/config.js';
import type { DriveSettings } from '../config/settings.js';
import { ConfigError } from '../errors.js';

/** The class of the Launcher, and so the server's name in `\\ramdrive\2G`. */
export const LAUNCHER_CLASS = 'ramdrive';

const SHARE = new RegExp(`^\\\\${LAUNCHER_CLASS}\\\\((\\d+[KMGT]|\\d+%)(?:-(\\w{1,32}))?)$`, 'i');
const SHARE_EXPECTED =
  `expected \\\\${LAUNCHER_CLASS}\\ and a capacity such as 2G, 512M or 50%, ` +
  'and perhaps "-" and a name of at most 32 letters, digits and _, which becomes the label: ' +
  `\\\\${LAUNCHER_CLASS}\\2G-builds`;

/**
 * `share`: as the Launcher writes it, with one backslash in front. `letter`: `X:`, or empty for a share alone. Throws
 * ConfigError.
 */
export function launchedSettings(share: string, letter: string): DriveSettings {
  const [, instance, capacity, label] = SHARE.exec(share) ?? [];
  if (instance === undefined) throw refused(`\\${share}`, SHARE_EXPECTED);
  if (!/^([A-Z]:)?$/i.test(letter)) throw refused(letter, 'expected a drive letter such as X:, or nothing');
  const option = `\\${share}`;
  const settings = resolveSettings({
    configPath: undefined,
    options: [
      { setting: 'mountPoint', option, value: `\\\\${LAUNCHER_CLASS}\\${instance}` },
      { setting: 'capacity', option, value: capacity },
      ...(label === undefined ? [] : [{ setting: 'label' as const, option, value: label }]),
    ],
    platform: 'win32',
  });
  return letter === '' ? settings : { ...settings, shareLetter: letter.toUpperCase() };
}

function refused(value: string, expected: string): ConfigError {
  const message = `${expected}, got ${JSON.stringify(value)}.`;
  return new ConfigError([{ source: null, key: null, value, message }]);
}
