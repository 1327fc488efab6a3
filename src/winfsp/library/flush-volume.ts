/**
 * Windows: writes what the kernel's cache holds of a volume's files, by FlushFileBuffers on the volume itself, which is
 * opened by the name of its device, whether and wherever it is mounted. On threads of koffi's pool: the calls wait for
 * the file system to answer.
 */
import koffi from 'koffi';

const GENERIC_WRITE = 0x40000000;
const SHARE_ALL = 7;
const OPEN_EXISTING = 3;
const INVALID_HANDLE_VALUE = 0xffffffffffffffffn;

type Call = ReturnType<ReturnType<typeof koffi.load>['func']>;
const call = <T>(fn: Call, ...args: unknown[]): Promise<T> =>
  new Promise((resolve, reject) => {
    fn.async(...args, (error: Error | null, value: T) => (error === null ? resolve(value) : reject(error)));
  });

/** Declared once: koffi keeps every declaration. */
let declared: { createFile: Call; flushFileBuffers: Call; closeHandle: Call } | undefined;
function functions() {
  const kernel32 = koffi.load('kernel32.dll');
  const [word, handle] = ['uint32_t', 'uintptr_t'];
  declared ??= {
    createFile: kernel32.func('CreateFileW', handle, ['str16', word, word, 'void *', word, word, handle]),
    flushFileBuffers: kernel32.func('FlushFileBuffers', 'int', [handle]),
    closeHandle: kernel32.func('CloseHandle', 'int', [handle]),
  };
  return declared;
}

/** `volumeName`: `\Device\Volume{…}`. Resolves also when the volume cannot be opened or flushed. */
export async function flushVolume(volumeName: string): Promise<void> {
  const { createFile, flushFileBuffers, closeHandle } = functions();
  const path = `\\\\?\\GLOBALROOT${volumeName}`;
  const handle = await call<number | bigint>(
    createFile,
    path,
    GENERIC_WRITE,
    SHARE_ALL,
    null,
    OPEN_EXISTING,
    0,
    0,
  );
  if (BigInt(handle) === INVALID_HANDLE_VALUE) {
    return;
  }
  try {
    await call<number>(flushFileBuffers, handle);
  } finally {
    await call<number>(closeHandle, handle);
  }
}
