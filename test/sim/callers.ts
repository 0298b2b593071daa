/** Who waits at one life of a partition: nobody is forgotten, and nobody who has left is remembered. */
import assert from "node:assert/strict";
import type { Partition } from "../../src/partition/partition.ts";
import type { Input, Release } from "../../src/partition/ports.ts";

export class Callers {
  readonly #partition: Partition;
  /** Calls and fetches without an answer. */
  readonly #open = new Set<number>();
  /** Of those, who said that they go and want to be told where the reply will be. */
  readonly #leaving = new Set<number>();

  constructor(partition: Partition) {
    this.#partition = partition;
  }

  after(inputs: readonly Input[], releases: readonly Release[]): void {
    for (const input of inputs) {
      if (input.kind === "call" || input.kind === "fetch") this.#open.add(input.request);
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
  }
}
