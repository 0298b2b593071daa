/**
 * Follows the topic `out`, committed records only, through the broker's deaths: how far the work is, how long
 * it stood still, and what a reader saw who was there all the time.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { KafkaCluster } from "../../../src/kafka/contract.ts";
import { Fetcher } from "../../../src/kafka/fetcher.ts";
import { OUT, TOPIC_PARTITIONS, type Written } from "./messages.ts";

const LIMITS = { maxWaitMs: 200, minBytes: 1, maxBytes: 4e6, maxPartitionBytes: 1e6 };

export class Tail {
  readonly seen: Written[] = [];
  /** Orders among them. */
  counted = 0;
  /** From its first record on. */
  longestStandstillMs = 0;
  /** When that ended, since the beginning. */
  longestEndedAtMs = 0;
  readonly #fetcher: Fetcher;
  readonly #signal: AbortSignal;
  readonly #beganMs = performance.now();
  #movedMs = performance.now();

  constructor(cluster: KafkaCluster, signal: AbortSignal) {
    this.#fetcher = new Fetcher({ cluster, ...LIMITS, maxHeldBytes: 1e8 });
    this.#signal = signal;
  }

  /** Ends with the signal. */
  async run(): Promise<void> {
    this.#movedMs = performance.now();
    const partitions = Array.from({ length: TOPIC_PARTITIONS }, (_, partition) => partition);
    await Promise.all(partitions.map((partition) => this.#follow(partition)));
    this.#fetcher.stop();
  }

  get stillForMs(): number {
    return performance.now() - this.#movedMs;
  }

  async #follow(partition: number): Promise<void> {
    const tap = this.#fetcher.open({ topic: OUT, partition });
    for (let position = 0; !this.#signal.aborted; ) {
      try {
        const { records, next } = await tap.next(position, this.#signal);
        position = next;
        for (const { value } of records) this.#take(JSON.parse(String(value)) as Written);
      } catch {
        await sleep(50);
      }
    }
    tap.close();
  }

  #take(written: Written): void {
    if (this.seen.length === 0) this.#movedMs = performance.now();
    this.seen.push(written);
    if (written.kind === "counted") this.counted++;
    const stillMs = this.stillForMs;
    this.#movedMs = performance.now();
    if (stillMs <= this.longestStandstillMs) return;
    this.longestStandstillMs = stillMs;
    this.longestEndedAtMs = this.#movedMs - this.#beganMs;
  }
}
