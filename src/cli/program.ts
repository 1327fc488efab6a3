/**
 * The command line: what can be typed, and which command runs. Commands return an exit code and throw for what they
 * cannot do; all printing of errors is here, one message each, on standard error.
 */
import { Command, CommanderError, Option } from 'commander';
import { type OptionValue, resolveSettings } from '../drive/config/config.js';
import type { SettingName } from '../drive/config/settings.js';
import { packageVersion } from '../package-root.js';
import { doctorCommand } from './doctor-command.js';
import { describeError, ExitCode, exitCodeOf } from './exit-codes.js';
import { imageCommand } from './image/image-command.js';
import { saveCommand } from './image/save-command.js';
import { launcherCommands } from './launcher/register-command.js';
import { mountCommand } from './mount/mount-command.js';
import { mountInBackground } from './mount/mount-in-background.js';
import { checkTraceFile } from './mount/trace-file.js';
import { resizeCommand } from './resize-command.js';
import { serviceCommand } from './service/service-command.js';
import {
  deleteSnapshotCommand,
  rollbackCommand,
  snapshotCommand,
  snapshotsCommand,
} from './snapshot-commands.js';
import { statusCommand } from './status-command.js';
import { tempCommand } from './temp/temp-command.js';
import { unmountCommand } from './unmount-command.js';

/** What commander makes of the options of `mount`. */
interface MountFlags {
  config?: string;
  background?: boolean;
  image?: string;
  saveEvery?: string;
  capacity?: string;
  pageSize?: string;
  preallocate?: boolean;
  label?: string;
  kernelCache?: 'on' | 'off';
  fileInfoTimeout?: string;
  caseSensitive?: boolean;
  initialDirectory?: string[];
  directIo?: boolean;
  allowOther?: boolean;
  readOnly?: boolean;
  mode?: string;
  force?: boolean;
  trace?: string;
}

/** WinFsp's licence asks free programs that use it to show this. */
const WINFSP_NOTICE =
  'Served through WinFsp - Windows File System Proxy, Copyright (C) Bill Zissimopoulos\n' +
  'https://github.com/winfsp/winfsp';

