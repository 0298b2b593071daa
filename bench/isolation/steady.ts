import { connect, type Socket } from "node:net";
import { performance } from "node:perf_hooks";
import { setTimeout as pause } from "node:timers/promises";
import { requestsOf } from "../requests.ts";
import { AnswerReader } from "../support/answer-reader.ts";
import { Histogram } from "../support/histogram.ts";
import { type FromChild, serveParent } from "../support/processes.ts";

/*
 * Everybody else: calls at a fixed rate, whatever comes back. Each has a time at which it is meant to go
 * out, and its latency counts from then, so that a node which stands still for a second is charged for
 * every call that was meant to be made in it (no coordinated omission).
 */
export type SteadyQuestion =
  | { readonly kind: "start"; readonly port: number; readonly perSecond: number }
  | { readonly kind: "measure"; readonly forMs: number }
  | { readonly kind: "stop" };

export interface Latencies {
  readonly calls: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  readonly maxMs: number;
  /** Answers that were no 2xx, connections that broke, and calls not answered in time. */
  readonly errors: number;
  readonly firstError: string | undefined;
}

const IDS = 20_000;
/** A call not answered by then is an error. */
const ANSWER_WITHIN_MS = 20_000;

/** The calls meant to go out in one span of time. */
class Span {
  readonly histogram = new Histogram();
  open = 0;
  errors = 0;
  firstError: string | undefined;

  fail(what: string): void {
    this.open--;
    this.errors++;
    this.firstError ??= what;
  }
}

class Steady {
  readonly #port: number;
  readonly #perSecond: number;
  readonly #requests = requestsOf("add", IDS);
  readonly #idle: Socket[] = [];
  #span = new Span();
  #sent = 0;
  #isOver = false;

  constructor(port: number, perSecond: number) {
    this.#port = port;
    this.#perSecond = perSecond;
  }

  async run(): Promise<void> {
    const startedAtMs = performance.now();
    while (!this.#isOver) {
      const nowMs = performance.now();
      for (;;) {
        const meantAtMs = startedAtMs + (this.#sent * 1000) / this.#perSecond;
        if (meantAtMs > nowMs) break;
        this.#call(meantAtMs);
      }
      await pause(1);
    }
  }

  stop(): void {
    this.#isOver = true;
    for (const socket of this.#idle) socket.destroy();
  }

  async measure(forMs: number): Promise<Latencies> {
    const span = new Span();
    this.#span = span;
    await pause(forMs);
    this.#span = new Span();
    const untilMs = performance.now() + ANSWER_WITHIN_MS;
    while (span.open > 0 && performance.now() < untilMs) await pause(10);
    const { histogram, errors, open, firstError } = span;
    return {
      calls: histogram.count,
      p50Ms: histogram.percentileMs(0.5),
      p99Ms: histogram.percentileMs(0.99),
      p999Ms: histogram.percentileMs(0.999),
      maxMs: histogram.maxMs,
      errors: errors + open,
      firstError: firstError ?? (open > 0 ? "a call was not answered" : undefined),
    };
  }

  #call(meantAtMs: number): void {
    // Any order that comes round to every address; a prime step spreads them.
    const request = this.#requests[(this.#sent++ * 7_919) % IDS] ?? Buffer.alloc(0);
    const span = this.#span;
    span.open++;
    const socket =
      this.#idle.pop() ?? connect({ port: this.#port, host: "127.0.0.1", noDelay: true });
    const reader = new AnswerReader();
    const settle = (what: string | undefined): void => {
      socket.removeAllListeners();
      socket.on("error", () => {});
      if (what === undefined) {
        span.open--;
        span.histogram.record(performance.now() - meantAtMs);
        this.#idle.push(socket);
        socket.once("close", () => this.#forget(socket));
      } else {
        socket.destroy();
        span.fail(what);
      }
    };
    socket.on("data", (chunk) => {
      const answer = reader.take(chunk);
      if (answer === undefined) return;
      const isGood = answer.status >= 200 && answer.status < 300;
      settle(isGood ? undefined : answer.bytes.toString("utf8").slice(0, 300));
    });
    socket.on("error", (error) => settle(error.message));
    socket.on("close", () => settle("the connection was closed"));
    socket.write(request);
  }

  #forget(socket: Socket): void {
    const at = this.#idle.indexOf(socket);
    if (at >= 0) this.#idle.splice(at, 1);
  }
}

let steady: Steady | undefined;

serveParent(async (question: SteadyQuestion): Promise<FromChild> => {
  switch (question.kind) {
    case "start":
      steady = new Steady(question.port, question.perSecond);
      void steady.run();
      return {};
    case "measure":
      if (steady === undefined) throw new Error("nothing was started");
      return await steady.measure(question.forMs);
    case "stop":
      steady?.stop();
      return {};
  }
});
