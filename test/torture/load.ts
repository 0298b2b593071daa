/**
 * Load from outside on the counters: one sender for each counter and way in, each with one message under
 * way, so that the order sent is known. It remembers what was answered, and what may have been done.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { createRng, type Rng } from "../support/rng.ts";
import { type Add, COUNTER_IDS, SOURCES, type Source } from "./messages.ts";

/** What became of the messages of one sender, by their number. */
export interface Sent {
  /** Taken, as the answer says, in the order sent. */
  readonly accepted: number[];
  /** Without an answer, or refused while it may have been done. */
  readonly unknown: number[];
  /** The whole answer to those that have one: for a call the reply. */
  readonly answers: Map<number, string>;
}

/** Refusals that are right while processes, disk and descriptors fail; anything else is a violation. */
const MAY_REFUSE = new Set([
  "UNAVAILABLE",
  "OVERLOADED",
  "STORE_WRITE_FAILED",
  "LOG_WRITE_FAILED",
  "CALL_TIMEOUT",
]);

const ANSWER_TIMEOUT_MS = 6_000;
/** Asked of the runtime, so that some calls end with 504 while the functions are away. */
const CALL_TIMEOUT = "2s";
/** How often what has been answered is asked again with the same key. */
const REPEAT_SHARE = 0.05;
/** How often a caller gives up on its own, soon. */
const IMPATIENT_SHARE = 0.01;

export interface LoadOptions {
  readonly url: string;
  readonly writePath: (key: string) => string;
  readonly seed: number;
  /** Of each sender, between two messages. */
  readonly pauseMs: number;
  readonly signal: AbortSignal;
}

type Answer =
  | { readonly kind: "taken"; readonly text: string }
  /** There was no connection: surely not done. */
  | Unsent
  | { readonly kind: "unknown" }
  /** Durable, and the reply is to be fetched. */
  | { readonly kind: "pending"; readonly callId: string };

interface Unsent {
  readonly kind: "unsent";
}

export class Load {
  accepted = 0;
  /** Sent again with their key, since no answer came. */
  repeated = 0;
  /** Answers other than success, by status and code. */
  readonly refusals = new Map<string, number>();
  readonly violations: string[] = [];
  /** By source and counter: `keyed call c3`. */
  readonly sent = new Map<string, Sent>();
  readonly #options: LoadOptions;
  readonly #rng: Rng;
  #isOver = false;

  constructor(options: LoadOptions) {
    this.#options = options;
    this.#rng = createRng(options.seed);
  }

  /** From now on nothing new is sent; {@link run} resolves when what is under way is done. */
  end(): void {
    this.#isOver = true;
  }

  async run(): Promise<void> {
    const senders = COUNTER_IDS.flatMap((id) => SOURCES.map((source) => this.#sendAll(source, id)));
    await Promise.all(senders);
  }

  /** Asks for some of what was answered with a key again, wherever the answer should be known still. */
  async askAgain(count: number): Promise<number> {
    let asked = 0;
    for (const [sender, sent] of this.sent) {
      const [source, id] = split(sender);
      if (!isKeyed(source)) continue;
      const numbers = [...sent.answers.keys()];
      for (let i = 0; i < Math.min(count, numbers.length); i++) {
        await this.#repeat(source, id, this.#rng.pick(numbers), sent);
        asked++;
      }
    }
    return asked;
  }

  async #sendAll(source: Source, id: string): Promise<void> {
    const sent: Sent = { accepted: [], unknown: [], answers: new Map() };
    this.sent.set(`${source} ${id}`, sent);
    const { pauseMs } = this.#options;
    for (let n = 1; !this.#isOver; n++) {
      await sleep(pauseMs * (0.5 + this.#rng.random()));
      const answer = await this.#askUntilSaid(source, id, n);
      if (answer.kind === "unknown") {
        sent.unknown.push(n);
        await this.#rest();
        continue;
      }
      sent.accepted.push(n);
      this.accepted++;
      const text = answer.kind === "taken" ? answer.text : await this.#fetch(answer.callId);
      if (source !== "topic") sent.answers.set(n, text);
      if (isKeyed(source) && this.#rng.chance(REPEAT_SHARE)) {
        await this.#repeat(source, id, this.#rng.chance(0.5) ? n : 1 + this.#rng.int(n), sent);
      }
    }
  }

  /** Once, when it was sent at all; with a key until it is taken. */
  async #askUntilSaid(source: Source, id: string, n: number): Promise<Exclude<Answer, Unsent>> {
    for (;;) {
      const answer = await this.#ask(source, id, n);
      if (answer.kind === "unknown" && isKeyed(source)) this.repeated++;
      else if (answer.kind !== "unsent") return answer;
      await this.#rest();
    }
  }

  async #repeat(source: Source, id: string, n: number, sent: Sent): Promise<void> {
    const before = sent.answers.get(n);
    for (;;) {
      const answer = await this.#ask(source, id, n);
      if (answer.kind === "taken") {
        if (answer.text === before) return;
        this.#violate(`${source} ${id} ${n} was answered ${before}, then ${answer.text}`);
        return;
      }
      await this.#rest();
    }
  }

  async #ask(source: Source, id: string, n: number): Promise<Answer> {
    const add: Add = { source, n };
    const headers: Record<string, string> =
      source === "topic" ? {} : { "statefold-type": "torture/Add" };
    if (isKeyed(source)) headers["idempotency-key"] = `${source} ${n}`;
    const isImpatient = this.#rng.chance(IMPATIENT_SHARE);
    const timeoutMs = isImpatient ? this.#rng.int(30) : ANSWER_TIMEOUT_MS;
    const init = { method: "POST", headers, body: JSON.stringify(add) };
    return await this.#request(this.#pathOf(source, id), init, timeoutMs);
  }

