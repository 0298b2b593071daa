/**
 * Brings one partition's records for one egress to their receiver: in order, again after a failure, one
 * call at a time. What makes that exactly-once is the receiver's memory of the numbers; what bounds the
 * queue is the outbox, which sends no more than its window before it is acknowledged (I9).
 */
import { type BackoffOptions, backoffMs } from "../base/backoff.ts";
import { describeError } from "../base/errors.ts";
import type { Egress } from "../egress/contract.ts";
import { egressDestination } from "../partition/outboxes.ts";
import type { AcknowledgedInput } from "../partition/ports.ts";
import type { EgressEffect } from "../store/records.ts";
import type { Logger } from "../telemetry/logger.ts";
import { sleep } from "./sleep.ts";

const BACKOFF: BackoffOptions = { initialMs: 50, maxMs: 10_000 };
/** Records of one call to the receiver at most. */
const PUBLISH_RECORDS = 5_000;

export interface PublisherOptions {
  readonly egress: Egress;
  readonly partition: number;
  readonly acknowledge: (input: AcknowledgedInput) => void;
  readonly logger: Logger;
}

/** Records with ascending numbers from `first` on. */
interface Run {
  readonly first: number;
  readonly records: readonly EgressEffect[];
}

export class Publisher {
  readonly #options: PublisherOptions;
  readonly #abort = new AbortController();
  readonly #waiting: Run[] = [];
  #running: Promise<void> | undefined;
  /** Why the last call failed, while it does. */
  reason: string | undefined;

  constructor(options: PublisherOptions) {
    this.#options = options;
  }

  add(first: number, records: readonly EgressEffect[]): void {
    this.#waiting.push({ first, records });
    this.#running ??= this.#run();
  }

  /** Ends; what was being sent may have arrived, and is sent again by the partition's next life. */
  async stop(): Promise<void> {
    this.#abort.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#abort;
    while (this.#waiting.length > 0 && !signal.aborted) {
      const { first, records } = this.#nextRun();
      await this.#publish(first, records, signal);
    }
    this.#running = undefined;
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
    return { first, records: runs.flatMap(({ records }) => records) };
  }

  async #publish(
    first: number,
    records: readonly EgressEffect[],
    signal: AbortSignal,
  ): Promise<void> {
    const { egress, partition, acknowledge, logger } = this.#options;
    for (let attempt = 1; !signal.aborted; attempt++) {
      try {
        const { refused } = await egress.publish(partition, first, records);
        this.reason = undefined;
        const upTo = first + records.length - 1;
        const destination = egressDestination(egress.id);
        return acknowledge({ kind: "acknowledged", destination, upTo, refused });
      } catch (error) {
        this.reason = describeError(error);
        logger.warn(
          { egress: egress.id, partition, attempt, reason: this.reason },
          "An egress cannot be reached.",
        );
        await sleep(backoffMs(attempt, BACKOFF, Math.random), signal);
      }
    }
  }
}
