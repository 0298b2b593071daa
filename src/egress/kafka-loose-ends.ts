/**
 * Ends of transactions that were decided and never written.
 *
 * A broker that starts as the coordinator of a transaction whose end it has yet to write, before it knows who leads
 * which partition, takes those partitions for deleted and the transaction for ended ("likely deleted already and
 * hence can be skipped"; met with 4.4.0 after each kill of a single broker in the midst of a transaction). Readers
 * of committed records stop there, the marker's group has an offset that stays pending, and the next transaction
 * of the same producer in that place ends both as it ends itself: what had been aborted is committed then.
 *
 * Owns what this process knows of its last transaction, and the transactions without records that write such ends.
 * Does not own when a session begins, nor when a commit counts (kafka-transactions.ts).
 *
 * 1. An end that was forgotten is written as an abort, also when it was to be a commit: all ends of a transaction
 *    are forgotten or none, and a commit counts only once the marker in it can be read.
 * 2. Nothing is sent to a place before what others may have left open there has been aborted.
 * 3. After a connection broke, the last transaction's places are ended once more.
 */
import type { KafkaCluster, ProducerSession, TopicPartition } from "../kafka/contract.ts";
import { isForbidding, isUnknownTopic, KafkaUnreachableError } from "../kafka/error.ts";
import { insist, type Patience } from "../kafka/insist.ts";
import { placeOf } from "./kafka-batches.ts";

export interface LooseEndsOptions {
  readonly cluster: KafkaCluster;
  /** The marker's group. */
  readonly group: string;
  readonly patience: Patience;
}

/** A transaction, and what may have to be written of its end. */
export interface Traced {
  readonly places: readonly TopicPartition[];
  /** As {@link KafkaCluster.breaks} was before it. */
  readonly breaks: number;
}

export class LooseEnds {
  readonly #options: LooseEndsOptions;
  /** Somebody has used this transactional id before this process. */
  #isInherited: boolean | undefined;
  /** What others left open here has been aborted. */
  readonly #clean = new Set<string>();
  /** The last of this process: those before it have their ends, or it could not have begun. */
  #last: Traced | undefined;

  constructor(options: LooseEndsOptions) {
    this.#options = options;
  }

  /** A session has begun: whatever was open under this id has been decided. */
  began({ producerEpoch }: ProducerSession): void {
    this.#isInherited ??= producerEpoch > 0;
  }

  /** The end of this process's last transaction may have been forgotten. */
  get areDoubtful(): boolean {
    return this.#last !== undefined && this.#last.breaks !== this.#options.cluster.breaks;
  }

  /** Aborts once more what the last transaction left, or the marker of the one before this process. */
  async write(producer: ProducerSession): Promise<void> {
    const { cluster, group, patience } = this.#options;
    const places = this.#last?.places ?? [];
    const again = this.#trace(places);
    await this.#join(producer, places);
    await insist(patience, () => cluster.addOffsets(producer, group));
    await insist(patience, () => cluster.endTransaction(producer, false));
    this.#last = again;
  }

  /** Before a transaction with records in these places: (2) holds from here on. */
  async clean(producer: ProducerSession, places: readonly TopicPartition[]): Promise<Traced> {
    const { cluster, patience } = this.#options;
    const fresh = places.filter((at) => !this.#clean.has(placeOf(at)));
    if (this.#isInherited === true && fresh.length > 0) {
      const cleaning = this.#trace(fresh);
      if (await this.#join(producer, fresh)) {
        this.begun(cleaning);
        await insist(patience, () => cluster.endTransaction(producer, false));
      }
    }
    for (const at of fresh) this.#clean.add(placeOf(at));
    return this.#trace(places);
  }

  /**
   * The broker has taken a first request of it: it holds the one before for ended, and has written that, unless
   * it was started anew meanwhile.
   *
   * @throws KafkaUnreachableError when it may have been
   */
  begun(transaction: Traced): void {
    if (this.#last !== transaction && this.areDoubtful)
      throw new KafkaUnreachableError("a connection broke before the last transaction had its end");
    this.#last = transaction;
  }

  #trace(places: readonly TopicPartition[]): Traced {
    return { places, breaks: this.#options.cluster.breaks };
  }

  /** Those that are gone or forbidden by now are left out. Whether there was any other. */
  async #join(producer: ProducerSession, places: readonly TopicPartition[]): Promise<boolean> {
    const { cluster, patience } = this.#options;
    const join = async (some: readonly TopicPartition[]): Promise<boolean> => {
      try {
        await insist(patience, () => cluster.addPartitions(producer, some));
        return true;
      } catch (error) {
        if (!isForbidding(error) && !isUnknownTopic(error)) throw error;
        return false;
      }
    };
    if (places.length === 0) return false;
    if (await join(places)) return true;
    let hasJoined = false;
    for (const at of places) if (await join([at])) hasJoined = true;
    return hasJoined;
  }
}
