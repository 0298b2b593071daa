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

export class Publisher {
  readonly #options: PublisherOptions;
  readonly #abort = new AbortController();
  #waiting: { readonly first: number; readonly records: readonly EgressEffect[] }[] = [];
  #running: Promise<void> | undefined;
  /** Why the last call failed, while it does. */
  reason: string | undefined;

  constructor(options: PublisherOptions) {
    this.#options = options;
  }

  add(first: number, records: readonly EgressEffect[]): void {
    this.#waiting.push({ first, records });
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
    });
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
  }

  /** What waits and follows on, together. */
  #nextRun(): { first: number; records: EgressEffect[] } {
    const records: EgressEffect[] = [];
    const first = this.#waiting[0]?.first ?? 0;
    let taken = 0;
    for (const run of this.#waiting) {
      if (run.first !== first + records.length) break;
      if (records.length > 0 && records.length + run.records.length > PUBLISH_RECORDS) break;
      records.push(...run.records);
      taken++;
    }
    this.#waiting.splice(0, taken);
    return { first, records };
  }

  async #publish(first: number, records: EgressEffect[], signal: AbortSignal): Promise<void> {
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
