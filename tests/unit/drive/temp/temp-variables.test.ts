import { describe, expect, it } from 'vitest';
import {
  followDrive,
  LOGON_ENTRY,
  reportTemp,
  type TempPlaces,
  turnOff,
  turnOn,
} from '../../../../src/drive/temp/temp-variables.js';
import { configOf, tempDirectory } from '../../../../src/drive/temp/windows-temp.js';
import {
  type RegistryKey,
  RegistryType,
  type RegistryValue,
  textOf,
  textValue,
} from '../../../../src/os/registry.js';

class Crash extends Error {}

/** A registry in memory, whose user can lose power before the n-th change. */
class Machine {
  readonly keys: Record<string, Map<string, RegistryValue>> = {
    environment: new Map(),
    saved: new Map(),
    run: new Map(),
  };
  changesLeft = Number.POSITIVE_INFINITY;
  announced = 0;
  hasDrive = true;

  readonly places: TempPlaces = {
    environment: this.#key('environment'),
    saved: this.#key('saved'),
    run: this.#key('run'),
    announce: () => this.announced++,
    exists: () => this.hasDrive,
  };

  #key(key: string): RegistryKey {
    const values = () => this.keys[key]!;
    const change = (work: () => void) => {
      if (this.changesLeft-- <= 0) throw new Crash();
      work();
    };
    return {
      read: (name) => values().get(name) ?? null,
      write: (name, value) => change(() => values().set(name, value)),
      remove: (name) => change(() => values().delete(name)),
      removeKey: () => change(() => values().clear()),
    };
  }

  on(directory = 'R:\\Temp'): string[] {
    const said: string[] = [];
    turnOn(this.places, directory, 'at-logon', (line) => said.push(line));
    return said;
  }

  off(): string[] {
    const said: string[] = [];
    turnOff(this.places, (line) => said.push(line));
    return said;
  }

  text(name: string): string | null {
    return textOf(this.keys.environment!.get(name) ?? null);
  }
}

const OLD = textValue('%USERPROFILE%\\AppData\\Local\\Temp', RegistryType.EXPAND_SZ);

function machine(): Machine {
  const made = new Machine();
  made.keys.environment!.set('TEMP', OLD);
  made.keys.environment!.set('Path', textValue('C:\\x'));
  return made;
}

describe('TEMP on the drive', () => {
  it('says each change, and restores value and type, and what was not set', () => {
    const it = machine();
    expect(it.on()).toEqual([
      'TEMP: from %USERPROFILE%\\AppData\\Local\\Temp to R:\\Temp',
      'TMP: from not set to R:\\Temp',
    ]);
    expect([it.text('TEMP'), it.text('TMP')]).toEqual(['R:\\Temp', 'R:\\Temp']);
    expect(reportTemp(it.places).state).toBe('on');
    expect(it.on()).toEqual([]);
    it.off();
    expect(it.keys).toEqual(machine().keys);
    expect(it.announced).toBe(3);
    expect(() => it.off()).toThrow(/nothing to restore/);
  });

  it('leaves what was set meanwhile', () => {
    const it = machine();
    it.on();
    it.keys.environment!.set('TEMP', textValue('D:\\mine'));
    expect(reportTemp(it.places).state).toBe('changed');
    expect(it.off()).toEqual([
      'TEMP: stays D:\\mine, which was set meanwhile',
      'TMP: from R:\\Temp to not set',
    ]);
    expect([it.text('TEMP'), it.text('TMP')]).toEqual(['D:\\mine', null]);
  });

  it('what was there before stays, even when it is the same directory', () => {
    const it = machine();
    it.keys.environment!.set('TEMP', textValue('R:\\Temp'));
    it.on();
    it.off();
    expect(it.text('TEMP')).toBe('R:\\Temp');
  });

  it('refuses where the drive is missing, and a second drive', () => {
    const it = machine();
    it.hasDrive = false;
    expect(() => it.on()).toThrow(/R:\\Temp is not there.*service start/);
    it.hasDrive = true;
    it.on();
    expect(() => it.on('S:\\Temp')).toThrow(/already: run "ramdrive temp off"/);
  });

  it('a logon without the drive falls back, and one with it returns', () => {
    const it = machine();
    it.on();
    const whenOn = new Map(it.keys.environment);
    it.hasDrive = false;
    followDrive(it.places);
    expect(it.keys.environment).toEqual(machine().keys.environment);
    expect(reportTemp(it.places).state).toBe('fallen-back');
    followDrive(it.places);
    it.hasDrive = true;
    followDrive(it.places);
    expect(it.keys.environment).toEqual(whenOn);
    it.keys.environment!.set('TEMP', textValue('D:\\mine'));
    it.hasDrive = false;
    followDrive(it.places);
    expect(it.text('TEMP')).toBe('D:\\mine');
  });

  it('"off" after a fall-back leaves nothing', () => {
    const it = machine();
    it.on();
    it.hasDrive = false;
    followDrive(it.places);
    expect(it.off()).toEqual([]);
    expect(it.keys).toEqual(machine().keys);
  });

  const STEPS = Array.from({ length: 12 }, (_, n) => n);
  it.each(STEPS)('a crash before change %i of "on" loses nothing', (changes) => {
    const it = machine();
    it.changesLeft = changes;
    let crashed = false;
    try {
      it.on();
    } catch (error) {
      crashed = error instanceof Crash;
    }
    expect(crashed).toBe(changes < 6);
    it.changesLeft = Number.POSITIVE_INFINITY;
    const again = { environment: new Map(it.keys.environment), saved: new Map(it.keys.saved) };
    if (reportTemp(it.places).state !== 'off') it.off();
    expect(it.keys.environment).toEqual(machine().keys.environment);
    it.keys.environment = again.environment;
    it.keys.saved = again.saved;
    it.on();
    it.off();
    expect(it.keys).toEqual(machine().keys);
  });

  it.each(STEPS)('a crash before change %i of "off" loses nothing', (changes) => {
    const it = machine();
    it.on();
    it.changesLeft = changes;
    try {
      it.off();
    } catch {
      it.changesLeft = Number.POSITIVE_INFINITY;
      it.off();
    }
    expect(it.keys).toEqual(machine().keys);
    expect(it.keys.run!.has(LOGON_ENTRY)).toBe(false);
  });
});

describe('which directory', () => {
  it('the configuration is taken from the command line of the service', () => {
    const line =
      '"C:\\a b\\node.exe" "C:\\main.js" "service" "run" "--name" "x" "--config" "C:\\Program Data\\drive.jsonc"';
    expect(configOf(line)).toBe('C:\\Program Data\\drive.jsonc');
    expect(configOf('C:\\other.exe --config x')).toBeNull();
  });

  it('a letter or a directory whose drive makes \\Temp', () => {
    expect(tempDirectory('f', '\\\\.\\R:', ['\\Other', '\\temp\\x'])).toBe('R:\\Temp');
    expect(tempDirectory('f', 'C:\\ram', ['\\Temp'])).toBe('C:\\ram\\Temp');
    expect(() => tempDirectory('f', '*', ['\\Temp'])).toThrow(/a letter such as R: that stays/);
    expect(() => tempDirectory('f', 'R:', ['\\Tempo'])).toThrow(/add "initialDirectories"/);
  });
});
