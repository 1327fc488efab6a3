/**
 * `ramdrive register|unregister`: whether WinFsp's Launcher starts a drive for `net use X: \\ramdrive\2G`; and
 * `launch`, which is what it then starts.
 */
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { LAUNCHER_CLASS } from '../../drive/launcher/launched-drive.js';
import { LauncherError, register, unregister } from '../../drive/launcher/launcher-registration.js';
import { registryKey, textOf } from '../../os/registry.js';
import { registerEventSource, removeEventSource } from '../../os/windows-service/event-log.js';
import { Win32Code, Win32Error } from '../../os/windows-service/win32-error.js';
import { ExitCode } from '../exit-codes.js';
import { EVENT_SOURCE, launch } from './launch.js';

const PROGRAM = [process.execPath, fileURLToPath(new URL('../main.js', import.meta.url))];
const WINFSP = 'SOFTWARE\\WOW6432Node\\WinFsp';

export function launcherCommands(setExitCode: (code: number) => void): Command[] {
  const command = (name: string, description: string, work: () => void) =>
    new Command(name).description(description).action(() => {
      if (process.platform === 'win32') return asAdministrator(work);
      process.stderr.write(
        `ramdrive: "${name}" is for WinFsp's Launcher on Windows. ` +
          'On Linux use "ramdrive mount" or "ramdrive service".\n',
      );
      setExitCode(ExitCode.BAD_INPUT);
    });
  return [
    command('register', 'Windows: let "net use X: \\\\ramdrive\\2G" bring up a drive on demand.', () => {
      if (textOf(registryKey('HKLM', WINFSP).read('InstallDir')) === null) {
        throw new LauncherError('WinFsp is not installed: winget install WinFsp.WinFsp');
      }
      register(classKey(), PROGRAM);
      registerEventSource(EVENT_SOURCE);
      process.stdout.write(
        `registered: "net use X: \\\\${LAUNCHER_CLASS}\\2G" brings up a drive of 2 GiB, ` +
          '"net use X: /delete" ends it\n',
      );
    }),
    command('unregister', 'Windows: take back what "register" did. Drives that run stay.', () => {
      unregister(classKey());
      removeEventSource(EVENT_SOURCE);
      process.stdout.write('unregistered\n');
    }),
    new Command('launch')
      .description("What WinFsp's Launcher starts.")
      .argument('<share>', `such as \\${LAUNCHER_CLASS}\\2G`)
      .argument('[letter]', 'such as X:', '')
      .action(async (share: string, letter: string) => setExitCode(await launch(share, letter))),
  ];
}

function classKey() {
  return registryKey('HKLM', `${WINFSP}\\Services\\${LAUNCHER_CLASS}`);
}

function asAdministrator(work: () => void): void {
  try {
    work();
  } catch (error) {
    if (error instanceof Win32Error && error.code === Win32Code.ACCESS_DENIED) {
      throw new LauncherError(`The registry refused (${error.message}) Run it as administrator.`);
    }
    throw error;
  }
}
