/**
 * Brings one partition's records for one egress to their receiver: in order, again after a failure, one
 * call at a time, and none for longer than its bound. What makes that exactly-once is the receiver's memory
 * of the numbers; what bounds the queue is the outbox, which sends no more than its window before it is
 * acknowledged (I9).
 */

import { type BackoffOptions, backoffMs, type Random } from "../base/backoff.ts";
import { describeError, StatefoldError } from "../base/errors.ts";
import { unlessAborted } from "../base/unless-aborted.ts";
import type { Egress, Published } from "../egress/contract.ts";
import type { AcknowledgedInput } from "../partition/ports.ts";
import { egressDestination } from "../store/keys.ts";
import type { EgressEffect } from "../store/records/outbox.ts";
import type { Logger } from "../telemetry/logger.ts";
import { sleep } from "./sleep.ts";

const BACKOFF: BackoffOptions = { initialMs: 50, maxMs: 2_000 };
/** A call to the receiver that takes longer is given up, and made again. */
const PUBLISH_MS = 120_000;
/** How often it is asked whether it may publish, while it may not. */
const LOOK_EVERY_MS = 50;
/** Records of one call to the receiver at most. */
const PUBLISH_RECORDS = 5_000;

export interface PublisherOptions {
  readonly egress: Egress;
  /** Whose numbers they are. */
  readonly partition: number;
  /** The outbox that is told what has arrived. Default: a partition's own for the egress. */
  readonly destination?: string;
  readonly acknowledge: (input: AcknowledgedInput) => void;
  /** Asked until it says so, before each call, with the first number of the records. Default: at once. */
  readonly mayPublish?: (first: number) => boolean;
  /** Another process publishes in this one's place: nothing more is sent. */
  readonly onFenced: (error: StatefoldError) => void;
  /** A call was answered. */
  readonly onPublished: (elapsedMs: number, records: number) => void;
  readonly logger: Logger;
  /** Default: PUBLISH_MS. */
  readonly publishMs?: number;
  /** How it waits between two calls, and for one. Resolves early when the signal aborts. */
  readonly sleep?: typeof sleep;
  readonly random?: Random;
}

/** Records with ascending numbers from `first` on. */
interface Run {
  readonly first: number;
  readonly records: readonly EgressEffect[];
  /** The greatest number of a cut that they were let go with. */
  readonly barrier: number;
}

export class Publisher {
  readonly #options: PublisherOptions;
  readonly #abort = new AbortController();
  readonly #waiting: Run[] = [];
  #running: Promise<void> | undefined;
  /** Aborts the call to the receiver that is being made. */
  #calling: AbortController | undefined;
  /** Why the last call failed, while it does. */
  reason: string | undefined;

  constructor(options: PublisherOptions) {
    this.#options = options;
  }

  /** The id of its egress. */
  get egress(): string {
    return this.#options.egress.id;
  }

  /** @param barrier the number of the partition's last cut */
  add(first: number, records: readonly EgressEffect[], barrier = 0): void {
    this.#waiting.push({ first, records, barrier });
    this.#running ??= this.#run();
  }

  /**
   * Ends, and waits for no receiver; what was being sent may have arrived, and is sent again by the
   * partition's next life.
   */
  async stop(): Promise<void> {
    this.#abort.abort();
    this.#calling?.abort(new Error("the node is stopping"));
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#abort;
    while (this.#waiting.length > 0 && !signal.aborted) {
      const run = this.#nextRun();
      await this.#untilItMay(run.first, signal);
      await this.#publish(run, signal);
    }
    this.#running = undefined;
  }

  async #untilItMay(first: number, signal: AbortSignal): Promise<void> {
    const { mayPublish, sleep: pause = sleep } = this.#options;
    while (!signal.aborted && mayPublish?.(first) === false) await pause(LOOK_EVERY_MS, signal);
  }

  /** What waits and follows on, together. */
  #nextRun(): Run {
    const first = this.#waiting[0]?.first ?? 0;
    let count = 0;
    let taken = 0;
    for (const run of this.#waiting) {
      if (run.first !== first + count) break;
      if (taken > 0 && count + run.records.length > PUBLISH_RECORDS) break;
      count += run.records.length;
      taken++;
    }
    const runs = this.#waiting.splice(0, taken);
    const barrier = Math.max(...runs.map((run) => run.barrier));
    return { first, records: runs.flatMap(({ records }) => records), barrier };
  }

  async #publish(run: Run, signal: AbortSignal): Promise<void> {
    const { first, records } = run;
    const { egress, partition, acknowledge, onFenced, onPublished, logger } = this.#options;
    const { destination = egressDestination(egress.id) } = this.#options;
    const { sleep: pause = sleep, random = Math.random } = this.#options;
    for (let attempt = 1; !signal.aborted; attempt++) {
      try {
        const beganMs = performance.now();
        const { refused, barrier } = await this.#call(run);
        onPublished(performance.now() - beganMs, records.length);
        this.reason = undefined;
        const upTo = first + records.length - 1;
        return acknowledge({ kind: "acknowledged", destination, upTo, refused, barrier });
      } catch (error) {
        if (signal.aborted) return;
        this.reason = describeError(error);
        if (error instanceof StatefoldError && error.code === "KAFKA_FENCED") {
          this.#abort.abort();
          return onFenced(error);
        }
        logger.warn(
          { egress: egress.id, partition, attempt, reason: this.reason },
          "An egress cannot be reached.",
        );
        await pause(backoffMs(attempt, BACKOFF, random), signal);
      }
    }
  }

  /** One call at a time, also when one takes too long: the next begins when it has ended. */
  async #call({ first, records, barrier }: Run): Promise<Published> {
    const { egress, partition, publishMs = PUBLISH_MS, sleep: pause = sleep } = this.#options;
    const calling = new AbortController();
    this.#calling = calling;
    const ended = new AbortController();
    void pause(publishMs, ended.signal).then(() => {
      if (ended.signal.aborted) return;
      const problem = new Error(`the receiver has not answered within ${publishMs} ms`);
      this.reason = problem.message;
      calling.abort(problem);
    });
    try {
      const published = egress.publish(partition, first, records, calling.signal, barrier);
      return await unlessAborted(published, this.#abort.signal);
    } finally {
      ended.abort();
      this.#calling = undefined;
    }
  }
}
