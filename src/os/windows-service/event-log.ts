/**
 * Messages in Windows' Application log, through advapi32. The viewer takes the text of a message from a message table:
 * EventCreate.exe, a part of Windows, has "%1" for the numbers 1 to 1000, so no file of ours is needed. The source's
 * key in the registry says so; without it the viewer shows the message behind a remark that it does not know the
 * source.
 *
 * Under Wine 8 the calls succeed and nothing is kept; not run on Windows.
 */
import koffi from 'koffi';
import { numberValue, RegistryType, registryKey, textValue } from '../registry.js';
import { Win32Error } from './win32-error.js';

type EventKind = 'error' | 'warning' | 'information';

const EVENT_TYPES: Readonly<Record<EventKind, number>> = { error: 1, warning: 2, information: 4 };
const EVENT_ID = 1;
const KEY = 'SYSTEM\\CurrentControlSet\\Services\\EventLog\\Application\\';
const MESSAGE_FILE = '%SystemRoot%\\System32\\EventCreate.exe';

/** Takes one message. A log that cannot be written to must not end a drive: failures are silent. */
export type EventLog = (kind: EventKind, message: string) => void;

/** `source`: the name under which messages appear; the service's. */
export function openEventLog(source: string): EventLog {
  const advapi32 = koffi.load('advapi32.dll');
  const register = advapi32.func('RegisterEventSourceW', 'uintptr_t', ['str16', 'str16']);
  const report = advapi32.func('ReportEventW', 'int', [
    'uintptr_t',
    'uint16_t',
    'uint16_t',
    'uint32_t',
    'void *',
    'uint16_t',
    'uint32_t',
    'void *',
    'void *',
  ]);
  const handle = register(null, source) as number;
  return (kind, message) => {
    if (Number(handle) === 0) return;
    const text = Buffer.from(`${message}\0`, 'utf16le');
    const strings = Buffer.alloc(8);
    strings.writeBigUInt64LE(BigInt(koffi.address(text)));
    report(handle, EVENT_TYPES[kind], 0, EVENT_ID, null, 1, 0, strings, null);
  };
}

/** Tells the viewer where the texts are. False when the registry refuses: the log works all the same. */
export function registerEventSource(source: string): boolean {
  const key = registryKey('HKLM', KEY + source);
  try {
    key.write('EventMessageFile', textValue(MESSAGE_FILE, RegistryType.EXPAND_SZ));
    key.write(
      'TypesSupported',
      numberValue(EVENT_TYPES.error | EVENT_TYPES.warning | EVENT_TYPES.information),
    );
    return true;
  } catch (error) {
    if (error instanceof Win32Error) return false;
    throw error;
  }
}

export function removeEventSource(source: string): void {
  try {
    registryKey('HKLM', KEY + source).removeKey();
  } catch (error) {
    if (!(error instanceof Win32Error)) throw error;
  }
}
