/**
 * Which kind of account runs this process on Windows. It decides who sees a plain drive letter
 * (docs/winfsp.md#installation-and-mount-points): everybody when LocalSystem made it, the own logon session otherwise;
 * other service accounts need the WinFsp Launcher to make one at all.
 *
 * Asks advapi32 for the user of the process token; a few calls once, at the start of a drive.
 */
import koffi from 'koffi';

export type WindowsAccount = 'user' | 'local-system' | 'service';

const TOKEN_QUERY = 0x8;
const TOKEN_USER_CLASS = 1;
export const LOCAL_SYSTEM = 'S-1-5-18';
/** LocalService, NetworkService, virtual accounts of services, application pools. */
const SERVICE = /^S-1-5-(19$|20$|80-|82-)/;

export function accountOf(sid: string): WindowsAccount {
  if (sid === LOCAL_SYSTEM) {
    return 'local-system';
  }
  return SERVICE.test(sid) ? 'service' : 'user';
}

let known: WindowsAccount | undefined;

/**
 * `user` also when the system does not tell, and everywhere but on Windows. Asked once: it stays the same, and koffi
 * keeps every type.
 */
export function currentAccount(): WindowsAccount {
  if (known === undefined) {
    const sid = process.platform === 'win32' ? currentUserSid() : null;
    known = sid === null ? 'user' : accountOf(sid);
  }
  return known;
}

export function currentUserSid(): string | null {
  const kernel32 = koffi.load('kernel32.dll');
  const advapi32 = koffi.load('advapi32.dll');
  const currentProcess = kernel32.func('GetCurrentProcess', 'intptr_t', []);
  const closeHandle = kernel32.func('CloseHandle', 'int', ['uintptr_t']);
  const openToken = advapi32.func('OpenProcessToken', 'int', ['intptr_t', 'uint32_t', 'void *']);
  const tokenInformation = advapi32.func('GetTokenInformation', 'int', [
    'uintptr_t',
    'int',
    'void *',
    'uint32_t',
    'void *',
  ]);
  const handle = new BigUint64Array(1);
  if (openToken(currentProcess(), TOKEN_QUERY, handle) === 0) {
    return null;
  }
  const token = handle[0]!;
  try {
    // TOKEN_USER: a pointer to the SID, which lies behind it in the same buffer.
    const information = Buffer.alloc(256);
    if (tokenInformation(token, TOKEN_USER_CLASS, information, information.length, Buffer.alloc(4)) === 0) {
      return null;
    }
    const offset = Number(information.readBigUInt64LE() - BigInt(koffi.address(information)));
    return sidText(information.subarray(offset));
  } finally {
    closeHandle(token);
  }
}

/** S-1-authority-sub-sub…, from its bytes. */
export function sidText(sid: Uint8Array): string {
  const view = new DataView(sid.buffer, sid.byteOffset, sid.byteLength);
  const authority = view.getUint16(2) * 2 ** 32 + view.getUint32(4);
  const parts = Array.from({ length: sid[1]! }, (_, i) => view.getUint32(8 + 4 * i, true));
  return ['S', sid[0], authority, ...parts].join('-');
}
