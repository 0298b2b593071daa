import { connect, type Socket } from "node:net";
import { performance } from "node:perf_hooks";
import { setTimeout as pause } from "node:timers/promises";
import { requestsOf, type Shape } from "../requests.ts";
import { AnswerReader } from "./answer-reader.ts";
import { Histogram } from "./histogram.ts";
import { type FromChild, serveParent } from "./processes.ts";

/*
 * Requests at a rate, whatever comes back, in phases that follow each other without a pause. Each has a time at which it is
 * meant to go out, and its latency counts from then. All connections are opened before the first. A request takes one that is
 * free; when all are taken, it is not sent at all, and counted; those that break are opened anew. What is not answered when the last phase is long over is lost.
 */
export interface OpenLoad {
  readonly port: number;
  readonly shape: Shape;
  readonly ids: number;
  readonly connections: number;
  readonly phases: readonly { readonly perSecond: number; readonly forMs: number }[];
}

export const SLOT_MS = 100;
/** Later than that, an answer is no use to who asked. */
const USEFUL_WITHIN_MS = 1_000;
const AT_ONCE = 100;
const ANSWER_WITHIN_MS = 30_000;

export interface PhaseResult {
  /** How many were meant to go out. */
  readonly offered: number;
  readonly answered: number;
  /** 429 and 503. */
  readonly refused: number;
  /** Every connection there may be was taken. */
  readonly unsent: number;
  /** The connection was closed, or not taken, before anything had come back on it: as a bound of connections does it. */
  readonly closed: number;
  /** Other answers, and connections that broke. */
  readonly failed: number;
  readonly firstFailure: string | undefined;
  /** Came back while this phase lasted, from whatever phase. */
  readonly answersMeanwhile: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  /** Of refusals. */
  readonly refusedP99Ms: number;
}

export interface OpenLoadResult {
  readonly phases: readonly PhaseResult[];
  /** Answered within a second, by the slot of {@link SLOT_MS} in which they were meant to go out. */
  readonly slots: readonly number[];
  readonly cpuMs: number;
  /** When the first phase began, ms since the epoch. */
  readonly beganAtMs: number;
}

/** In place of a status: the connection broke, one that had never carried an answer or another. */
const CLOSED_NEW = -1;
const BROKEN = 0;

class Phase {
  readonly latencies = new Histogram();
  readonly refusals = new Histogram();
  offered = 0;
  unsent = 0;
  closed = 0;
  failed = 0;
  firstFailure: string | undefined;
  answersMeanwhile = 0;

  fail(what: string): void {
    this.failed++;
    this.firstFailure ??= what;
  }

  result(): PhaseResult {
    const { latencies, refusals, offered, unsent, closed, failed } = this;
    const { firstFailure, answersMeanwhile } = this;
    return {
      ...{ offered, unsent, closed, failed, firstFailure, answersMeanwhile },
      answered: latencies.count,
      refused: refusals.count,
      p50Ms: latencies.percentileMs(0.5),
      p99Ms: latencies.percentileMs(0.99),
      p999Ms: latencies.percentileMs(0.999),
      refusedP99Ms: refusals.percentileMs(0.99),
    };
  }
}

class Generator {
  readonly #load: OpenLoad;
  readonly #requests: readonly Buffer[];
  readonly #phases: readonly Phase[];
  readonly #slots: number[] = [];
  readonly #free: Line[] = [];
  readonly #lines = new Set<Line>();
  #now: Phase;
  #open = 0;
  #sent = 0;
  #beganMs = 0;

  constructor(load: OpenLoad) {
    this.#load = load;
    this.#requests = requestsOf(load.shape, load.ids);
    this.#phases = load.phases.map(() => new Phase());
    this.#now = this.#phases[0] ?? new Phase();
  }

