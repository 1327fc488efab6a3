/**
 * Windows' service manager, as a program asks it: install, remove, start, stop and query one service. Everything goes
 * through advapi32, so no text of `sc.exe`, which is translated, is ever parsed and no shell ever sees a path.
 *
 * Each function throws Win32Error. Tried under Wine 8; not run on Windows.
 */
import koffi from 'koffi';
import { lastErrorOf, Win32Code, type Win32Error } from './win32-error.js';

export interface ServiceDefinition {
  name: string;
  displayName: string;
  description: string;
  /** The whole command line, quoted. */
  imagePath: string;
  /** How long Windows may wait for the service at shutdown. */
  preshutdownTimeoutMs: number;
  /** Waits before the first, second, … restart after a failure. */
  restartDelaysMs: readonly number[];
}

export interface ServiceInfo {
  state: number;
  pid: number;
  win32ExitCode: number;
  serviceSpecificExitCode: number;
}

const SC_MANAGER_CONNECT = 0x1;
const SC_MANAGER_CREATE_SERVICE = 0x2;
const SERVICE_ALL_ACCESS = 0xf01ff;
const SERVICE_QUERY_STATUS = 0x4;
const SERVICE_START = 0x10;
const SERVICE_STOP = 0x20;
const DELETE = 0x10000;

const SERVICE_WIN32_OWN_PROCESS = 0x10;
const SERVICE_AUTO_START = 2;
const SERVICE_ERROR_NORMAL = 1;
const SC_STATUS_PROCESS_INFO = 0;
const SERVICE_STATUS_PROCESS_BYTES = 36;
const CONTROL_STOP = 1;

/** Levels of ChangeServiceConfig2W. */
const CONFIG_DESCRIPTION = 1;
const CONFIG_FAILURE_ACTIONS = 2;
const CONFIG_FAILURE_ACTIONS_FLAG = 4;
const CONFIG_PRESHUTDOWN_INFO = 7;
const SC_ACTION_NONE = 0;
const SC_ACTION_RESTART = 1;
const FAILURE_COUNT_RESET_S = 86_400;

type Handle = bigint | number;

interface Calls {
  openManager(machine: null, database: null, access: number): Handle;
  openService(manager: Handle, name: string, access: number): Handle;
  createService(...args: unknown[]): Handle;
  deleteService(service: Handle): number;
  startService(service: Handle, count: number, args: null): number;
  controlService(service: Handle, control: number, status: Buffer): number;
  queryStatus(service: Handle, level: number, out: Buffer, bytes: number, needed: Buffer): number;
  changeConfig(service: Handle, level: number, info: Buffer): number;
  close(handle: Handle): number;
}

let calls: Calls | undefined;

function advapi32(): Calls {
  if (calls === undefined) {
    const library = koffi.load('advapi32.dll');
    const HANDLE = 'uintptr_t';
    calls = {
      openManager: library.func('OpenSCManagerW', HANDLE, ['str16', 'str16', 'uint32_t']),
      openService: library.func('OpenServiceW', HANDLE, [HANDLE, 'str16', 'uint32_t']),
      createService: library.func('CreateServiceW', HANDLE, [
        HANDLE,
        'str16',
        'str16',
        'uint32_t',
        'uint32_t',
        'uint32_t',
        'uint32_t',
        'str16',
        'str16',
        'void *',
        'str16',
        'str16',
        'str16',
      ]),
      deleteService: library.func('DeleteService', 'int', [HANDLE]),
      startService: library.func('StartServiceW', 'int', [HANDLE, 'uint32_t', 'void *']),
      controlService: library.func('ControlService', 'int', [HANDLE, 'uint32_t', 'void *']),
      queryStatus: library.func('QueryServiceStatusEx', 'int', [
        HANDLE,
        'int',
        'void *',
        'uint32_t',
        'void *',
      ]),
      changeConfig: library.func('ChangeServiceConfig2W', 'int', [HANDLE, 'uint32_t', 'void *']),
      close: library.func('CloseServiceHandle', 'int', [HANDLE]),
    };
  }
  return calls;
}

/**
 * Installs the service: starts with Windows, as LocalSystem. SERVICE_EXISTS when the name is taken. Answers what the
 * system refused to be told about it; the service works without.
 */
export function installService(definition: ServiceDefinition): string[] {
  return withManager(SC_MANAGER_CONNECT | SC_MANAGER_CREATE_SERVICE, (manager) => {
    const service = advapi32().createService(
      manager,
      definition.name,
      definition.displayName,
      SERVICE_ALL_ACCESS,
      SERVICE_WIN32_OWN_PROCESS,
      SERVICE_AUTO_START,
      SERVICE_ERROR_NORMAL,
      definition.imagePath,
      null,
      null,
      null,
      null,
      null,
    );
    if (isNull(service)) throw lastErrorOf('CreateServiceW');
    try {
      return configure(service, definition);
    } finally {
      advapi32().close(service);
    }
  });
}

