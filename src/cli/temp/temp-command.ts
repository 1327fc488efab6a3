/**
 * `ramdrive temp on|off|status`: the user's temporary files on the drive that a service mounts at boot.
 * `temp at-logon` is what the registry's Run key starts.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { checkServiceName, DEFAULT_SERVICE_NAME } from '../../drive/service/service-definition.js';
import { windowsCommandLine } from '../../drive/service/windows-command-line.js';
import {
  followDrive,
  reportTemp,
  type TempReport,
  turnOff,
  turnOn,
} from '../../drive/temp/temp-variables.js';
import { tempOfService, windowsTempPlaces } from '../../drive/temp/windows-temp.js';
import { ExitCode } from '../exit-codes.js';

const AT_LOGON = [
  process.execPath,
  fileURLToPath(new URL('../main.js', import.meta.url)),
  'temp',
  'at-logon',
];
/** A service may still be mounting when the first user logs on. */
const DRIVE_WAIT_MS = 30_000;
const POLL_MS = 500;

export function tempCommand(setExitCode: (code: number) => void): Command {
  const command = new Command('temp').description(
    "Windows: put the user's temporary files (TEMP, TMP) on the drive, or back.",
  );
  const sub = (name: string, description: string, work: (flags: { name: string }) => void | Promise<void>) =>
    command
      .command(name)
      .description(description)
      .exitOverride()
      .showHelpAfterError(`(ramdrive temp ${name} --help shows what can be typed)`)
      .action(async (flags: { name: string }) => {
        if (process.platform === 'win32') return work(flags);
        process.stderr.write(
          'ramdrive: "temp" changes the registry of Windows. On Linux set TMPDIR where you start programs.\n',
        );
        setExitCode(ExitCode.BAD_INPUT);
      });
  sub('on', 'Set TEMP and TMP to \\Temp of the drive that a service mounts at boot.', ({ name }) => {
    const directory = tempOfService(checkServiceName(name));
    turnOn(windowsTempPlaces(), directory, windowsCommandLine(AT_LOGON), say);
    say('programs that are started from now on use it; the others keep what they have');
  }).option('--name <name>', 'of the service that mounts it', DEFAULT_SERVICE_NAME);
  sub('off', 'Set TEMP and TMP to what they were.', () => {
    turnOff(windowsTempPlaces(), say);
  });
  sub('status', 'Where TEMP and TMP are. Exit code 0 when they are on the drive.', () => {
    const report = reportTemp(windowsTempPlaces());
    say(describe(report));
    say(`TEMP: ${report.values.TEMP ?? 'not set'}`);
    say(`TMP: ${report.values.TMP ?? 'not set'}`);
    setExitCode(report.state === 'on' ? ExitCode.OK : ExitCode.FAILURE);
  });
  sub('at-logon', 'What runs at each logon: TEMP is on the drive if that is there, else where it was.', () =>
    atLogon(),
  );
  return command;
}

async function atLogon(): Promise<void> {
  const places = windowsTempPlaces();
  const { directory } = reportTemp(places);
  const deadline = performance.now() + DRIVE_WAIT_MS;
  while (directory !== null && !places.exists(directory) && performance.now() < deadline) {
    await sleep(POLL_MS);
  }
  followDrive(places);
}

function describe({ state, directory }: TempReport): string {
  switch (state) {
    case 'off':
      return 'off';
    case 'on':
      return `on, in ${directory}`;
    case 'fallen-back':
      return `on, but ${directory} was missing at the last logon: the old values are in use`;
    case 'changed':
      return `on, in ${directory}, but something else has changed the values since`;
  }
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
