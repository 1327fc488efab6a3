/**
 * `ramdrive service` on Linux: a systemd unit, of the system when root installs it, else of the user. Where systemd
 * does not run (a container), the unit is written all the same, and what cannot be done is said.
 */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { SERVICE_STOP_TIMEOUT_MS, type ServiceConfig } from './service-definition.js';
import { ServiceError, type ServiceHost, type ServiceReport } from './service-host.js';
import { systemdUnit } from './systemd-unit.js';

const run = promisify(execFile);
/** Never by the caller's PATH: root may run this. */
const SYSTEMCTL = ['/usr/bin/systemctl', '/bin/systemctl'];
const MARK = '# Written by "ramdrive service install"; "ramdrive service uninstall" removes it.\n';

export interface SystemdPlaces {
  scope: 'system' | 'user';
  unitDirectory: string;
}

function systemdPlaces(): SystemdPlaces {
  if (process.getuid?.() === 0) return { scope: 'system', unitDirectory: '/etc/systemd/system' };
  const config = process.env.XDG_CONFIG_HOME || join(homedir(), '.config');
  return { scope: 'user', unitDirectory: join(config, 'systemd', 'user') };
}

/** `program`: node and the compiled command line of this package. */
export function systemdServices(program: readonly string[], places = systemdPlaces()): ServiceHost {
  const unitOf = (name: string) => `${name}.service`;
  const pathOf = (name: string) => join(places.unitDirectory, unitOf(name));
  const systemctl = (...args: string[]) => callSystemctl(places.scope, args);
  return {
    async install(name, config: ServiceConfig) {
      const path = pathOf(name);
      if (existsSync(path) && !isOurs(path)) {
        throw new ServiceError(`${path} is there and was not made by ramdrive: choose another --name.`);
      }
      const text =
        MARK +
        systemdUnit({
          mountPoint: config.settings.mountPoint,
          command: [...program, 'mount', '--config', config.path],
          scope: places.scope,
          stopTimeoutSeconds: SERVICE_STOP_TIMEOUT_MS / 1000,
        });
      mkdirSync(places.unitDirectory, { recursive: true });
      writeFileSync(path, text, { mode: 0o644 });
      const lines = [`wrote ${path}`];
      if (!isRunning()) {
        return [...lines, 'systemd does not run here: nothing was enabled'];
      }
      await systemctl('daemon-reload');
      await systemctl('enable', unitOf(name));
      return [...lines, places.scope === 'system' ? 'it mounts at boot' : 'it mounts when you log on'];
    },
    async uninstall(name) {
      const path = pathOf(name);
      if (!existsSync(path)) throw new ServiceError(`There is no service "${name}" (${path}).`);
      if (!isOurs(path)) throw new ServiceError(`${path} was not made by ramdrive: it is left alone.`);
      if (isRunning()) {
        await systemctl('disable', '--now', unitOf(name));
      }
      rmSync(path);
      if (isRunning()) await systemctl('daemon-reload');
      return [`removed ${path}`];
    },
    async start(name) {
      await systemctl('start', unitOf(name));
    },
    async stop(name) {
      await systemctl('stop', unitOf(name));
    },
    async report(name) {
      if (!existsSync(pathOf(name))) return { state: 'absent', pid: null, exitCode: null };
      const properties = await systemctl(
        'show',
        unitOf(name),
        '--property=ActiveState,MainPID,ExecMainStatus',
      );
      return reportOf(properties);
    },
  };
}

/** What `systemctl show` says, as a report. */
export function reportOf(properties: string): ServiceReport {
  const value = (key: string) => new RegExp(`^${key}=(.*)$`, 'm').exec(properties)?.[1] ?? '';
  const states: Readonly<Record<string, ServiceReport['state']>> = {
    active: 'running',
    reloading: 'running',
    activating: 'starting',
    deactivating: 'stopping',
    failed: 'failed',
  };
  const code = Number(value('ExecMainStatus'));
  return {
    state: states[value('ActiveState')] ?? 'stopped',
    pid: Number(value('MainPID')) || null,
    exitCode: code > 0 ? code : null,
  };
}

function isOurs(path: string): boolean {
  return readFileSync(path, 'utf8').startsWith(MARK);
}

/** As sd_booted(3) tells it. */
function isRunning(): boolean {
  return existsSync('/run/systemd/system');
}

async function callSystemctl(scope: SystemdPlaces['scope'], args: readonly string[]): Promise<string> {
  const program = SYSTEMCTL.find((path) => existsSync(path));
  if (program === undefined || !isRunning()) {
    throw new ServiceError('systemd does not run here, so no service can be started, stopped or asked.');
  }
  try {
    const { stdout } = await run(program, scope === 'user' ? ['--user', ...args] : [...args]);
    return stdout;
  } catch (error) {
    const { stderr } = error as { stderr?: string };
    const said = stderr?.trim() || String(error);
    throw new ServiceError(`systemctl ${args.join(' ')} failed: ${said}`, { cause: error });
  }
}
