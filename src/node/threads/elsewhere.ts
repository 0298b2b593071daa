/** The partitions of other threads, for those of this one: a line to each thread, and what the main thread knows. */
import { assert } from "../../base/assert.ts";
import { incarnationOf } from "../../model/outbox-number.ts";
import type { PeerInput } from "../../partition/peers.ts";
import type { AwayPartitions } from "../hosts.ts";
import type { Line } from "./line.ts";
import type { BetweenThreads, ToMain, ToThread } from "./words.ts";

export class Elsewhere implements AwayPartitions {
  readonly #main: Line<ToMain, ToThread>;
  readonly #lineTo: (partition: number) => Line<BetweenThreads, BetweenThreads> | undefined;
  /** What was found so stays so: older-records.ts. */
  readonly #free = new Set<string>();
  readonly #asked = new Set<string>();

  constructor(
    main: Line<ToMain, ToThread>,
    lineTo: (partition: number) => Line<BetweenThreads, BetweenThreads> | undefined,
  ) {
    this.#main = main;
    this.#lineTo = lineTo;
  }

  offer(to: number, input: PeerInput): void {
    const line = this.#lineTo(to);
    assert(line !== undefined, `there is a line to partition ${to}`);
    line.tell("peer", { to, input });
  }

  nothingOlder(egress: string, first: number): boolean {
    const incarnation = incarnationOf(first);
    if (incarnation === 0) return true;
    const name = `${incarnation} ${egress}`;
    if (!this.#free.has(name)) void this.#ask(name, egress, incarnation);
    return this.#free.has(name);
  }

  /** Never rejects. */
  async #ask(name: string, egress: string, incarnation: number): Promise<void> {
    if (this.#asked.has(name)) return;
    this.#asked.add(name);
    try {
      if (await this.#main.ask("nothingOlder", { egress, incarnation })) this.#free.add(name);
    } catch {
      // The thread is ending.
    } finally {
      this.#asked.delete(name);
    }
  }
}