/** Runs one command line; never throws, never exits. */
export async function runProgram(args: readonly string[]): Promise<number> {
  let exitCode: number = ExitCode.OK;
  const program = createProgram((code) => {
    exitCode = code;
  }, args);
  try {
    await program.parseAsync(args, { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) {
      // Commander has printed its message already. Help and version are no errors.
      return error.exitCode === 0 ? ExitCode.OK : ExitCode.BAD_INPUT;
    }
    process.stderr.write(`ramdrive: ${describeError(error)}\n`);
    return exitCodeOf(error);
  }
}

function createProgram(setExitCode: (code: number) => void, args: readonly string[]): Command {
  const program = new Command('ramdrive')
    .description('A drive that lives in memory.')
    .version(packageVersion(), '-v, --version')
    .addHelpText('after', `\n${WINFSP_NOTICE}`)
    .showHelpAfterError('(ramdrive --help shows what can be typed)')
    .exitOverride();
  program
    .command('mount')
    .description('Mount a RAM drive and serve it until Ctrl+C or "ramdrive unmount".')
    .argument(
      '[mountpoint]',
      'Linux: an empty directory; Windows: R: (default), * for a free letter, a directory that does not exist yet, ' +
        'or \\\\server\\share',
    )
    .option('--capacity <size>', 'size of the drive, such as 512M, 2G or 50% of the memory (default 1G)')
    .option('--page-size <size>', 'allocation unit, a power of two from 4K to 1M (default 4K)')
    .option('--image <file>', 'load this image (.tar, .tar.gz, .tar.zst) at start, and save it at the end')
    .option('--save-every <time>', 'save the image meanwhile, too, such as every 10m')
    .option('--preallocate', 'take all of the memory at start')
    .option('--force', 'with --preallocate: also more memory than is available')
    .option('--no-preallocate', 'take memory as files grow (default)')
    .option('--label <text>', 'volume label, at most 32 characters')
    .addOption(
      new Option('--kernel-cache <on|off>', 'let the system cache data (default on)').choices(['on', 'off']),
    )
    .option(
      '--file-info-timeout <ms>',
      'how long the system may keep metadata (default 1000); turns the kernel cache off',
    )
    .option('--case-sensitive', 'README and readme are two files (default on Linux)')
    .option('--no-case-sensitive', 'README and readme are one file (default on Windows)')
    .option('--initial-directory <path>', 'make this directory, such as /Temp (repeatable)', collect)
    .option('--direct-io', 'Linux: every read and write reaches the drive; turns the kernel cache off')
    .option('--allow-other', 'Linux: let other users enter')
    .option('--read-only', 'let nothing be written, made or removed')
    .option('--mode <octal>', 'Linux: permissions of the root directory, such as 0700 (default 0755)')
    .option('--config <file>', 'read settings from a JSONC file; options win over it')
    .option(
      '--trace <file>',
      'record every operation, to be judged by "npm run check-trace" in a checkout; not on the drive itself',
    )
    .option('--background', 'return when the drive is mounted, and serve it from a process of its own')
    .action(async (mountPoint: string | undefined, flags: MountFlags) => {
      const settings = resolveSettings({ configPath: flags.config, options: optionsOf(mountPoint, flags) });
      if (flags.force) {
        settings.force = true;
      }
      if (flags.trace !== undefined) {
        settings.traceFile = checkTraceFile(flags.trace, settings.mountPoint);
      }
      setExitCode(await (flags.background ? mountInBackground(settings, args) : mountCommand(settings)));
    });
  program
    .command('unmount')
    .description('Unmount a running drive. Its contents are gone.')
    .argument('<mountpoint>', 'where the drive is, as it was given to mount')
    .option('--force', 'also when programs use it, or when it does not answer')
    .action(async (mountPoint: string, { force }: { force?: boolean }) =>
      setExitCode(await unmountCommand(mountPoint, force ?? false)),
    );
  program
    .command('save')
    .description('Save what is on a running drive now. Programs go on using it meanwhile.')
    .argument('<mountpoint>', 'where the drive is, as it was given to mount')
    .argument('[file]', 'another file than its image; one that is there is replaced only when it is an image')
    .action(async (mountPoint: string, file: string | undefined) =>
      setExitCode(await saveCommand(mountPoint, file)),
    );
  program
    .command('snapshot')
    .description(
      'Keep what is on a drive now. A snapshot shares memory with the drive until files are changed.',
    )
    .argument('<mountpoint>', 'where the drive is, as it was given to mount')
    .argument('[name]', 'what to call it (default: the time)')
    .option('--delete', 'delete the snapshot of this name instead')
    .action(async (mountPoint: string, name: string | undefined, flags: { delete?: boolean }) =>
      setExitCode(await (flags.delete ? deleteSnapshotCommand : snapshotCommand)(mountPoint, name)),
    );
  program
    .command('snapshots')
    .description('List the snapshots of a drive.')
    .argument('<mountpoint>', 'where the drive is, as it was given to mount')
    .option('--json', 'as JSON: a list of objects')
    .action(async (mountPoint: string, { json }: { json?: boolean }) =>
      setExitCode(await snapshotsCommand(mountPoint, json ?? false)),
    );
  program
    .command('rollback')
    .description('Make a drive what it was at a snapshot. Programs lose the files that they have open on it.')
    .argument('<mountpoint>', 'where the drive is, as it was given to mount')
    .argument('<name>', 'of the snapshot, which stays')
    .action(async (mountPoint: string, name: string) => setExitCode(await rollbackCommand(mountPoint, name)));
  program
    .command('resize')
    .description('Change the capacity of a running drive, while programs use it.')
    .argument('<mountpoint>', 'where the drive is, as it was given to mount')
    .argument(
      '<size>',
      'such as 4G; at least what files and snapshots reserve, at most the memory of the machine',
    )
    .action(async (mountPoint: string, size: string) => setExitCode(await resizeCommand(mountPoint, size)));
  program
    .command('status')
    .description('Show what a drive, or every running drive, holds and does.')
    .argument('[mountpoint]', 'one drive; all that run when left out')
    .option('--check', 'walk all files and compare them with the figures; holds up requests meanwhile')
    .option('--json', 'as JSON: one object for a mount point, a list without one')
    .action(async (mountPoint: string | undefined, flags: { json?: boolean; check?: boolean }) =>
      setExitCode(await statusCommand(mountPoint, flags)),
    );
  program
    .command('doctor')
    .description('Check whether drives can be mounted here, and say what to do if not.')
    .action(async () => setExitCode(await doctorCommand()));
  program.addCommand(serviceCommand(setExitCode));
  program.addCommand(imageCommand(setExitCode));
  program.addCommand(tempCommand(setExitCode));
  for (const command of launcherCommands(setExitCode)) {
    program.addCommand(command, { hidden: command.name() === 'launch' });
  }
  for (const command of program.commands) {
    command.exitOverride().showHelpAfterError(`(ramdrive ${command.name()} --help shows what can be typed)`);
  }
  return program;
}

/** Only what was typed, so that the configuration file keeps what was not. */
function optionsOf(mountPoint: string | undefined, flags: MountFlags): OptionValue[] {
  const options: OptionValue[] = [];
  const add = (setting: SettingName, option: string, value: unknown) => {
    if (value !== undefined) {
      options.push({ setting, option, value });
    }
  };
  const negatable = (option: string, value: boolean | undefined) =>
    value === false ? `--no-${option}` : `--${option}`;
  add('mountPoint', '<mountpoint>', mountPoint);
  add('image', '--image', flags.image);
  add('saveEvery', '--save-every', flags.saveEvery);
  add('capacity', '--capacity', flags.capacity);
  add('pageSize', '--page-size', flags.pageSize);
  add('preallocate', negatable('preallocate', flags.preallocate), flags.preallocate);
  add('label', '--label', flags.label);
  add(
    'kernelCache',
    '--kernel-cache',
    flags.kernelCache === undefined ? undefined : flags.kernelCache === 'on',
  );
  add('fileInfoTimeout', '--file-info-timeout', numberIfNumeric(flags.fileInfoTimeout));
  add('caseSensitive', negatable('case-sensitive', flags.caseSensitive), flags.caseSensitive);
  add('initialDirectories', '--initial-directory', flags.initialDirectory);
  add('directIo', '--direct-io', flags.directIo);
  add('allowOther', '--allow-other', flags.allowOther);
  add('readOnly', '--read-only', flags.readOnly);
  add('mode', '--mode', flags.mode);
  return options;
}

/** Digits become a number; anything else stays as typed, for the message. */
function numberIfNumeric(text: string | undefined): number | string | undefined {
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : text;
}

function collect(value: string, previous: string[] = []): string[] {
  return [...previous, value];
}
