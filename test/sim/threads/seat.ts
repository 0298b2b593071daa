import assert from "node:assert/strict";
import { StatefoldError } from "../../../src/base/errors.ts";
import type { SourceBatch } from "../../../src/model/source.ts";
import { type EgressBacklog, NO_BACKLOG } from "../../../src/node/figures.ts";
import type { Notice, Phase } from "../../../src/node/seat.ts";
import { SourceQueue, type Taker } from "../../../src/node/source-queue.ts";
import type { Seated } from "../../../src/node/threads/desk.ts";
import type { Host } from "../host.ts";

const DOWN = new StatefoldError("UNAVAILABLE", "it is down");

/** A simulated partition, as the desk of its thread has it: as far as it is told things. */
export class SimSeat implements Seated {
  readonly #host: Host;
  readonly #sources = new SourceQueue();
  readonly #taker: Taker = {
    hasRoomFor: (types) => {
      const { partition } = this.#host;
      if (partition === undefined || partition.isFull) return false;
      return [...types].every((type) => partition.hasRoomFor(type));
    },
    offer: (batch) => this.#host.offer({ kind: "source", ...batch }),
  };

  constructor(host: Host) {
    this.#host = host;
  }

  get index(): number {
    return this.#host.index;
  }

  get partition() {
    return this.#host.partition;
  }

  get phase(): Phase {
    return this.#host.partition === undefined ? "loading" : "running";
  }

  figure(): number {
    return 0;
  }

  backlog(): EgressBacklog {
    return NO_BACKLOG;
  }

  async open(): Promise<void> {}

  notify(notice: Notice): void {
    this.#host.offer(notice);
  }

  newRequest(): number {
    return assert.fail("requests come another way");
  }

  ask(): void {
    assert.fail("requests come another way");
  }

  hangUp(): void {}

  /** As src/node/partition-host.ts does. */
  async take(batch: SourceBatch): Promise<void> {
    if (this.#host.partition === undefined) throw DOWN;
    await this.#sources.add(batch, this.#taker);
  }

  offerSources(): void {
    this.#sources.offerTo(this.#taker);
  }

  /** It has lost its memory. */
  closed(): void {
    this.#sources.rejectAll(DOWN);
  }

  look(): Promise<never> {
    return assert.fail("nobody looks");
  }

  async stop(): Promise<void> {}
}
