/**
 * Tells running programs that the environment in the registry has changed (documentation of WM_SETTINGCHANGE): the
 * Explorer then gives the new values to what it starts. Services and running programs keep what they have.
 *
 * Tried under Wine; not run on Windows.
 */
import koffi from 'koffi';

const HWND_BROADCAST = 0xffff;
const WM_SETTINGCHANGE = 0x1a;
const SMTO_ABORTIFHUNG = 0x2;
/** For each window; one that hangs is passed over. */
const TIMEOUT_MS = 1000;

export function announceEnvironment(): void {
  const send = koffi
    .load('user32.dll')
    .func('SendMessageTimeoutW', 'intptr_t', [
      'uintptr_t',
      'uint32_t',
      'uintptr_t',
      'str16',
      'uint32_t',
      'uint32_t',
      'void *',
    ]);
  send(HWND_BROADCAST, WM_SETTINGCHANGE, 0, 'Environment', SMTO_ABORTIFHUNG, TIMEOUT_MS, Buffer.alloc(8));
}
