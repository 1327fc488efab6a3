/**
 * The class of WinFsp's Launcher under which it starts drives (docs/winfsp.md#the-launcher): values of a key below
 * WinFsp's own.
 *
 * RunAs "." has the drive run as the user who asks for it: `ramdrive status` of that user finds it, and whatever is
 * smuggled into the command line has no more rights than its author. Interactive users may start one; who started it
 * may end it, which the Launcher adds by itself.
 */
import { numberValue, type RegistryKey, textOf, textValue } from '../../os/registry.js';
import { windowsCommandLine } from '../service/windows-command-line.js';

/** The Launcher's buffers: what is longer is cut. */
const MAX_EXECUTABLE_UNITS = 259;
const MAX_COMMAND_LINE_UNITS = 511 - '%0 '.length;
const SECURITY = 'D:P(A;;RPWPLC;;;SY)(A;;RPWPLC;;;BA)(A;;RP;;;IU)';
const ARGUMENTS = 'launch %1 %2';

export class LauncherError extends Error {
  override readonly name = 'LauncherError';
}

/** The values by name. `program`: node.exe and the compiled command line. Throws LauncherError for too long paths. */
export function launcherValues(program: readonly string[]): Record<string, string> {
  const [executable = '', ...scripts] = program;
  // A percent sign stands for itself when it is doubled.
  const commandLine = `${windowsCommandLine(scripts).replaceAll('%', '%%')} ${ARGUMENTS}`;
  if (executable.length > MAX_EXECUTABLE_UNITS || commandLine.length > MAX_COMMAND_LINE_UNITS) {
    throw new LauncherError(
      `The path of this program is too long for WinFsp's Launcher: expected at most ${MAX_EXECUTABLE_UNITS} ` +
        `characters for ${executable} and ${MAX_COMMAND_LINE_UNITS} for ${commandLine}. Install it in a shorter one.`,
    );
  }
  return { Executable: executable, CommandLine: commandLine, Security: SECURITY, RunAs: '.' };
}

/** Writes the class, over an older one of ours. Throws LauncherError when the name is another program's. */
export function register(key: RegistryKey, program: readonly string[]): void {
  const values = launcherValues(program);
  if (isTaken(key)) throw foreign(key);
  for (const [name, value] of Object.entries(values)) key.write(name, textValue(value));
  // The drive ends with the Launcher's service.
  key.write('JobControl', numberValue(1));
}

/** Throws LauncherError when there is no such class, or another program's. */
export function unregister(key: RegistryKey): void {
  if (key.read('Executable') === null) {
    throw new LauncherError('Not registered: there is nothing to take away.');
  }
  if (isTaken(key)) throw foreign(key);
  key.removeKey();
}

function isTaken(key: RegistryKey): boolean {
  return key.read('Executable') !== null && !textOf(key.read('CommandLine'))?.endsWith(` ${ARGUMENTS}`);
}

function foreign(key: RegistryKey): LauncherError {
  return new LauncherError(
    `Another program has this name for the Launcher: ${textOf(key.read('Executable'))}. Unregister it there first.`,
  );
}
