/**
 * Writes orders in transactions, some of which it aborts, and goes on through the broker's deaths. What
 * became of a transaction then the topic itself says: so there are exactly as many records in the end.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { Kafka, logLevel, type Producer } from "kafkajs";
import type { Rng } from "../../support/rng.ts";
import { IN, idOf, type Order, TOPIC_PARTITIONS } from "./messages.ts";

export interface WriterOptions {
  readonly address: string;
  readonly rng: Rng;
  readonly ids: number;
  readonly records: number;
  /** So many may be there by now. */
  readonly mayWrite: () => number;
  /** How many are committed in the topic. */
  readonly countCommitted: () => Promise<number>;
  readonly signal: AbortSignal;
}

const RECORDS_AT_ONCE = 200;
const ABORTED_SHARE = 0.15;
/** So many ids get a tenth of the records. */
const HOT_IDS = 10;
const HOT_SHARE = 0.1;

export class Writer {
  readonly #options: WriterOptions;
  readonly #kafka: Kafka;
  /** The last order of each id. */
  readonly #last = new Map<string, number>();
  /** Of the records so many are written, and then it waits. */
  share = 1;
  /** Committed, as far as is known. */
  written = 0;
  /** Records of transactions that were aborted on purpose. */
  aborted = 0;
  /** Times the outcome was looked up in the topic. */
  lookups = 0;

  constructor(options: WriterOptions) {
    this.#options = options;
    // The end of the transaction before takes a few milliseconds.
    const retry = { initialRetryTime: 5, multiplier: 1.5, maxRetryTime: 200, retries: 8 };
    this.#kafka = new Kafka({ brokers: [options.address], logLevel: logLevel.NOTHING, retry });
  }

  /** Resolves when all are there. */
  async run(): Promise<void> {
    const { records, countCommitted, signal } = this.#options;
    while (!signal.aborted && this.written < records) {
      const options = { transactionalId: "writer", idempotent: true, maxInFlightRequests: 1 };
      const producer = this.#kafka.producer(options);
      try {
        await producer.connect();
        await this.#endWhatIsOpen(producer);
        this.written = await countCommitted();
        this.lookups++;
        await this.#write(producer);
      } catch {
        await sleep(50);
      }
      await producer.disconnect().catch(() => undefined); // the broker is away
    }
  }

  /**
   * Shuts out the one before. A broker that is killed between the end of a transaction and its markers may
   * forget to write them (seen with 4.4.0), and all who read stop there: in each partition the next marker of
   * the same producer ends that one as well.
   */
  async #endWhatIsOpen(producer: Producer): Promise<void> {
    const transaction = await producer.transaction();
    const partitions = Array.from({ length: TOPIC_PARTITIONS }, (_, partition) => partition);
    const messages = partitions.map((partition) => ({ partition, key: "none", value: "{}" }));
    await transaction.send({ topic: IN, messages });
    await transaction.abort();
    this.aborted += TOPIC_PARTITIONS;
  }

  async #write(producer: Producer): Promise<void> {
    const { records, mayWrite, rng, signal } = this.#options;
    while (this.written < records) {
      const upTo = Math.min(Math.floor(records * this.share), mayWrite());
      const count = Math.min(RECORDS_AT_ONCE, upTo - this.written);
      if (count <= 0) {
        await sleep(20);
        signal.throwIfAborted();
        continue;
      }
      const transaction = await producer.transaction();
      await transaction.send({ topic: IN, messages: this.#orders(count) });
      if (rng.chance(ABORTED_SHARE)) {
        await transaction.abort();
        this.aborted += count;
      } else {
        await transaction.commit();
        this.written += count;
      }
    }
  }

  #orders(count: number): { key: string; value: string }[] {
    return Array.from({ length: count }, () => {
      const { rng, ids } = this.#options;
      const key = idOf(rng.int(rng.chance(HOT_SHARE) ? Math.min(HOT_IDS, ids) : ids));
      const n = (this.#last.get(key) ?? 0) + 1;
      this.#last.set(key, n);
      const order: Order = { n };
      return { key, value: JSON.stringify(order) };
    });
  }
}
