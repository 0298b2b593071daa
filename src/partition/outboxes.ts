/** The outboxes of a partition, one for each destination, made when first needed. */
import { assert } from "../base/assert.ts";
import { egressDestination, partitionDestination, placeOfDestination } from "../store/keys.ts";
import type { Barrier } from "./barrier.ts";
import type { Epochs } from "./epochs.ts";
import type { Ledger } from "./ledger.ts";
import { Outbox, type OutboxEntry } from "./outbox.ts";
import type { Release } from "./ports.ts";
import type { Reads } from "./reads.ts";

/** What an outbox found in the store at opening begins with. */
export interface StoredOutbox {
  readonly destination: string;
  readonly next: number;
  readonly firstStored: number;
  readonly storedEnd: number;
}

export interface OutboxesParts {
  readonly epochs: Epochs;
  readonly reads: Reads;
  readonly ledger: Ledger;
  readonly barrier: Barrier;
  /** Egresses whose records leave only when a complete snapshot covers them. */
  readonly isHeld: (egress: string) => boolean;
}

export class Outboxes {
  readonly #epochs: Epochs;
  readonly #reads: Reads;
  readonly #ledger: Ledger;
  readonly #barrier: Barrier;
  readonly #isHeld: (egress: string) => boolean;
  readonly #maxBytes: number;
  readonly #firstNumber: number;
  readonly #all = new Map<string, Outbox>();
  /** What may leave at once: it is durable already. */
  #ready: Release[] = [];

  constructor(
    { epochs, reads, ledger, barrier, isHeld }: OutboxesParts,
    maxBytesInMemory: number,
    /** The first number of an outbox that begins. */
    firstNumber: number,
  ) {
    this.#epochs = epochs;
    this.#reads = reads;
    this.#ledger = ledger;
    this.#barrier = barrier;
    this.#isHeld = isHeld;
    this.#maxBytes = maxBytesInMemory;
    this.#firstNumber = firstNumber;
  }

  restore(stored: StoredOutbox): void {
    this.#open(stored);
  }

  toPartition(partition: number): Outbox {
    return this.#of(partitionDestination(partition));
  }

  toEgress(egress: string): Outbox {
    return this.#of(egressDestination(egress));
  }

  get(destination: string): Outbox | undefined {
    return this.#all.get(destination);
  }

  /** The number that the next effect for a destination gets. */
  nextOf(destination: string): number {
    return this.#all.get(destination)?.next ?? this.#firstNumber;
  }

  values(): Iterable<Outbox> {
    return this.#all.values();
  }

  /** Those of an egress: the partition's own, and those it is heir to. */
  ofEgress(egress: string): Outbox[] {
    return [...this.#all.values()].filter(({ destination }) => {
      const place = placeOfDestination(destination);
      return place.kind === "egress" && place.egress === egress;
    });
  }

  /** Effects that wait for a snapshot. */
  get held(): number {
    let held = 0;
    for (const outbox of this.#all.values()) held += outbox.held;
    return held;
  }

  write(): void {
    for (const outbox of this.#all.values()) outbox.write();
  }

  committed(): void {
    for (const outbox of this.#all.values()) {
      for (const entry of outbox.committed()) this.#release(outbox, entry);
    }
  }

  /** A cut was taken. */
  cut(barrier: number): void {
    for (const outbox of this.#all.values()) outbox.cut(barrier);
  }

  /** The snapshot of this number is complete. */
  complete(barrier: number): void {
    for (const outbox of this.#all.values()) outbox.complete(barrier);
  }

  /** A destination says that it has everything below `next`: it gets the rest again. */
  resume(destination: string, next: number): void {
    const outbox = next > this.#firstNumber ? this.#of(destination) : this.#all.get(destination);
    if (outbox === undefined) return;
    outbox.moveUp(next);
    for (const entry of outbox.resend(next)) this.#release(outbox, entry);
  }

  /** What may leave now; asks the store for more where there is room. */
  take(): readonly Release[] {
    for (const outbox of this.#all.values()) {
      outbox.refill((entry) => this.#release(outbox, entry));
    }
    if (this.#ready.length === 0) return [];
    const ready = this.#ready;
    this.#ready = [];
    return ready;
  }

  #release(outbox: Outbox, entry: OutboxEntry): void {
    this.#ready.push(releaseOf(outbox, entry, this.#barrier.number));
  }

  #of(destination: string): Outbox {
    const first = this.#firstNumber;
    const none = { destination, next: first, firstStored: first, storedEnd: first };
    return this.#all.get(destination) ?? this.#open(none);
  }

  #open(stored: StoredOutbox): Outbox {
    const place = placeOfDestination(stored.destination);
    const gathers = place.kind === "egress";
    const isHeld = gathers && this.#isHeld(place.egress);
    const options = { ...stored, maxBytesInMemory: this.#maxBytes, isHeld, gathers };
    const outbox = new Outbox(this.#epochs, this.#reads, this.#ledger, options);
    this.#all.set(stored.destination, outbox);
    return outbox;
  }
}

function releaseOf(outbox: Outbox, entry: OutboxEntry, barrier: number): Release {
  const { destination } = outbox;
  const { first, effects } = entry;
  const place = placeOfDestination(destination);
  if (place.kind === "egress") {
    const records = effects.map((effect) => {
      assert(effect.kind === "record", "a message in the outbox of an egress");
      return effect.record;
    });
    const { egress, heirOf } = place;
    return { kind: "publish", egress, heirOf, first, records, barrier };
  }
  const messages = effects.map((effect) => {
    assert(effect.kind === "message", "a record in the outbox of a partition");
    return effect.message;
  });
  const { partition: to } = place;
  return { kind: "channel", to, first, since: outbox.lowest, messages, barrier };
}
