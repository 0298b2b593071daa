import { connect, type Socket } from "node:net";
import { performance } from "node:perf_hooks";
import { requestsOf, type Shape } from "../requests.ts";
import { AnswerReader } from "./answer-reader.ts";
import { Histogram } from "./histogram.ts";
import { type FromChild, serveParent } from "./processes.ts";

/*
 * An HTTP load generator, in a process of its own: N keep-alive connections, each in a closed loop (the
 * next request goes out when the answer is in), over sockets of its own, so that what is measured is the
 * other side. It warms up, measures, and says what it saw.
 */
export interface Load {
  readonly port: number;
  readonly shape: Shape;
  readonly connections: number;
  /** How many addresses the requests are spread over. */
  readonly ids: number;
  readonly warmUpMs: number;
  readonly measureMs: number;
  /** Of the argument. Default 100. */
  readonly payloadBytes?: number;
}

export interface LoadResult {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  readonly maxMs: number;
  /** Answers that were no 2xx, and connections that broke. */
  readonly errors: number;
  readonly firstError: string | undefined;
  /** Successful ones from the first on, those of the warming up included. */
  readonly answers: number;
  /** Of the generator itself, meanwhile. */
  readonly cpuMs: number;
}

class Generator {
  readonly #load: Load;
  readonly #requests: readonly Buffer[];
  readonly #histogram = new Histogram();
  #isMeasuring = false;
  #isOver = false;
  #errors = 0;
  #answers = 0;
  #firstError: string | undefined;
  #seed = 1;

  constructor(load: Load) {
    this.#load = load;
    this.#requests = requestsOf(load.shape, load.ids, load.payloadBytes);
  }

  async run(): Promise<LoadResult> {
    const { connections, warmUpMs, measureMs } = this.#load;
    const cpuBefore = process.cpuUsage();
    const sockets = Array.from({ length: connections }, () => this.#open());
    await pause(warmUpMs);
    this.#isMeasuring = true;
    const startedAtMs = performance.now();
    await pause(measureMs);
    const tookMs = performance.now() - startedAtMs;
    this.#isMeasuring = false;
    this.#isOver = true;
    for (const socket of sockets) socket.destroy();
    const { user, system } = process.cpuUsage(cpuBefore);
    return {
      perSecond: (this.#histogram.count / tookMs) * 1000,
      p50Ms: this.#histogram.percentileMs(0.5),
      p99Ms: this.#histogram.percentileMs(0.99),
      p999Ms: this.#histogram.percentileMs(0.999),
      maxMs: this.#histogram.maxMs,
      errors: this.#errors,
      firstError: this.#firstError,
      answers: this.#answers,
      cpuMs: (user + system) / 1000,
    };
  }

  #open(): Socket {
    const socket = connect({ port: this.#load.port, host: "127.0.0.1", noDelay: true });
    const reader = new AnswerReader();
    let sentAtMs = 0;
    const send = (): void => {
      sentAtMs = performance.now();
      socket.write(this.#nextRequest());
    };
    socket.on("connect", send);
    socket.on("data", (chunk) => {
      const answer = reader.take(chunk);
      if (answer === undefined || this.#isOver) return;
      if (answer.status >= 200 && answer.status < 300) {
        this.#answers++;
        if (this.#isMeasuring) this.#histogram.record(performance.now() - sentAtMs);
      } else this.#fail(answer.bytes.toString("utf8").slice(0, 500));
      send();
    });
    socket.on("error", (error) => this.#fail(error.message));
    socket.on("end", () => this.#fail("the connection was closed"));
    return socket;
  }

  #fail(what: string): void {
    if (this.#isOver) return;
    this.#errors++;
    this.#firstError ??= what;
  }

  /** Pseudo-random, the same in every run (xorshift). */
  #nextRequest(): Buffer {
    this.#seed ^= this.#seed << 13;
    this.#seed ^= this.#seed >>> 17;
    this.#seed ^= this.#seed << 5;
    const request = this.#requests[(this.#seed >>> 0) % this.#requests.length];
    if (request === undefined) throw new Error("there are no requests to send");
    return request;
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}

serveParent(async (load: Load): Promise<FromChild> => await new Generator(load).run());
