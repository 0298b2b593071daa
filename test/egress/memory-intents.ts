import type { Intents } from "../../src/egress/kafka-intent.ts";

/** Intents in memory. A copy is what another process finds in a copy of the data. */
export class MemoryIntents implements Intents {
  readonly #notes: Map<string, Uint8Array>;

  constructor(copied?: MemoryIntents) {
    this.#notes = new Map(copied === undefined ? [] : copied.#notes);
  }

  async read(name: string): Promise<Uint8Array | undefined> {
    return this.#notes.get(name);
  }

  async write(name: string, note: Uint8Array): Promise<void> {
    this.#notes.set(name, Uint8Array.from(note));
  }
}
