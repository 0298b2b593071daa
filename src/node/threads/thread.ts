/**
 * One thread of partitions, as the main thread holds it: started, asked, stopped, and heard of when it ends by itself.
 *
 *   starting  → running    everything but its partitions is open
 *             → ended      what it needs does not open
 *   running   → stopping → ended
 *             → ended      by itself: an error that nobody caught, no memory left, process.exit()
 */
import { Worker } from "node:worker_threads";
import { deferred } from "../../base/deferred.ts";
import { describeError, StatefoldError } from "../../base/errors.ts";
import type { Logger } from "../../telemetry/logger.ts";
import { type Hearer, Line } from "./line.ts";
import { hearFrom, overPort } from "./ports.ts";
import type { ThreadSetup } from "./setup.ts";
import type { ThreadSeat } from "./thread-seat.ts";
import type { ToMain, ToThread } from "./words.ts";

/** A thread that has not closed what it opened by then is ended as it is: as by a crash. */
const STOP_MS = 20_000;

export interface ThreadOptions {
  readonly number: number;
  readonly setup: ThreadSetup;
  readonly hearer: Hearer<ToMain>;
  /** There is room again on its line. */
  readonly onRoom: () => void;
  /** It has ended by itself. */
  readonly onEnded: (error: StatefoldError) => void;
  readonly logger: Logger;
  /** Default STOP_MS. */
  readonly stopMs?: number | undefined;
}

type Life =
  | { readonly kind: "running" }
  | { readonly kind: "stopping"; readonly stopped: Promise<void> }
  | { readonly kind: "ended"; readonly error: StatefoldError };

export class Thread {
  readonly line: Line<ToThread, ToMain>;
  /** Filled before it begins. */
  readonly seats: ThreadSeat[] = [];
  readonly #options: ThreadOptions;
  readonly #worker: Worker;
  #life: Life = { kind: "running" };
  #reason: unknown;
  readonly #gone = deferred<void>();

  constructor(options: ThreadOptions) {
    this.#options = options;
    const { setup, hearer, onRoom } = options;
    this.#worker = new Worker(new URL("./worker.js", import.meta.url), {
      workerData: setup,
      transferList: [...setup.peers.values()],
    });
    this.line = new Line({ wire: overPort(this.#worker), hearer, onRoom });
    hearFrom(this.#worker, this.line);
    this.#worker.on("error", (error) => {
      this.#reason ??= error;
    });
    this.#worker.on("messageerror", (error) => {
      this.#reason ??= error;
      void this.#worker.terminate();
    });
    this.#worker.on("exit", (code) => this.#exited(code));
  }

  /** @throws StatefoldError of what does not open, or of its end */
  async begin(): Promise<void> {
    await this.line.ask("begin", {});
  }

  /** Ends now; what is durable stays. Idempotent. */
  async stop(): Promise<void> {
    if (this.#life.kind === "ended") return;
    if (this.#life.kind === "running") {
      this.#life = { kind: "stopping", stopped: this.#stop() };
    }
    if (this.#life.kind === "stopping") await this.#life.stopped;
  }

  async #stop(): Promise<void> {
    const { logger, number, stopMs = STOP_MS } = this.#options;
    const patience = new AbortController();
    const timer = setTimeout(() => patience.abort(), stopMs);
    try {
      const over = new Promise<"late">((resolve) => {
        patience.signal.addEventListener("abort", () => resolve("late"));
      });
      const end = await Promise.race([this.line.ask("stop", {}), over]);
      if (end === "late") {
        const text = "A thread does not stop; it is ended as it is, as by a crash.";
        logger.error({ thread: number, waitedMs: stopMs }, text);
      }
    } catch (error) {
      const reason = describeError(error);
      logger.error({ thread: number, reason }, "A thread does not stop as it should.");
    } finally {
      clearTimeout(timer);
    }
    void this.#worker.terminate();
    await this.#gone.promise;
  }

  #exited(code: number): void {
    const { number, setup, onEnded } = this.#options;
    const why = this.#reason === undefined ? `it left with ${code}` : describeError(this.#reason);
    const whose = `thread ${number} (partitions ${setup.partitions.join(", ")})`;
    const isStopping = this.#life.kind === "stopping";
    const error = isStopping
      ? new StatefoldError("UNAVAILABLE", `${whose} has stopped`)
      : new StatefoldError("THREAD_ENDED", `${whose} has ended: ${why}`, { cause: this.#reason });
    if (!isStopping) {
      this.#life = { kind: "ended", error };
      if (this.#reason instanceof Error) {
        const fields = { thread: number, stack: this.#reason.stack };
        this.#options.logger.error(fields, "An error that no code caught ended a thread.");
      }
    }
    this.line.end(error);
    for (const seat of this.seats) seat.gone(error);
    this.#gone.resolve();
    if (!isStopping) onEnded(error);
  }
}