  #pathOf(source: Source, id: string): string {
    if (source === "topic") return this.#options.writePath(id);
    const isCall = source === "call" || source === "keyed call";
    return isCall
      ? `/v1/call/torture/counter/${id}?timeout=${CALL_TIMEOUT}`
      : `/v1/send/torture/counter/${id}`;
  }

  /** Ends in time whatever fetch does: in Node 20 a signal of `AbortSignal.any` may be collected before its time. */
  async #request(path: string, init: RequestInit, timeoutMs: number): Promise<Answer> {
    const timeout = new AbortController();
    const signal = AbortSignal.any([this.#options.signal, timeout.signal]);
    const asked = this.#exchange(path, { ...init, signal });
    asked.catch(() => {}); // it may fail after its time
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<Answer>((resolve) => {
      timer = setTimeout(() => {
        timeout.abort();
        resolve({ kind: "unknown" });
      }, timeoutMs);
    });
    return await Promise.race([asked, late]).finally(() => clearTimeout(timer));
  }

  async #exchange(path: string, init: RequestInit): Promise<Answer> {
    try {
      const response = await fetch(this.#options.url + path, init);
      const text = await response.text();
      return response.ok ? { kind: "taken", text } : this.#refused(path, response.status, text);
    } catch (error) {
      this.#options.signal.throwIfAborted();
      const cause = error instanceof Error ? error.cause : undefined;
      const isRefused = (cause as NodeJS.ErrnoException | undefined)?.code === "ECONNREFUSED";
      return { kind: isRefused ? "unsent" : "unknown" };
    }
  }

  #refused(path: string, status: number, text: string): Answer {
    const { code, callId } = problemOf(text);
    const name = `${status} ${code}`;
    this.refusals.set(name, (this.refusals.get(name) ?? 0) + 1);
    if (!MAY_REFUSE.has(code)) this.#violate(`${path} was answered ${status}: ${text}`);
    return callId === undefined ? { kind: "unknown" } : { kind: "pending", callId };
  }

  /** The reply to a call that was answered 504. It is durable: it must come. */
  async #fetch(callId: string): Promise<string> {
    const path = `/v1/calls/${encodeURIComponent(callId)}?timeout=${CALL_TIMEOUT}`;
    for (;;) {
      const answer = await this.#request(path, {}, ANSWER_TIMEOUT_MS);
      if (answer.kind === "taken") return answer.text;
      await this.#rest();
    }
  }

  #violate(text: string): void {
    this.violations.push(text);
  }

  /** It is down: no busy loop. */
  async #rest(): Promise<void> {
    await sleep(50 + this.#rng.int(50));
    this.#options.signal.throwIfAborted();
  }
}

export function split(sender: string): readonly [Source, string] {
  const at = sender.lastIndexOf(" ");
  return [sender.slice(0, at) as Source, sender.slice(at + 1)];
}

function isKeyed(source: Source): boolean {
  return source === "keyed send" || source === "keyed call";
}

function problemOf(text: string): { readonly code: string; readonly callId: string | undefined } {
  try {
    const { code, callId } = JSON.parse(text) as { code?: string; callId?: string };
    return { code: code ?? "without a code", callId };
  } catch {
    return { code: "without a problem", callId: undefined };
  }
}
