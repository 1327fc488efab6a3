/**
 * Who may use a named pipe, and whose it is. Node's pipes have the system's default access list, by which everybody may
 * read, and its clients let a server take on their identity; so a pipe of ours gets a list of its own, and a client
 * looks at the owner of a pipe before it connects, with a handle by which a server can learn who it is, and no more.
 *
 * Rules (documentation of CreateNamedPipeW, CreateFileW, SetKernelObjectSecurity): the list belongs to the name, and
 * so to all instances; who owns a pipe may change its list; where one instance exists, another takes the right to make
 * one.
 *
 * Tried under Wine; not run on Windows.
 */
import koffi from 'koffi';
import { currentUserSid, LOCAL_SYSTEM, sidText } from './windows-account.js';
import { lastErrorOf, Win32Error } from './windows-service/win32-error.js';

const READ_CONTROL = 0x20000;
const WRITE_DAC_AND_OWNER = 0x40000 | 0x80000;
const SHARE_READ_WRITE = 3;
const OPEN_EXISTING = 3;
/** FILE_FLAG_BACKUP_SEMANTICS: also a directory. */
const OPEN_DIRECTORY_TOO = 0x2000000;
const SECURITY_SQOS_PRESENT_IDENTIFICATION = 0x100000 | 0x10000;
const INVALID_HANDLE = 0xffffffffffffffffn;
const ERROR_FILE_NOT_FOUND = 2;
const ERROR_PIPE_BUSY = 231;
const OWNER_SECURITY_INFORMATION = 1;
const OWNER_AND_DACL = OWNER_SECURITY_INFORMATION | 4;
const SDDL_REVISION = 1;
const BUSY_WAIT_MS = 1000;
const MAX_TRIES = 3;
const MAX_DESCRIPTOR_BYTES = 4096;

/** LocalSystem and administrators, who can do what they like in any case. */
const TRUSTED_OWNERS = [LOCAL_SYSTEM, 'S-1-5-32-544'];
/** Windows' own installer, which the root of its volume and its program folders belong to. */
const TRUSTED_INSTALLER = 'S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464';

interface Calls {
  open(...args: unknown[]): bigint | number;
  wait(name: string, ms: number): number;
  close(handle: bigint): number;
  setSecurity(handle: bigint, what: number, descriptor: bigint): number;
  getSecurity(handle: bigint, what: number, out: Buffer, bytes: number, needed: Buffer): number;
  parse(sddl: string, revision: number, out: BigUint64Array, bytes: null): number;
  free(memory: bigint): bigint;
}

let calls: Calls | undefined;

function system(): Calls {
  if (calls === undefined) {
    const kernel32 = koffi.load('kernel32.dll');
    const advapi32 = koffi.load('advapi32.dll');
    const [HANDLE, DWORD, POINTER] = ['uintptr_t', 'uint32_t', 'void *'];
    const security = [HANDLE, DWORD, POINTER, DWORD, POINTER];
    const file = ['str16', DWORD, DWORD, POINTER, DWORD, DWORD, POINTER];
    calls = {
      open: kernel32.func('CreateFileW', HANDLE, file),
      wait: kernel32.func('WaitNamedPipeW', 'int', ['str16', DWORD]),
      close: kernel32.func('CloseHandle', 'int', [HANDLE]),
      free: kernel32.func('LocalFree', HANDLE, [HANDLE]),
      setSecurity: advapi32.func('SetKernelObjectSecurity', 'int', [HANDLE, DWORD, HANDLE]),
      getSecurity: advapi32.func('GetKernelObjectSecurity', 'int', security),
      parse: advapi32.func('ConvertStringSecurityDescriptorToSecurityDescriptorW', 'int', [
        'str16',
        DWORD,
        POINTER,
        POINTER,
      ]),
    };
  }
  return calls;
}

/**
 * Who owns the pipe of a user, and who may use it: the user and LocalSystem; a pipe of LocalSystem, which is that of a
 * service, administrators too. The user owns it also where an elevated program makes it: by default that would be the
 * group of administrators.
 */
export function accessOfPipe(user: string | null): string {
  const other = user === LOCAL_SYSTEM ? 'BA' : user;
  return `O:${user}D:P(A;;FA;;;SY)(A;;FA;;;${other})`;
}

/** Gives the pipe the access list of this user. Throws Win32Error. */
export function restrictPipe(name: string): void {
  const { parse, setSecurity, free } = system();
  const descriptor = new BigUint64Array(1);
  if (parse(accessOfPipe(currentUserSid()), SDDL_REVISION, descriptor, null) === 0) {
    throw lastErrorOf('ConvertStringSecurityDescriptorToSecurityDescriptorW');
  }
  try {
    const failure = withPipe(name, READ_CONTROL | WRITE_DAC_AND_OWNER, (handle) => {
      if (setSecurity(handle, OWNER_AND_DACL, descriptor[0]!) === 0) {
        throw lastErrorOf('SetKernelObjectSecurity');
      }
      return null;
    });
    if (failure !== null) throw failure;
  } finally {
    free(descriptor[0]!);
  }
}

/** Whose pipe it is: `own` is this user's, an administrator's or LocalSystem's. `busy`: it cannot be found out now. */
export type PipeState = 'none' | 'own' | 'other' | 'busy';

export function pipeState(name: string): PipeState {
  const owner = withPipe(name, READ_CONTROL, ownerOf);
  if (!(owner instanceof Win32Error)) {
    const isOwn = owner !== null && (owner === currentUserSid() || TRUSTED_OWNERS.includes(owner));
    return isOwn ? 'own' : 'other';
  }
  if (owner.code === ERROR_FILE_NOT_FOUND) return 'none';
  // One that we may not even look at is not ours.
  return owner.code === ERROR_PIPE_BUSY ? 'busy' : 'other';
}

/** Whether another user owns the file or directory, and so can change it. False also when the system does not tell. */
export function isOfAnotherUser(path: string): boolean {
  const owner = withPipe(path, READ_CONTROL, ownerOf, OPEN_DIRECTORY_TOO);
  if (owner === null || owner instanceof Win32Error) return false;
  return ![currentUserSid(), ...TRUSTED_OWNERS, TRUSTED_INSTALLER].includes(owner);
}

/** The SID; null when the system does not tell. */
function ownerOf(handle: bigint): string | null {
  const descriptor = Buffer.alloc(MAX_DESCRIPTOR_BYTES);
  const { getSecurity } = system();
  const what = OWNER_SECURITY_INFORMATION;
  if (getSecurity(handle, what, descriptor, descriptor.length, Buffer.alloc(4)) === 0) return null;
  // Self-relative: the offset of the owner is at 4.
  const offset = descriptor.readUInt32LE(4);
  return offset === 0 ? null : sidText(descriptor.subarray(offset));
}

/** Answers the failure when the pipe cannot be opened. For its server it is a connection that ends at once. */
function withPipe<T>(
  name: string,
  access: number,
  work: (handle: bigint) => T,
  flags = SECURITY_SQOS_PRESENT_IDENTIFICATION,
): T | Win32Error {
  const { open, wait, close } = system();
  for (let tries = 1; ; tries++) {
    const handle = BigInt(open(name, access, SHARE_READ_WRITE, null, OPEN_EXISTING, flags, null));
    if (handle !== INVALID_HANDLE) {
      try {
        return work(handle);
      } finally {
        close(handle);
      }
    }
    const error = lastErrorOf('CreateFileW');
    if (tries === MAX_TRIES || error.code !== ERROR_PIPE_BUSY) return error;
    wait(name, BUSY_WAIT_MS);
  }
}
