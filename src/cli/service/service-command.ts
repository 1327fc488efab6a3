/**
 * `ramdrive service install|uninstall|start|stop|status`: a drive that is mounted at boot, as a Windows service or a
 * systemd unit. `service run` is what Windows' service manager starts; in a console it says so and does nothing.
 */
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import {
  checkServiceName,
  DEFAULT_SERVICE_NAME,
  readServiceConfig,
} from '../../drive/service/service-definition.js';
import type { ServiceHost, ServiceReport } from '../../drive/service/service-host.js';
import { systemdServices } from '../../drive/service/systemd-services.js';
import { windowsServices } from '../../drive/service/windows-services.js';
import { ExitCode } from '../exit-codes.js';
import { serviceRun } from './service-run.js';

const PROGRAM = [process.execPath, fileURLToPath(new URL('../main.js', import.meta.url))];
const PROGRESS_AFTER_MS = 2000;

export function serviceCommand(setExitCode: (code: number) => void): Command {
  const command = new Command('service').description(
    'Mount a drive at boot: a Windows service, or a systemd unit on Linux.',
  );
  const sub = (name: string, description: string) =>
    command
      .command(name)
      .description(description)
      .option('--name <name>', 'of the service, for more than one', DEFAULT_SERVICE_NAME)
      .exitOverride()
      .showHelpAfterError(`(ramdrive service ${name} --help shows what can be typed)`);
  sub('install', 'Install the service; it mounts what the configuration file says.')
    .requiredOption('--config <file>', 'the drive: mount point, capacity and all else')
    .action(async (flags: { name: string; config: string }) => {
      const name = checkServiceName(flags.name);
      say(await services().install(name, readServiceConfig(flags.config)));
    });
  sub(
    'uninstall',
    'Stop the service, and take away what "install" made. The configuration file stays.',
  ).action(async (flags: { name: string }) => {
    const name = checkServiceName(flags.name);
    say(await withProgress(`removing "${name}"`, services().uninstall(name)));
  });
  sub('start', 'Start it, and wait until the drive is mounted.').action(async (flags: { name: string }) => {
    const name = checkServiceName(flags.name);
    await withProgress(`starting "${name}"`, services().start(name));
    say([`"${name}" is running`]);
  });
  sub('stop', 'Stop it, and wait until everything is saved and unmounted.').action(
    async (flags: { name: string }) => {
      const name = checkServiceName(flags.name);
      await withProgress(`stopping "${name}"`, services().stop(name));
      say([`"${name}" is stopped`]);
    },
  );
  sub('status', 'Whether it runs. Exit code 0 when it does.').action(async (flags: { name: string }) => {
    const name = checkServiceName(flags.name);
    const report = await services().report(name);
    say([describe(name, report)]);
    setExitCode(report.state === 'running' ? ExitCode.OK : ExitCode.FAILURE);
  });
  sub('run', 'What the service manager starts.')
    .requiredOption('--config <file>')
    .action(async (flags: { name: string; config: string }) => {
      setExitCode(await serviceRun(checkServiceName(flags.name), flags.config));
    });
  return command;
}

function services(): ServiceHost {
  return process.platform === 'win32' ? windowsServices(PROGRAM) : systemdServices(PROGRAM);
}

function say(lines: readonly string[]): void {
  for (const line of lines) process.stdout.write(`${line}\n`);
}

function describe(name: string, { state, pid, exitCode }: ServiceReport): string {
  const words = state === 'absent' ? 'is not installed' : `is ${state}`;
  const process = pid === null ? '' : `, process ${pid}`;
  const code = exitCode === null ? '' : `, last exit code ${exitCode}`;
  return `"${name}" ${words}${process}${code}`;
}

/** A line that says what is waited for, when it takes a while. */
async function withProgress<T>(what: string, work: Promise<T>): Promise<T> {
  const timer = setTimeout(() => process.stderr.write(`ramdrive: ${what} …\n`), PROGRESS_AFTER_MS);
  try {
    return await work;
  } finally {
    clearTimeout(timer);
  }
}
