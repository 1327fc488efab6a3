/** Requests to the volume's thread that have no answer yet, as the main thread keeps them. */
import { DriveError } from '../errors.js';
import type { AnswerMessage, RequestMessage, VolumeRequest, VolumeResults } from './messages.js';

interface Waiting {
  resolve: (result: never) => void;
  reject: (error: DriveError) => void;
}

export class PendingRequests {
  readonly #send: (message: RequestMessage) => void;
  readonly #waiting = new Map<number, Waiting>();
  #lastId = 0;

  constructor(send: (message: RequestMessage) => void) {
    this.#send = send;
  }

  /** Throws DriveError with the reason of a refusal: then nothing has changed. */
  ask<R extends VolumeRequest>(request: R): Promise<VolumeResults[R['command']]> {
    this.#lastId += 1;
    const id = this.#lastId;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#send({ id, request });
    });
  }

  settle({ id, answer }: AnswerMessage): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if ('result' in answer) waiting?.resolve(answer.result as never);
    else waiting?.reject(new DriveError(answer.refused.code, answer.refused.message));
  }

  /** No answer can come any more. */
  rejectAll(error: DriveError): void {
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}
