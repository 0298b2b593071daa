/** Who waits at one life of a partition: nobody is forgotten, and nobody who has left is remembered. */
import assert from "node:assert/strict";
import type { TypedValue } from "../../src/model/typed-value.ts";
import type { Partition } from "../../src/partition/partition.ts";
import type { Input, Release } from "../../src/partition/ports.ts";

export class Callers {
  readonly #partition: Partition;
  /** Calls and fetches without an answer. */
  readonly #open = new Set<number>();
  /** Of those, who said that they go and want to be told where the reply will be. */
  readonly #leaving = new Set<number>();
  /** By what they called with: calls without a key that nobody has been told anything about. */
  readonly #untold = new Map<TypedValue, number>();

  constructor(partition: Partition) {
    this.#partition = partition;
  }

  after(inputs: readonly Input[], releases: readonly Release[]): void {
    for (const input of inputs) {
      if (input.kind === "call" || input.kind === "fetch") this.#open.add(input.request);
      if (input.kind === "call" && input.idempotencyKey === undefined) {
        this.#untold.set(input.value, input.request);
      }
      if (input.kind !== "hangUp") continue;
      if (!input.keep) this.#open.delete(input.request);
      else if (this.#open.has(input.request)) this.#leaving.add(input.request);
    }
    for (const release of releases) {
      if (!("request" in release)) continue;
      this.#open.delete(release.request);
      this.#leaving.delete(release.request);
    }
  }

  /** To be called when nothing is being read or committed, and no input waits. */
  atRest(): void {
    const { waiting } = this.#partition.calls;
    assert(waiting <= this.#open.size, `I9: ${waiting} wait of ${this.#open.size} who are there`);
    assert.deepEqual([...this.#leaving], [], "I10: who wanted to leave is not told");
    this.#mail();
  }

  /** What is in memory alone, and nothing left to be committed, is what nobody has been told anything about. */
  #mail(): void {
    for (const [value, request] of this.#untold) {
      if (!this.#open.has(request)) this.#untold.delete(value);
    }
    for (const { key, head, tail } of this.#partition.mailboxes.values()) {
      for (const { written, message } of [...head, ...tail]) {
        const isRight = written || this.#untold.has(message.value);
        assert(isRight, `I2: ${message.id} to ${key} is in memory alone, and was promised`);
      }
    }
  }
}
