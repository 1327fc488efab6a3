/**
 * The control channel's language: one JSON object a line. Request `{"command":"status","token":…}`, answer
 * `{"ok":true,"result":…}` or `{"ok":false,"error":{"code":…,"message":…}}`. A connection may send several requests;
 * they are answered in order.
 *
 * Pure: text in, objects out. Whatever a peer sends, the result is a request or a reason, never an exception.
 */
import * as v from 'valibot';
import { MAX_CONTROL_LINE_BYTES } from '../config/limits.js';

const CONTROL_COMMANDS = [
  'status',
  'selfCheck',
  'save',
  'snapshot',
  'deleteSnapshot',
  'rollback',
  'resize',
  'unmount',
] as const;
export type ControlCommand = (typeof CONTROL_COMMANDS)[number];

export interface ControlRequest {
  command: ControlCommand;
  /** Proof that the peer could read the drive's record (Windows, where a pipe has no owner to check). */
  token?: string | undefined;
  /**
   * When the peer stops waiting for a beginning, on the clock of `monotonicMs`. A drive that comes back to life later
   * must not obey a command whose sender has long been told that it failed.
   */
  beginBeforeMs?: number | undefined;
  /** Of `status`: with a self-check made for it. */
  check?: boolean | undefined;
  /** Of `save`: another file than the image; an absolute path. */
  file?: string | undefined;
  /** Of `unmount`: also when programs use the drive. */
  force?: boolean | undefined;
  /** Of `snapshot` (left out: the time), `deleteSnapshot` and `rollback`: of the snapshot. */
  name?: string | undefined;
  /** Of `resize`. */
  capacityBytes?: number | undefined;
}

/** Those of a drive (DriveErrorCode), and three of the channel. */
const ERROR_CODES = [
  'BAD_REQUEST',
  'FORBIDDEN',
  'NOT_RUNNING',
  'EXPIRED',
  'BUSY',
  'NOT_SAVED',
  'NO_SUCH_SNAPSHOT',
  'SNAPSHOT_EXISTS',
  'BAD_VALUE',
  'NO_ROOM',
  'NOT_MOUNTED',
  'FAILED',
] as const;
export type ControlErrorCode = (typeof ERROR_CODES)[number];

export type ControlAnswer =
  | { ok: true; result: unknown }
  | { ok: false; error: { code: ControlErrorCode; message: string } };

const requestSchema = v.object({
  command: v.picklist(CONTROL_COMMANDS),
  token: v.optional(v.string()),
  beginBeforeMs: v.optional(v.number()),
  check: v.optional(v.boolean()),
  file: v.optional(v.string()),
  force: v.optional(v.boolean()),
  name: v.optional(v.string()),
  capacityBytes: v.optional(v.number()),
});
const answerSchema = v.union([
  v.object({ ok: v.literal(true), result: v.unknown() }),
  v.object({
    ok: v.literal(false),
    error: v.object({ code: v.picklist(ERROR_CODES), message: v.string() }),
  }),
]);

/**
 * A clock that all processes of the machine share and that cannot be set: CLOCK_MONOTONIC, QueryPerformanceCounter.
 */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint() / 1_000_000n);
}

export function parseRequest(line: string): ControlRequest | { refused: string } {
  const parsed = parseJson(line);
  const result = v.safeParse(requestSchema, parsed);
  return result.success
    ? result.output
    : { refused: `expected one of the commands ${CONTROL_COMMANDS.join(', ')} as {"command":"…"}` };
}

/** null when the line is no answer. */
export function parseAnswer(line: string): ControlAnswer | null {
  const result = v.safeParse(answerSchema, parseJson(line));
  return result.success ? (result.output as ControlAnswer) : null;
}

export function encodeLine(message: ControlRequest | ControlAnswer): string {
  return `${JSON.stringify(message)}\n`;
}

export function isErrorCode(code: string): code is ControlErrorCode {
  return (ERROR_CODES as readonly string[]).includes(code);
}

export function refusal(code: ControlErrorCode, message: string): ControlAnswer {
  return { ok: false, error: { code, message } };
}

/** Cuts a stream into lines. `overflow` once a line is longer than any honest one: drop the peer. */
export class LineReader {
  #rest = '';
  overflow = false;

  constructor(readonly mostBytes = MAX_CONTROL_LINE_BYTES) {}

  push(text: string): string[] {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop()!;
    if (this.#rest.length > this.mostBytes || lines.some((line) => line.length > this.mostBytes)) {
      this.overflow = true;
      this.#rest = '';
      return [];
    }
    return lines.filter((line) => line.trim() !== '');
  }
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
