/**
 * A system's services as `ramdrive service` uses them: Windows' service manager (windows-services.ts) or systemd
 * (systemd-services.ts). Errors are ServiceError, with what to do.
 */
import type { ServiceConfig } from './service-definition.js';

/** One command of a system's service manager failed or was refused. */
export class ServiceError extends Error {
  override readonly name = 'ServiceError';
}

export interface ServiceReport {
  /** `absent`: there is no such service. */
  state: 'absent' | 'stopped' | 'starting' | 'running' | 'stopping' | 'failed';
  pid: number | null;
  /** Of the last end, when it is known and not 0. */
  exitCode: number | null;
}

export interface ServiceHost {
  /** What was done, a line each. Starts nothing. */
  install(name: string, config: ServiceConfig): Promise<string[]>;
  /** Stops the service and takes everything away that `install` made. */
  uninstall(name: string): Promise<string[]>;
  start(name: string): Promise<void>;
  stop(name: string): Promise<void>;
  report(name: string): Promise<ServiceReport>;
}