function configure(service: Handle, definition: ServiceDefinition): string[] {
  const refused: string[] = [];
  const change = (what: string, level: number, info: Buffer) => {
    if (advapi32().changeConfig(service, level, info) === 0) {
      refused.push(`${what}: ${lastErrorOf('ChangeServiceConfig2W').message}`);
    }
  };
  const text = Buffer.from(`${definition.description}\0`, 'utf16le');
  change('description', CONFIG_DESCRIPTION, pointers(text));
  const delays = [...definition.restartDelaysMs];
  const actions = Buffer.alloc(8 * (delays.length + 1));
  delays.forEach((delayMs, index) => {
    actions.writeUInt32LE(SC_ACTION_RESTART, 8 * index);
    actions.writeUInt32LE(delayMs, 8 * index + 4);
  });
  // The last action is repeated without end otherwise.
  actions.writeUInt32LE(SC_ACTION_NONE, 8 * delays.length);
  // SERVICE_FAILURE_ACTIONSW: reset period, reboot message, command, count, actions.
  const failure = Buffer.alloc(40);
  failure.writeUInt32LE(FAILURE_COUNT_RESET_S, 0);
  failure.writeUInt32LE(delays.length + 1, 24);
  failure.writeBigUInt64LE(BigInt(koffi.address(actions)), 32);
  change('recovery actions', CONFIG_FAILURE_ACTIONS, failure);
  const onErrorExitToo = Buffer.alloc(4);
  onErrorExitToo.writeUInt32LE(1);
  change('recovery after an exit code', CONFIG_FAILURE_ACTIONS_FLAG, onErrorExitToo);
  const preshutdown = Buffer.alloc(4);
  preshutdown.writeUInt32LE(definition.preshutdownTimeoutMs);
  change('time to save at shutdown', CONFIG_PRESHUTDOWN_INFO, preshutdown);
  return refused;
}

/** A structure that is one pointer. */
function pointers(target: Buffer): Buffer {
  const structure = Buffer.alloc(8);
  structure.writeBigUInt64LE(BigInt(koffi.address(target)));
  return structure;
}

export function removeService(name: string): void {
  withService(name, DELETE, (service) => {
    if (advapi32().deleteService(service) === 0) throw lastErrorOf('DeleteService');
  });
}

/** Asks for the start; does not wait. SERVICE_ALREADY_RUNNING when it runs. */
export function startService(name: string): void {
  withService(name, SERVICE_START, (service) => {
    if (advapi32().startService(service, 0, null) === 0) throw lastErrorOf('StartServiceW');
  });
}

/** Asks for the stop; does not wait. SERVICE_NOT_ACTIVE when it does not run. */
export function stopService(name: string): void {
  withService(name, SERVICE_STOP, (service) => {
    const status = Buffer.alloc(SERVICE_STATUS_PROCESS_BYTES);
    if (advapi32().controlService(service, CONTROL_STOP, status) === 0) throw lastErrorOf('ControlService');
  });
}

/** Null when there is no such service. */
export function queryService(name: string): ServiceInfo | null {
  try {
    return withService(name, SERVICE_QUERY_STATUS, (service) => {
      const out = Buffer.alloc(SERVICE_STATUS_PROCESS_BYTES);
      const answered = advapi32().queryStatus(
        service,
        SC_STATUS_PROCESS_INFO,
        out,
        out.length,
        Buffer.alloc(4),
      );
      if (answered === 0) throw lastErrorOf('QueryServiceStatusEx');
      return {
        state: out.readUInt32LE(4),
        win32ExitCode: out.readUInt32LE(12),
        serviceSpecificExitCode: out.readUInt32LE(16),
        pid: out.readUInt32LE(28),
      };
    });
  } catch (error) {
    if ((error as Win32Error).code === Win32Code.SERVICE_DOES_NOT_EXIST) return null;
    throw error;
  }
}

function withManager<T>(access: number, work: (manager: Handle) => T): T {
  const manager = advapi32().openManager(null, null, access);
  if (isNull(manager)) throw lastErrorOf('OpenSCManagerW');
  try {
    return work(manager);
  } finally {
    advapi32().close(manager);
  }
}

function withService<T>(name: string, access: number, work: (service: Handle) => T): T {
  return withManager(SC_MANAGER_CONNECT, (manager) => {
    const service = advapi32().openService(manager, name, access);
    if (isNull(service)) throw lastErrorOf('OpenServiceW');
    try {
      return work(service);
    } finally {
      advapi32().close(service);
    }
  });
}

function isNull(handle: Handle): boolean {
  return Number(handle) === 0;
}
