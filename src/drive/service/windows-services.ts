/**
 * `ramdrive service` on Windows: a service of LocalSystem that starts with Windows, before anyone logs on, and whose
 * drive every program sees. Its process is this program with the arguments `service run`.
 *
 * Tried under Wine's service manager; not run on Windows.
 */
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isOfAnotherUser } from '../../os/windows-pipe.js';
import { registerEventSource, removeEventSource } from '../../os/windows-service/event-log.js';
import {
  installService,
  queryService,
  removeService,
  type ServiceInfo,
  startService,
  stopService,
} from '../../os/windows-service/manager.js';
import { ServiceState } from '../../os/windows-service/states.js';
import { Win32Code, Win32Error } from '../../os/windows-service/win32-error.js';
import {
  SERVICE_START_TIMEOUT_MS,
  SERVICE_STOP_TIMEOUT_MS,
  type ServiceConfig,
} from './service-definition.js';
import { ServiceError, type ServiceHost, type ServiceReport } from './service-host.js';
import { windowsCommandLine } from './windows-command-line.js';

const POLL_MS = 200;
/** A busy process takes a moment to say STOP_PENDING. */
const STOP_BEGINS_WITHIN_MS = 10_000;
/** ERROR_SERVICE_SPECIFIC_ERROR: the process's own code counts. */
const SERVICE_SPECIFIC = 1066;
const RESTART_DELAYS_MS = [1000, 60_000];

const STATE_NAMES: Readonly<Record<number, ServiceReport['state']>> = {
  [ServiceState.STOPPED]: 'stopped',
  [ServiceState.START_PENDING]: 'starting',
  [ServiceState.STOP_PENDING]: 'stopping',
  [ServiceState.RUNNING]: 'running',
};

/** `program`: node.exe and the compiled command line of this package. */
export function windowsServices(program: readonly string[]): ServiceHost {
  return {
    async install(name, config: ServiceConfig) {
      refuseOfAnother(config.path);
      const imagePath = windowsCommandLine([
        ...program,
        'service',
        'run',
        '--name',
        name,
        '--config',
        config.path,
      ]);
      const refused = called(() =>
        installService({
          name,
          displayName: `RAM drive (${name})`,
          description: `Serves the RAM drive at ${config.settings.mountPoint}, as ${config.path} says.`,
          imagePath,
          preshutdownTimeoutMs: SERVICE_STOP_TIMEOUT_MS,
          restartDelaysMs: RESTART_DELAYS_MS,
        }),
      );
      const lines = [`installed the service "${name}": ${imagePath}`];
      lines.push(...refused.map((what) => `the system did not take its ${what}`));
      if (!registerEventSource(name)) {
        lines.push(
          'the event log has no entry for it: its messages appear behind a remark about their source',
        );
      }
      return lines;
    },
    async uninstall(name) {
      const info = called(() => queryService(name));
      if (info === null) throw new ServiceError(`There is no service "${name}".`);
      if (info.state !== ServiceState.STOPPED) await this.stop(name);
      called(() => removeService(name));
      removeEventSource(name);
      return [`removed the service "${name}"`];
    },
    async start(name) {
      called(() => startService(name));
      const info = await settled(name, ServiceState.START_PENDING, SERVICE_START_TIMEOUT_MS);
      if (info.state !== ServiceState.RUNNING) {
        throw new ServiceError(
          `The service "${name}" did not start (exit code ${exitCodeOf(info)}). ${whereToLook(name)}`,
        );
      }
    },
    async stop(name) {
      // A service that starts refuses to stop.
      await settled(name, ServiceState.START_PENDING, SERVICE_START_TIMEOUT_MS);
      try {
        stopService(name);
      } catch (error) {
        if (!(error instanceof Win32Error) || error.code !== Win32Code.SERVICE_NOT_ACTIVE) {
          throw worded(error);
        }
      }
      // It is RUNNING for another moment, and again when its drive could not be saved.
      const deadline = performance.now() + STOP_BEGINS_WITHIN_MS;
      while (stateOf(name) === ServiceState.RUNNING && performance.now() < deadline) await sleep(POLL_MS);
      const info = await settled(name, ServiceState.STOP_PENDING, SERVICE_STOP_TIMEOUT_MS);
      if (info.state === ServiceState.RUNNING) {
        throw new ServiceError(`The service "${name}" did not stop: it still runs. ${whereToLook(name)}`);
      }
      const code = exitCodeOf(info);
      if (code !== 0) {
        throw new ServiceError(`The service "${name}" stopped with exit code ${code}. ${whereToLook(name)}`);
      }
    },
    async report(name) {
      const info = called(() => queryService(name));
      if (info === null) return { state: 'absent', pid: null, exitCode: null };
      const code = exitCodeOf(info);
      return {
        state: STATE_NAMES[info.state] ?? 'stopped',
        pid: info.pid === 0 ? null : info.pid,
        exitCode: code === 0 ? null : code,
      };
    },
  };
}

/** The service does what this file says, as LocalSystem. Throws ServiceError when another user can change it. */
function refuseOfAnother(path: string): void {
  for (const place of [path, dirname(path)]) {
    if (isOfAnotherUser(place)) {
      throw new ServiceError(
        `${place} belongs to another user, who could change what the service does. ` +
          'Put the configuration where only administrators can write, such as C:\\ProgramData\\ramdrive.',
      );
    }
  }
}

function stateOf(name: string): number | undefined {
  return called(() => queryService(name))?.state;
}

/** Waits while the service is in this state. Throws ServiceError when that takes too long. */
async function settled(name: string, pending: number, limitMs: number): Promise<ServiceInfo> {
  const deadline = performance.now() + limitMs;
  for (;;) {
    const info = called(() => queryService(name));
    if (info === null) throw new ServiceError(`There is no service "${name}".`);
    if (info.state !== pending) return info;
    if (performance.now() > deadline) {
      throw new ServiceError(
        `The service "${name}" is still ${STATE_NAMES[info.state]} after ${limitMs / 1000} s.`,
      );
    }
    await sleep(POLL_MS);
  }
}

function whereToLook(name: string): string {
  return `The event log says why: Windows Logs, Application, source "${name}".`;
}

function exitCodeOf({ win32ExitCode, serviceSpecificExitCode }: ServiceInfo): number {
  return win32ExitCode === SERVICE_SPECIFIC ? serviceSpecificExitCode : win32ExitCode;
}

function called<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw worded(error);
  }
}

function worded(error: unknown): unknown {
  return error instanceof Win32Error ? new ServiceError(error.message, { cause: error }) : error;
}