  async run(): Promise<OpenLoadResult> {
    await this.#openAll();
    const cpuBefore = process.cpuUsage();
    this.#beganMs = performance.now();
    let fromMs = this.#beganMs;
    for (const [at, { perSecond, forMs }] of this.#load.phases.entries()) {
      this.#now = this.#phases[at] ?? this.#now;
      await this.#send(this.#now, fromMs, perSecond, forMs);
      fromMs += forMs;
    }
    const { user, system } = process.cpuUsage(cpuBefore);
    this.#now = new Phase();
    const untilMs = performance.now() + ANSWER_WITHIN_MS;
    while (this.#open > 0 && performance.now() < untilMs) await pause(10);
    for (const line of this.#lines) line.lose();
    return {
      phases: this.#phases.map((phase) => phase.result()),
      slots: Array.from(this.#slots, (count) => count ?? 0),
      cpuMs: (user + system) / 1000,
      beganAtMs: performance.timeOrigin + this.#beganMs,
    };
  }

  /** A few at a time: how many can come in one burst is another question. */
  async #openAll(): Promise<void> {
    const opened: Promise<void>[] = [];
    for (let n = 0; n < this.#load.connections; n++) {
      const line = this.#newLine();
      if (line === undefined) break;
      this.#free.push(line);
      opened.push(line.opened);
      if (n % AT_ONCE === 0) await Promise.all(opened.splice(0));
    }
    await Promise.all(opened);
  }

  async #send(phase: Phase, fromMs: number, perSecond: number, forMs: number): Promise<void> {
    const all = Math.round((perSecond * forMs) / 1000);
    for (let next = 0; next < all; ) {
      const nowMs = performance.now();
      for (; next < all; next++) {
        const meantAtMs = fromMs + (next * 1000) / perSecond;
        if (meantAtMs > nowMs) break;
        this.#request(phase, meantAtMs);
      }
      if (next < all) await pause(1);
    }
    const leftMs = fromMs + forMs - performance.now();
    if (leftMs > 0) await pause(leftMs);
  }

  #request(phase: Phase, meantAtMs: number): void {
    phase.offered++;
    const line = this.#free.pop() ?? this.#newLine();
    if (line === undefined) {
      phase.unsent++;
      return;
    }
    this.#open++;
    // Any order that comes round to every address; a prime step spreads them.
    const request = this.#requests[(this.#sent++ * 7_919) % this.#requests.length];
    line.ask(request ?? Buffer.alloc(0), (status, what) => {
      this.#open--;
      const tookMs = performance.now() - meantAtMs;
      if (status >= 200 && status < 300) {
        phase.latencies.record(tookMs);
        this.#now.answersMeanwhile++;
        if (tookMs <= USEFUL_WITHIN_MS) this.#countUseful(meantAtMs);
      } else if (status === 429 || status === 503) phase.refusals.record(tookMs);
      else if (status === CLOSED_NEW) phase.closed++;
      else phase.fail(what);
    });
  }

  #countUseful(meantAtMs: number): void {
    const slot = Math.floor((meantAtMs - this.#beganMs) / SLOT_MS);
    this.#slots[slot] = (this.#slots[slot] ?? 0) + 1;
  }

  #newLine(): Line | undefined {
    if (this.#lines.size >= this.#load.connections) return undefined;
    const line: Line = new Line(this.#load.port, {
      onFree: () => this.#free.push(line),
      onGone: () => {
        this.#lines.delete(line);
        const at = this.#free.indexOf(line);
        if (at >= 0) this.#free.splice(at, 1);
      },
    });
    this.#lines.add(line);
    return line;
  }
}

/** One connection, with one request at a time. */
class Line {
  /** Or not: it says so to who asks. */
  readonly opened: Promise<void>;
  readonly #socket: Socket;
  #settle: ((status: number, what: string) => void) | undefined;

  constructor(port: number, hooks: { readonly onFree: () => void; readonly onGone: () => void }) {
    const reader = new AnswerReader();
    const socket = connect({ port, host: "127.0.0.1", noDelay: true });
    this.#socket = socket;
    this.opened = new Promise((resolve) => {
      socket.once("connect", resolve).once("close", resolve);
    });
    let isNew = true;
    let why = "the connection was closed";
    socket.on("data", (chunk) => {
      const answer = reader.take(chunk);
      if (answer === undefined) return;
      const settle = this.#settle;
      this.#settle = undefined;
      isNew = false;
      hooks.onFree();
      settle?.(answer.status, answer.bytes.toString("utf8", 0, 300));
    });
    socket.on("error", (error) => {
      why = error.message;
    });
    socket.on("close", () => {
      hooks.onGone();
      this.#settle?.(isNew ? CLOSED_NEW : BROKEN, why);
      this.#settle = undefined;
    });
  }

  ask(request: Buffer, settle: (status: number, what: string) => void): void {
    this.#settle = settle;
    this.#socket.write(request);
  }

  lose(): void {
    this.#settle?.(BROKEN, "no answer came");
    this.#settle = undefined;
    this.#socket.destroy();
  }
}

serveParent(async (load: OpenLoad): Promise<FromChild> => await new Generator(load).run());
