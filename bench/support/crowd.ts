import { connect, type Socket } from "node:net";
import { requestsOf } from "../requests.ts";
import { AnswerReader } from "./answer-reader.ts";
import { type FromChild, serveParent } from "./processes.ts";

/*
 * Callers who do not give up, in a process of their own: each has one connection, calls, waits for the
 * answer, calls again; when the connection breaks or is refused it tries again a moment later. It counts
 * answers in slots of time, so that one sees when a node stopped answering and when it was back.
 */
export type CrowdQuestion =
  | {
      readonly kind: "begin";
      readonly port: number;
      readonly callers: number;
      readonly ids: number;
    }
  | { readonly kind: "end" };

export const SLOT_MS = 50;

export interface CrowdAnswer {
  /** Successful answers per slot of {@link SLOT_MS}; the first slot begins at `beganAtMs`, by `Date.now()`. */
  readonly slots: readonly number[];
  readonly beganAtMs: number;
  /** When answers came, by `Date.now()`: those after a caller's connection had broken, first of all. */
  readonly firstAnswersAtMs: readonly number[];
  /** Answers other than 2xx. */
  readonly refused: number;
}

const AGAIN_AFTER_MS = 5;

class Crowd {
  readonly #port: number;
  readonly #requests: readonly Buffer[];
  readonly #slots: number[] = [];
  readonly #beganAtMs = Date.now();
  readonly #firstAnswersAtMs: number[] = [];
  readonly #sockets = new Set<Socket>();
  #refused = 0;
  #next = 0;
  #isOver = false;

  constructor(port: number, callers: number, ids: number) {
    this.#port = port;
    this.#requests = requestsOf("add", ids);
    for (let n = 0; n < callers; n++) this.#open();
  }

  end(): CrowdAnswer {
    this.#isOver = true;
    for (const socket of this.#sockets) socket.destroy();
    return {
      slots: Array.from(this.#slots, (count) => count ?? 0),
      beganAtMs: this.#beganAtMs,
      firstAnswersAtMs: this.#firstAnswersAtMs,
      refused: this.#refused,
    };
  }

  #open(): void {
    const socket = connect({ port: this.#port, host: "127.0.0.1", noDelay: true });
    this.#sockets.add(socket);
    const reader = new AnswerReader();
    let isFirst = true;
    const send = (): void => {
      const request = this.#requests[this.#next++ % this.#requests.length];
      if (request !== undefined) socket.write(request);
    };
    socket.on("connect", send);
    socket.on("data", (chunk) => {
      const answer = reader.take(chunk);
      if (answer === undefined || this.#isOver) return;
      if (answer.status >= 200 && answer.status < 300) {
        const nowMs = Date.now();
        if (isFirst) this.#firstAnswersAtMs.push(nowMs);
        isFirst = false;
        const slot = Math.floor((nowMs - this.#beganAtMs) / SLOT_MS);
        this.#slots[slot] = (this.#slots[slot] ?? 0) + 1;
      } else this.#refused++;
      send();
    });
    socket.on("error", () => {}); // `close` follows
    socket.on("close", () => {
      this.#sockets.delete(socket);
      if (!this.#isOver) setTimeout(() => this.#open(), AGAIN_AFTER_MS);
    });
  }
}

let crowd: Crowd | undefined;

serveParent(async (question: CrowdQuestion): Promise<FromChild> => {
  if (question.kind === "begin") {
    crowd = new Crowd(question.port, question.callers, question.ids);
    return {};
  }
  return crowd?.end() ?? {};
});
