/** A call of Windows' own libraries that failed, with its code and the system's words for it. */
import koffi from 'koffi';

export class Win32Error extends Error {
  override readonly name = 'Win32Error';
  constructor(
    readonly call: string,
    readonly code: number,
    words: string,
  ) {
    super(`${call} failed with ${code}${words === '' ? '' : ` (${words})`}.`);
  }
}

/** ERROR_ACCESS_DENIED, ERROR_SERVICE_DOES_NOT_EXIST and others that callers know. */
export const Win32Code = {
  ACCESS_DENIED: 5,
  SERVICE_REQUEST_TIMEOUT: 1053,
  SERVICE_ALREADY_RUNNING: 1056,
  SERVICE_DOES_NOT_EXIST: 1060,
  SERVICE_NOT_ACTIVE: 1062,
  FAILED_SERVICE_CONTROLLER_CONNECT: 1063,
  SERVICE_MARKED_FOR_DELETE: 1072,
  SERVICE_EXISTS: 1073,
} as const;

const WORDS: Readonly<Record<number, string>> = {
  [Win32Code.ACCESS_DENIED]: 'access denied; run it as administrator',
  [Win32Code.SERVICE_REQUEST_TIMEOUT]:
    'its process was too slow for the service manager, as on a machine under load; start it again',
  [Win32Code.SERVICE_ALREADY_RUNNING]: 'the service runs already',
  [Win32Code.SERVICE_DOES_NOT_EXIST]: 'there is no such service',
  [Win32Code.SERVICE_NOT_ACTIVE]: 'the service is not running',
  [Win32Code.FAILED_SERVICE_CONTROLLER_CONNECT]: 'this process was not started by the service manager',
  [Win32Code.SERVICE_MARKED_FOR_DELETE]:
    'the service is being removed; close what shows it, such as the Services console',
  [Win32Code.SERVICE_EXISTS]: 'a service of that name is there already',
};

let getLastError: (() => number) | undefined;

/** Right behind the failing call, on the same thread. */
export function lastErrorOf(call: string): Win32Error {
  getLastError ??= koffi.load('kernel32.dll').func('uint32_t __stdcall GetLastError()') as () => number;
  const code = getLastError();
  return new Win32Error(call, code, WORDS[code] ?? '');
}
