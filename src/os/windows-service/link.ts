/**
 * The connection of this process with Windows' service manager, through advapi32: StartServiceCtrlDispatcherW,
 * RegisterServiceCtrlHandlerExW, SetServiceStatus. The dispatcher waits on a thread of koffi's; ServiceMain and the
 * control handler are called from threads of the system and run on this thread's event loop, so it must turn.
 *
 * Tried under Wine 8; not run on Windows.
 */
import koffi from 'koffi';
import { ServiceControl, type ServiceManagerLink, type ServiceStatus } from './states.js';

const SERVICE_WIN32_OWN_PROCESS = 0x10;
const ERROR_CALL_NOT_IMPLEMENTED = 120;
/** These are answered with success; all others are not ours. */
const KNOWN_CONTROLS: readonly number[] = Object.values(ServiceControl);

const NOT_A_SERVICE =
  'This process was not started by the service manager. "ramdrive service start" asks it to; ' +
  '"ramdrive mount" serves a drive in a console.';

/** `name`: the service's. Registered callbacks live as long as the process, which serves one service. */
export function windowsServiceLink(name: string): ServiceManagerLink {
  const advapi32 = koffi.load('advapi32.dll');
  const mainType = koffi.pointer(koffi.proto('void __stdcall ServiceMain(uint32_t argc, void *argv)'));
  const handlerType = koffi.pointer(
    koffi.proto(
      'uint32_t __stdcall ServiceHandler(uint32_t control, uint32_t event, void *data, void *context)',
    ),
  );
  const entryType = koffi.struct({ name: 'str16', main: mainType });
  const statusType = koffi.struct({
    serviceType: 'uint32_t',
    state: 'uint32_t',
    controlsAccepted: 'uint32_t',
    win32ExitCode: 'uint32_t',
    serviceSpecificExitCode: 'uint32_t',
    checkpoint: 'uint32_t',
    waitHintMs: 'uint32_t',
  });
  const startDispatcher = advapi32.func('StartServiceCtrlDispatcherW', 'int', ['void *']);
  const registerHandler = advapi32.func('RegisterServiceCtrlHandlerExW', 'void *', [
    'str16',
    handlerType,
    'void *',
  ]);
  const setServiceStatus = advapi32.func('SetServiceStatus', 'int', ['void *', koffi.pointer(statusType)]);
  let handle: unknown = null;

  return {
    connect(onStart, onControl) {
      const handler = koffi.register((control: number) => {
        if (!KNOWN_CONTROLS.includes(control)) return ERROR_CALL_NOT_IMPLEMENTED;
        // After this callback has returned: the service manager waits for it.
        setImmediate(onControl, control);
        return 0;
      }, handlerType);
      const main = koffi.register(() => {
        handle = registerHandler(name, handler, null);
        setImmediate(onStart);
      }, mainType);
      const table = koffi.alloc(entryType, 2);
      koffi.encode(table, koffi.array(entryType, 2), [
        { name, main },
        { name: null, main: null },
      ]);
      return new Promise((resolve, reject) => {
        startDispatcher.async(table, (error: unknown, result: number) => {
          if (error) reject(error as Error);
          else if (result === 0) reject(new Error(NOT_A_SERVICE));
          else resolve();
        });
      });
    },
    setStatus(status: ServiceStatus) {
      setServiceStatus(handle, { serviceType: SERVICE_WIN32_OWN_PROCESS, ...status });
    },
  };
}
