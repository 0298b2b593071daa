import { isForbidden, isUnknownTopic, KafkaError } from "../kafka/error.ts";
import { type Batch, placeOf } from "./kafka-batches.ts";
import { type PlacedRecord, type Placement, refusedTopic } from "./kafka-placement.ts";

/** A batch that the broker will never take, or at least one record of it. */
export class RefusedBatch extends Error {
  readonly records: readonly PlacedRecord[];
  readonly code: string;

  constructor(batch: Batch, code: string) {
    super(`${placeOf(batch.at)}: ${code}`);
    this.records = batch.records;
    this.code = code;
  }
}

/** The batch is larger than its topic allows; a record alone in it is. */
const TOO_LARGE: ReadonlySet<string> = new Set(["MESSAGE_TOO_LARGE", "RECORD_LIST_TOO_LARGE"]);

/** What a broker says of records that it will never take. */
const REFUSING: ReadonlySet<string> = new Set([
  ...TOO_LARGE,
  ...["INVALID_RECORD", "INVALID_TIMESTAMP", "POLICY_VIOLATION", "UNSUPPORTED_COMPRESSION_TYPE"],
]);

/**
 * Finds the records in refused batches that are at fault: a batch too large is made smaller, with its
 * topic's later ones; of any other each record gets a batch of its own. One that is alone is refused.
 */
export class Refusals {
  readonly #placement: Placement;
  readonly #alone = new Set<number>();
  readonly #reasons = new Map<number, string>();

  constructor(placement: Placement) {
    this.#placement = placement;
  }

  readonly isAlone = (number: number): boolean => this.#alone.has(number);

  reasonFor(number: number): string | undefined {
    return this.#reasons.get(number);
  }

  /** @throws RefusedBatch which {@link learn} takes, or KafkaError: the topic's partitions may have changed */
  check(batch: Batch, code: string | undefined): void {
    if (code === undefined) return;
    if (REFUSING.has(code) || isForbidden(code)) throw new RefusedBatch(batch, code);
    this.#placement.forget(batch.at.topic);
    throw new KafkaError(code, `publishing to ${placeOf(batch.at)}`);
  }

  /** A whole request failed: where a topic has gone, all are looked up anew. Whether that was it. */
  isTopicGone(error: unknown, batches: readonly Batch[]): boolean {
    if (!isUnknownTopic(error)) return false;
    for (const { at } of batches) this.#placement.forget(at.topic);
    return true;
  }

  learn({ records, code }: RefusedBatch): void {
    const [only] = records;
    if (only === undefined) return;
    const reason = `${placeOf(only.at)}: the broker refuses it (${code})`;
    if (isForbidden(code)) {
      this.#placement.deny(only.at.topic, refusedTopic(only.at.topic, code));
    } else if (records.length === 1) {
      this.#reasons.set(only.number, reason);
    } else if (TOO_LARGE.has(code)) {
      const bytes = records.reduce((sum, record) => sum + record.bytes, 0);
      this.#placement.limit(only.at.topic, Math.floor(bytes / 2));
    } else {
      for (const { number } of records) this.#alone.add(number);
    }
  }

  /** These are done, one way or the other. */
  forget(numbers: Iterable<number>): void {
    for (const number of numbers) {
      this.#alone.delete(number);
      this.#reasons.delete(number);
    }
  }
}
