import type { Address } from "../model/address.ts";
import type { TypedValue } from "../model/typed-value.ts";

/**
 * A way out. The partition numbers what it has for an egress in its outbox; the receiver's memory of the
 * numbers is what makes it exactly-once.
 */
export interface Egress {
  /** `namespace/name`. */
  readonly id: string;

  /** Before any partition opens. */
  start(): Promise<void>;

  /**
   * A partition has opened, or has opened again, and numbers its next record `next`; those below may have been
   * published by a life of it that has ended, or does not know yet that it has. Returns at once: that one is
   * shut out in the background, and before anything is published. The partition may be one that is no more since a
   * restore, in whose name another one publishes what it had left.
   */
  open(partition: number, next: number): void;

  /**
   * Undefined when the egress can take the value, else the reason: that record alone is given up
   * (EGRESS_VALUE_INVALID). Pure and quick: asked while a function's answer is applied.
   */
  check(value: TypedValue): string | undefined;

  /**
   * Publishes records numbered first, first + 1, … by this partition for this egress, numbers from 1 on.
   * Resolves when all are durably published but the refused ones, named by number. Those published before
   * under their number are skipped.
   *
   * Rejects when the receiver cannot take them now: some may be published. The caller tries again later with
   * the same records, possibly more behind them. One call at a time for each partition, after `open`.
   *
   * Rejects with KAFKA_FENCED when another process publishes in this one's place: it must end.
   *
   * When the signal aborts, nobody waits any more, or the call has taken longer than any may: it rejects soon,
   * with what it was doing left in a state in which the same call may come again.
   *
   * @param barrier the number of the partition's last cut for a snapshot when it let these go: a receiver that
   *   takes part in snapshots cuts for it first (partition/barrier.ts)
   */
  publish(
    partition: number,
    first: number,
    records: readonly EgressRecord[],
    signal?: AbortSignal,
    barrier?: number,
  ): Promise<Published>;

  /** What is being published ends or fails first. Idempotent. */
  stop(): Promise<void>;

  /** How its transactions with a broker have ended so far. Undefined: it publishes without any. */
  readonly transactions?: TransactionCounts | undefined;
}

/** How transactions have ended. */
export interface TransactionCounts {
  readonly committed: number;
  /** Or nobody knows: the marker does. */
  readonly aborted: number;
}

export interface Published {
  readonly refused: readonly RefusedRecord[];
  /** Of a receiver that takes part in snapshots: the number of its last cut. */
  readonly barrier?: number;
}

/** A record the receiver will never take (EGRESS_REFUSED). */
export interface RefusedRecord {
  readonly number: number;
  readonly reason: string;
}

/** What a function sent. */
export interface EgressRecord {
  readonly value: TypedValue;
  readonly sender: Address;
  /** Id of the message that was being handled. */
  readonly causeId: string | undefined;
  readonly traceparent: string | undefined;
}
