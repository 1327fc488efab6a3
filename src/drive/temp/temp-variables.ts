/**
 * The user's TEMP and TMP on the drive, and back. Windows keeps them in HKCU\Environment; what they were is kept in a
 * key of ours, with its type, before anything is changed, so that a crash between any two steps loses nothing: `off`
 * and `on` both carry on from there.
 *
 * A value is touched only while it is the one that was written here, or, at a logon, the one from before: what
 * the user or another program has set meanwhile stays.
 */
import { type RegistryKey, type RegistryValue, textOf, textValue } from '../../os/registry.js';

const VARIABLES = ['TEMP', 'TMP'] as const;
/** In the key of ours: the directory on the drive. Written last, so that it is there when the old values are. */
const DIRECTORY = 'Directory';
/** In HKCU\...\Run: what runs at each logon. */
export const LOGON_ENTRY = 'ramdrive temp';

export class TempError extends Error {
  override readonly name = 'TempError';
}

export interface TempPlaces {
  /** HKCU\Environment */
  environment: RegistryKey;
  /** A key of ours, with the old values. */
  saved: RegistryKey;
  /** HKCU\Software\Microsoft\Windows\CurrentVersion\Run */
  run: RegistryKey;
  /** Tells running programs. */
  announce(): void;
  exists(directory: string): boolean;
}

export interface TempReport {
  /** `fallen-back`: on, but the drive was missing at the last logon. `changed`: on, and changed by others since. */
  state: 'off' | 'on' | 'fallen-back' | 'changed';
  /** On the drive; null when off. */
  directory: string | null;
  /** Of the registry, not expanded; null where there is none. */
  values: Readonly<Record<(typeof VARIABLES)[number], string | null>>;
}

/** `atLogon`: the command line of `followDrive`. `say` gets each change before it is made. Throws TempError. */
export function turnOn(
  places: TempPlaces,
  directory: string,
  atLogon: string,
  say: (line: string) => void,
): void {
  const { environment, saved, run } = places;
  const before = textOf(saved.read(DIRECTORY));
  if (before !== null && before !== directory) {
    throw new TempError(`TEMP is on ${before} already: run "ramdrive temp off" first.`);
  }
  if (!places.exists(directory)) {
    throw new TempError(
      `${directory} is not there. Start the drive first ("ramdrive service start"), ` +
        'and let its configuration have "initialDirectories": ["\\\\Temp"].',
    );
  }
  const changing = VARIABLES.filter((name) => !isText(environment.read(name), directory));
  for (const name of changing) say(`${name}: from ${shown(environment.read(name))} to ${directory}`);
  for (const name of before === null ? VARIABLES : changing) put(saved, name, environment.read(name));
  saved.write(DIRECTORY, textValue(directory));
  run.write(LOGON_ENTRY, textValue(atLogon));
  for (const name of changing) environment.write(name, textValue(directory));
  places.announce();
}

/** Throws TempError when it is off. */
export function turnOff(places: TempPlaces, say: (line: string) => void): void {
  const directory = textOf(places.saved.read(DIRECTORY));
  if (directory === null) throw new TempError('TEMP is not on a drive: there is nothing to restore.');
  for (const name of VARIABLES) {
    const now = places.environment.read(name);
    const old = places.saved.read(name);
    if (isText(now, directory)) {
      say(`${name}: from ${directory} to ${shown(old)}`);
      put(places.environment, name, old);
    } else if (!isSame(now, old)) {
      say(`${name}: stays ${shown(now)}, which was set meanwhile`);
    }
  }
  places.run.remove(LOGON_ENTRY);
  places.saved.removeKey();
  places.announce();
}

/** At a logon: the drive's directory where it is there, else what was there before. */
export function followDrive(places: TempPlaces): void {
  const directory = textOf(places.saved.read(DIRECTORY));
  if (directory === null) return;
  const isThere = places.exists(directory);
  let hasChanged = false;
  for (const name of VARIABLES) {
    const now = places.environment.read(name);
    const old = places.saved.read(name);
    if (isThere && isSame(now, old)) {
      places.environment.write(name, textValue(directory));
      hasChanged = true;
    } else if (!isThere && isText(now, directory)) {
      put(places.environment, name, old);
      hasChanged = true;
    }
  }
  if (hasChanged) places.announce();
}

export function reportTemp({ environment, saved }: TempPlaces): TempReport {
  const directory = textOf(saved.read(DIRECTORY));
  const values = { TEMP: textOf(environment.read('TEMP')), TMP: textOf(environment.read('TMP')) };
  const all = (check: (name: (typeof VARIABLES)[number]) => boolean) => VARIABLES.every(check);
  if (directory === null) return { state: 'off', directory, values };
  if (all((name) => values[name] === directory)) return { state: 'on', directory, values };
  const isFallenBack = all((name) => isSame(environment.read(name), saved.read(name)));
  return { state: isFallenBack ? 'fallen-back' : 'changed', directory, values };
}

function put(key: RegistryKey, name: string, value: RegistryValue | null): void {
  if (value === null) key.remove(name);
  else key.write(name, value);
}

function isText(value: RegistryValue | null, text: string): boolean {
  return textOf(value) === text;
}

function isSame(a: RegistryValue | null, b: RegistryValue | null): boolean {
  return a === null || b === null ? a === b : a.type === b.type && a.data.equals(b.data);
}

function shown(value: RegistryValue | null): string {
  if (value === null) return 'not set';
  return textOf(value) ?? `a value of type ${value.type}`;
}
