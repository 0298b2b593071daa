import type { Egress, EgressRecord, Published } from "../../egress/contract.ts";
import type { TypedValue } from "../../model/typed-value.ts";
import type { Line } from "./line.ts";
import type { ToMain, ToThread } from "./words.ts";

/**
 * An egress of the main thread, for the partitions of another one: what there is one of in a node, such as the topic
 * log, stays there. Whether a record can be taken is known here, without asking.
 */
export class RemoteEgress implements Egress {
  readonly id: string;
  readonly #line: Line<ToMain, ToThread>;
  readonly #check: (value: TypedValue) => string | undefined;
  #calls = 0;

  constructor(
    id: string,
    line: Line<ToMain, ToThread>,
    check: (value: TypedValue) => string | undefined,
  ) {
    this.id = id;
    this.#line = line;
    this.#check = check;
  }

  async start(): Promise<void> {}

  /** Those that are kept on the main thread shut nobody out: they have no other writers. */
  open(): void {}

  check(value: TypedValue): string | undefined {
    return this.#check(value);
  }

  async publish(
    partition: number,
    first: number,
    records: readonly EgressRecord[],
    signal?: AbortSignal,
    barrier = 0,
  ): Promise<Published> {
    signal?.throwIfAborted();
    const call = ++this.#calls;
    const abandon = (): void => this.#line.tell("abandon", { egress: this.id, call });
    signal?.addEventListener("abort", abandon, { once: true });
    try {
      const asked = { call, egress: this.id, partition, first, records, barrier };
      return await this.#line.ask("publish", asked);
    } finally {
      signal?.removeEventListener("abort", abandon);
    }
  }

  async stop(): Promise<void> {}
}
