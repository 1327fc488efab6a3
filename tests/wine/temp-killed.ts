/**
 * Windows: `ramdrive temp on` or `off`, whose process is killed before its n-th change of the registry (temp.ts starts
 * it). Exit code 0 when there were fewer changes.
 *
 *   temp-killed.js on|off <directory> <n>
 */

import { turnOff, turnOn } from '../../src/drive/temp/temp-variables.js';
import { windowsTempPlaces } from '../../src/drive/temp/windows-temp.js';
import type { RegistryKey } from '../../src/os/registry.js';

const [action, directory, count] = process.argv.slice(2) as [string, string, string];
let left = Number(count);

function counted(key: RegistryKey): RegistryKey {
  const change = (work: () => void) => {
    // TerminateProcess, which returns when it is too late for anything else.
    if (left-- === 0) process.kill(process.pid, 'SIGKILL');
    work();
  };
  return {
    read: (name) => key.read(name),
    write: (name, value) => change(() => key.write(name, value)),
    remove: (name) => change(() => key.remove(name)),
    removeKey: () => change(() => key.removeKey()),
  };
}

const { environment, saved, run, ...others } = windowsTempPlaces();
const places = {
  environment: counted(environment),
  saved: counted(saved),
  run: counted(run),
  ...others,
};
if (action === 'on') turnOn(places, directory, 'at-logon', () => {});
else turnOff(places, () => {});
