import { describe, expect, it } from 'vitest';
import {
  LauncherError,
  launcherValues,
  register,
  unregister,
} from '../../../../src/drive/launcher/launcher-registration.js';
import { type RegistryKey, type RegistryValue, textOf, textValue } from '../../../../src/os/registry.js';

const PROGRAM = ['C:\\Program Files\\ramdrive\\node.exe', 'C:\\100% mine\\main.js'];

function keyOf(values = new Map<string, RegistryValue>()): RegistryKey & { values: typeof values } {
  return {
    values,
    read: (name) => values.get(name) ?? null,
    write: (name, value) => void values.set(name, value),
    remove: (name) => void values.delete(name),
    removeKey: () => values.clear(),
  };
}

describe('the class of WinFsp’s Launcher', () => {
  it('names the program, runs it as who asks, and lets interactive users start it', () => {
    const key = keyOf();
    register(key, PROGRAM);
    register(key, PROGRAM);
    const text = (name: string) => textOf(key.read(name));
    expect(text('Executable')).toBe(PROGRAM[0]);
    expect(text('CommandLine')).toBe('"C:\\100%% mine\\main.js" launch %1 %2');
    expect(text('RunAs')).toBe('.');
    expect(text('Security')).toBe('D:P(A;;RPWPLC;;;SY)(A;;RPWPLC;;;BA)(A;;RP;;;IU)');
    unregister(key);
    expect(key.values.size).toBe(0);
    expect(() => unregister(key)).toThrow(/Not registered/);
  });

  it('is left alone when it is another program’s', () => {
    const key = keyOf(new Map([['Executable', textValue('C:\\other.exe')]]));
    expect(() => register(key, PROGRAM)).toThrow(/Another program.*C:\\other\.exe/);
    expect(() => unregister(key)).toThrow(LauncherError);
    expect(key.values.size).toBe(1);
  });

  it('takes no path that the Launcher would cut', () => {
    expect(() => launcherValues([`C:\\${'x'.repeat(257)}`, 'C:\\main.js'])).toThrow(/too long.*259/);
    expect(() => launcherValues(['C:\\node.exe', `C:\\${'x'.repeat(500)}`])).toThrow(/508/);
  });
});
