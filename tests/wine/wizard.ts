/**
 * A wizard of NSIS as its user sees it: its pages are read and filled in through its windows (user32), from another
 * process. What blocks (a message box) is looked for, never waited on; each wait has a limit.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import koffi from 'koffi';

const user32 = koffi.load('user32.dll');
const findWindow = user32.func(
  'uintptr_t FindWindowExW(uintptr_t parent, uintptr_t after, str16 class, str16 title)',
);
const className = user32.func('int GetClassNameW(uintptr_t window, _Out_ uint16_t *name, int units)');
const isVisible = user32.func('int IsWindowVisible(uintptr_t window)');
const isEnabled = user32.func('int IsWindowEnabled(uintptr_t window)');
const post = user32.func('int PostMessageW(uintptr_t window, uint32_t message, uintptr_t w, uintptr_t l)');
const SEND = 'SendMessageTimeoutW(uintptr_t window, uint32_t message, uintptr_t w';
const sendNumber = user32.func(
  `uintptr_t ${SEND}, uintptr_t l, uint32_t flags, uint32_t ms, _Out_ uintptr_t *result)`,
);
const sendText = user32.func(
  `uintptr_t ${SEND}, str16 l, uint32_t flags, uint32_t ms, _Out_ uintptr_t *result)`,
);
const receiveText = user32.func(
  `uintptr_t ${SEND}, _Out_ uint16_t *l, uint32_t flags, uint32_t ms, _Out_ uintptr_t *result)`,
);

const WM_SETTEXT = 0x0c;
const WM_GETTEXT = 0x0d;
const BM_GETCHECK = 0xf0;
const BM_CLICK = 0xf5;
const CB_GETCOUNT = 0x146;
const CB_GETLBTEXT = 0x148;
const CB_SELECTSTRING = 0x14d;
const ABORT_IF_HUNG = 2;
const ANSWER_MS = 20_000;
/** It ends hangs: a busy machine installs for minutes. */
const WAIT_MS = 600_000;
const POLL_MS = 50;
const DIALOG = '#32770';

type Send = (...args: unknown[]) => number;

function send(how: Send, window: number, message: number, w: number, l: unknown): number {
  const result = [0];
  how(window, message, w, l, ABORT_IF_HUNG, ANSWER_MS, result);
  return Number(result[0]);
}

function childrenOf(parent: number): number[] {
  const children: number[] = [];
  for (let child = 0; ; ) {
    child = Number(findWindow(parent, child, null, null));
    if (child === 0) return children;
    children.push(child);
  }
}

function textFrom(units: Uint16Array): string {
  return String.fromCharCode(...units.subarray(0, units.indexOf(0)));
}

function textOf(window: number, message = WM_GETTEXT, w = 2048): string {
  const units = new Uint16Array(2049);
  send(receiveText, window, message, w, units);
  return textFrom(units);
}

function classOf(window: number): string {
  const units = new Uint16Array(64);
  className(window, units, units.length);
  return textFrom(units);
}

/** All visible windows below one, page and controls. */
function below(window: number): number[] {
  return childrenOf(window).flatMap((child) => (isVisible(child) ? [child, ...below(child)] : []));
}

async function until<T>(what: string, look: () => T | undefined | false): Promise<T> {
  const deadline = performance.now() + WAIT_MS;
  for (;;) {
    const found = look();
    if (found !== undefined && found !== false) return found;
    assert.ok(performance.now() < deadline, `${what}: waited for in vain; windows: ${describe()}`);
    await sleep(POLL_MS);
  }
}

/** Dialogs of the top level: the wizard and its message boxes. */
const dialogs = () => childrenOf(0).filter((window) => isVisible(window) && classOf(window) === DIALOG);
const describe = () =>
  JSON.stringify(dialogs().map((dialog) => [textOf(dialog), ...below(dialog).map((w) => textOf(w))]));

function buttonIn(dialog: number, label: string): number | undefined {
  const isIt = (window: number) =>
    classOf(window) === 'Button' &&
    textOf(window)
      .replaceAll('&', '')
      .replace(/ ?[<>] ?/, '') === label;
  return below(dialog).find((window) => isIt(window) && isEnabled(window));
}

export class Wizard {
  readonly #process: ChildProcess;
  /** The exit code. */
  readonly ended: Promise<number | null>;

  constructor(program: string, ...args: string[]) {
    this.#process = spawn(program, args, { stdio: 'ignore', windowsVerbatimArguments: true });
    this.ended = new Promise((resolve) => this.#process.once('exit', resolve));
  }

  /** Ends it wherever it is. */
  kill(): void {
    this.#process.kill();
  }

  /** Presses the button, once it can be pressed. */
  async press(label: string): Promise<void> {
    const button = await until(`button "${label}"`, () => {
      for (const dialog of dialogs()) {
        const found = buttonIn(dialog, label);
        if (found !== undefined) return found;
      }
      return undefined;
    });
    post(button, BM_CLICK, 0, 0);
  }

  /** Until a page shows this text. */
  async shows(text: string): Promise<void> {
    await until(`"${text}"`, () =>
      dialogs().some((dialog) => below(dialog).some((window) => textOf(window).includes(text))),
    );
  }

  /** The text of a message box, which is closed by that button of it. */
  async message(button: string): Promise<string> {
    const box = await until('a message', () => dialogs().find((dialog) => this.#isMessage(dialog, button)));
    const text = below(box)
      .filter((window) => classOf(window) === 'Static')
      .map((window) => textOf(window))
      .join('');
    post(buttonIn(box, button) as number, BM_CLICK, 0, 0);
    await until('the end of the message', () => !dialogs().includes(box));
    return text;
  }

  /** A box has buttons and texts, and no page. */
  #isMessage(dialog: number, button: string): boolean {
    return (
      buttonIn(dialog, button) !== undefined && !below(dialog).some((window) => classOf(window) === DIALOG)
    );
  }

  /** Texts of the list that drops down. */
  choices(): string[] {
    const list = this.#control('ComboBox', 0);
    const count = send(sendNumber, list, CB_GETCOUNT, 0, 0);
    return Array.from({ length: count }, (_, index) => textOf(list, CB_GETLBTEXT, index));
  }

  choose(text: string): void {
    send(sendText, this.#control('ComboBox', 0), CB_SELECTSTRING, 0xffff_ffff, text);
  }

  /** The nth field for text on the page. */
  fill(field: number, text: string): void {
    send(sendText, this.#control('Edit', field), WM_SETTEXT, 0, text);
  }

  /** Ticks a box, or takes the tick away. */
  async tick(label: string, isTicked: boolean): Promise<void> {
    const box = await until(`box "${label}"`, () =>
      dialogs()
        .flatMap(below)
        .find((window) => classOf(window) === 'Button' && textOf(window).includes(label)),
    );
    const isSo = () => (send(sendNumber, box, BM_GETCHECK, 0, 0) === 1) === isTicked;
    if (isSo()) return;
    post(box, BM_CLICK, 0, 0);
    await until(`box "${label}" to change`, isSo);
  }

  #control(kind: string, index: number): number {
    const controls = dialogs()
      .flatMap(below)
      .filter((window) => classOf(window) === kind);
    assert.ok(index < controls.length, `${kind} ${index}: windows: ${describe()}`);
    return controls[index] as number;
  }
}
