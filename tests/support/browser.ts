/**
 * A page in headless Chromium, asked through its debugging pipe: what is really drawn, and whether anything was fetched
 * or went wrong.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';

const ANSWER_LIMIT_MS = 60_000;
const CLOSE_LIMIT_MS = 10_000;
const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--no-first-run',
  '--remote-debugging-pipe',
];

interface Message {
  id?: number;
  method?: string;
  params?: Record<string, unknown>;
  result?: Record<string, unknown>;
  error?: { message: string };
}

export interface Looked<T> {
  /** What the expression gave, evaluated in the page after it was loaded. */
  value: T;
  /** Addresses that the page asked for, its own excepted. */
  requests: string[];
  problems: string[];
}

/** Opens a file, evaluates an expression in it, takes a picture. */
export async function lookAt<T>(
  file: string,
  expression: string,
  picture: string | null = null,
): Promise<Looked<T>> {
  const profile = mkdtempSync(join(tmpdir(), 'ramdrive-test-chromium-'));
  const browser = spawn('chromium', [...FLAGS, `--user-data-dir=${profile}`], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
  });
  const exited = new Promise((resolve) => browser.once('exit', resolve));
  let close: Promise<unknown> = Promise.resolve();
  try {
    const pipe = new Pipe(browser.stdio[3] as Writable, browser.stdio[4] as Readable);
    const address = pathToFileURL(file).href;
    const { targetId } = await pipe.ask<{ targetId: string }>('Target.createTarget', { url: 'about:blank' });
    const { sessionId } = await pipe.ask<{ sessionId: string }>('Target.attachToTarget', {
      targetId,
      flatten: true,
    });
    const requests: string[] = [];
    const problems: string[] = [];
    const loaded = new Promise<void>((resolve) => {
      pipe.onEvent = ({ method, params }) => {
        if (method === 'Page.loadEventFired') {
          resolve();
        } else if (method === 'Network.requestWillBeSent') {
          requests.push((params as { request: { url: string } }).request.url);
        } else if (method === 'Runtime.exceptionThrown' || method === 'Log.entryAdded') {
          problems.push(JSON.stringify(params));
        }
      };
    });
    for (const domain of ['Page', 'Network', 'Runtime', 'Log']) {
      await pipe.ask(`${domain}.enable`, {}, sessionId);
    }
    await pipe.ask('Page.navigate', { url: address }, sessionId);
    await loaded;
    const evaluated = await pipe.ask<{ result: { value: T }; exceptionDetails?: unknown }>(
      'Runtime.evaluate',
      { expression, returnByValue: true },
      sessionId,
    );
    if (evaluated.exceptionDetails !== undefined) {
      throw new Error(JSON.stringify(evaluated.exceptionDetails));
    }
    if (picture !== null) {
      const { data } = await pipe.ask<{ data: string }>(
        'Page.captureScreenshot',
        { captureBeyondViewport: true },
        sessionId,
      );
      writeFileSync(picture, Buffer.from(data, 'base64'));
    }
    // Its completion thread processes write to the profile until they have ended.
    close = pipe.ask('Browser.close', {}).then(() => exited);
    return { value: evaluated.result.value, requests: requests.filter((url) => url !== address), problems };
  } finally {
    await Promise.race([close, sleep(CLOSE_LIMIT_MS, null, { ref: false })]).catch(() => {});
    browser.kill('SIGKILL');
    await exited;
    rmSync(profile, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  }
}

/** Messages are JSON texts that end with a NUL. */
class Pipe {
  onEvent: (message: Message) => void = () => {};
  readonly #to: Writable;
  readonly #waiting = new Map<number, (message: Message) => void>();
  #lastId = 0;

  constructor(to: Writable, from: Readable) {
    this.#to = to;
    let rest = '';
    from.setEncoding('utf8').on('data', (text: string) => {
      const messages = (rest + text).split('\0');
      rest = messages.pop()!;
      for (const message of messages.map((json) => JSON.parse(json) as Message)) {
        if (message.id === undefined) {
          this.onEvent(message);
        } else {
          this.#waiting.get(message.id)?.(message);
        }
      }
    });
  }

  ask<T = unknown>(method: string, params: object, sessionId?: string): Promise<T> {
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`${method}: no answer`)), ANSWER_LIMIT_MS);
      this.#waiting.set(id, ({ result, error }) => {
        clearTimeout(timer);
        if (error === undefined) {
          resolve(result as T);
        } else {
          reject(new Error(`${method}: ${error.message}`));
        }
      });
      this.#to.write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
    });
  }
}
