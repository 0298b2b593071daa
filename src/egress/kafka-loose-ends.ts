/**
 * Ends of transactions that were decided and never written, or not everywhere.
 *
 * A broker that starts as the coordinator of a transaction whose end it has yet to write, before it knows who leads
 * which partition, takes those partitions for deleted and the transaction for ended ("likely deleted already and
 * hence can be skipped"; met with 4.4.0 after each kill of a single broker in the midst of a transaction). Where the
 * end is missing, readers of committed records stop, the marker's group has an offset that stays pending, and the
 * next transaction of the same producer in that place ends both as it ends itself. Records have their ends some
 * milliseconds before the marker has its own (`group.coordinator.append.linger.ms`): killed between the two, a broker
 * leaves records that are committed and a marker that is not.
 *
 * Owns what this process knows of the last transaction, the last intent, and the transactions without records that
 * write such ends. Does not own when a session begins, nor when a commit counts (kafka-transactions.ts).
 *
 * 1. The end of a transaction is asked for only once its intent is noted: what it was decided to be can be told from
 *    any place that has it. It is written as a commit where one place of it is committed, and otherwise as an abort,
 *    again and again whatever interrupts it, by this process or the next: each finds the same.
 * 2. Nothing is sent to a place before what others may have left open there has its end.
 * 3. After a connection broke, the last transaction's places are looked at, or ended once more, before anything is
 *    sent. So an intent is only replaced once its transaction has ended everywhere.
 */
import type { KafkaCluster, ProducerSession, TopicPartition } from "../kafka/contract.ts";
import { isForbidding, isUnknownTopic, KafkaError, KafkaUnreachableError } from "../kafka/error.ts";
import { insist, type Patience } from "../kafka/insist.ts";
import { placeOf } from "./kafka-batches.ts";
import { fateOf } from "./kafka-fate.ts";
import { decodeIntent, encodeIntent, type Intent, type Intents } from "./kafka-intent.ts";
import {
  encodeMarker,
  findMarker,
  isOfData,
  type Marker,
  type MarkerOwner,
} from "./kafka-marker.ts";

export interface LooseEndsOptions {
  readonly cluster: KafkaCluster;
  /** The marker's group. */
  readonly group: string;
  readonly owner: MarkerOwner;
  readonly intents: Intents;
  readonly patience: Patience;
  /** An end is missing: it is written now. */
  readonly onForgotten: () => void;
}

/** A transaction, and what may have to be written of its end. */
export interface Traced {
  readonly places: readonly TopicPartition[];
  /** As {@link KafkaCluster.breaks} was before it. */
  readonly breaks: number;
}

/** What a look at the brokers has shown of the transactions before a session. */
interface Findings {
  /** As it is committed. */
  readonly marker: Marker | undefined;
  /** Another one has no end yet. */
  readonly isPending: boolean;
  /** Where the end of the last intent is missing, or may be. */
  readonly missing: readonly TopicPartition[];
  /** The last intent was decided to be a commit, and that is missing somewhere. */
  readonly toCommit: Intent | undefined;
}

export class LooseEnds {
  readonly #options: LooseEndsOptions;
  /** Somebody has used this transactional id before this process. */
  #isInherited: boolean | undefined;
  /** What others left open here has its end. */
  readonly #clean = new Set<string>();
  /** The last of this process: those before it have their ends, or it could not have begun. */
  #last: Traced | undefined;
  /** The last one noted; undefined: there is none, or it was not looked for yet. */
  #intent: Intent | undefined;
  /** The transaction of {@link #intent}; undefined: another process's. */
  #intended: Traced | undefined;
  /** Whatever was there before this process, and what failed in it, has its ends. */
  #isSettled = false;

  constructor(options: LooseEndsOptions) {
    this.#options = options;
  }

  /** The end of this process's last transaction may have been forgotten. */
  get areDoubtful(): boolean {
    return this.#last !== undefined && this.#last.breaks !== this.#options.cluster.breaks;
  }

  /**
   * A session has begun, so whatever was open under this id has been decided: sees to it that it has its ends.
   *
   * @param refuse is shown the marker before anything is committed in its place
   * @returns the marker that is committed then
   */
  async settle(
    producer: ProducerSession,
    refuse: (marker: Marker | undefined) => void,
  ): Promise<Marker | undefined> {
    this.#isInherited ??= producer.producerEpoch > 0;
    const { breaks } = this.#options.cluster;
    const findings = await this.#look();
    this.#isSettled = false;
    const { marker, isPending, missing, toCommit } = findings;
    if (isPending || missing.length > 0 || toCommit !== undefined) this.#options.onForgotten();
    let settled = marker;
    if (toCommit !== undefined) {
      refuse(marker);
      settled = await this.#commit(producer, toCommit, findings);
    } else if (isPending || missing.length > 0 || (this.areDoubtful && !this.#isIntended)) {
      await this.#abort(producer, missing);
      settled = await this.read();
    } else if (this.#last !== undefined) {
      this.#remember({ ...this.#last, breaks }, this.#isIntended);
    }
    this.#isSettled = true;
    return settled;
  }

  /** Once none is pending that this group has had before. */
  async read(mustBeStable = true): Promise<Marker | undefined> {
    const { cluster, group, patience } = this.#options;
    return findMarker(await insist(patience, () => cluster.groupOffsets(group, mustBeStable)));
  }

  /**
   * Once the marker that was committed can be read: its end is answered before it is written.
   *
   * @throws KafkaUnreachableError when that may have been forgotten
   */
  async untilSeen(isIt: (marker: Marker | undefined) => boolean): Promise<Marker | undefined> {
    const { cluster, group, patience } = this.#options;
    return await insist(patience, async () => {
      if (this.areDoubtful) throw new KafkaUnreachableError("a connection broke before a commit");
      const seen = findMarker(await cluster.groupOffsets(group, true));
      if (!isIt(seen)) throw new KafkaError("CONCURRENT_TRANSACTIONS", group);
      return seen;
    });
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

  /** It is about to be committed (1). */
  async intend(transaction: Traced, intent: Intent): Promise<void> {
    const { group, intents } = this.#options;
    this.#intent = intent;
    this.#intended = transaction;
    await intents.write(group, encodeIntent(intent));
  }

  /** The last transaction of this process is that of the intent. */
  get #isIntended(): boolean {
    return this.#last !== undefined && this.#last === this.#intended;
  }

  #remember(last: Traced, isIntended: boolean): void {
    this.#last = last;
    this.#intended = isIntended ? last : undefined;
  }

  async #look(): Promise<Findings> {
    const { cluster, group, intents, owner, patience } = this.#options;
    const stable = await this.#readStable();
    const isPending = stable === "pending";
    const marker = isPending ? await this.read(false) : stable;
    const nothing = { marker, isPending, missing: [], toCommit: undefined };
    if (!isPending && !this.areDoubtful && this.#isSettled) return nothing;
    if (this.#intent === undefined) {
      const note = await intents.read(group);
      this.#intent = note === undefined ? undefined : decodeIntent(note);
    }
    const intent = this.#intent;
    if (intent === undefined) return nothing;
    const { firsts, producerId } = intent;
    const fates = await Promise.all(
      firsts.map((first) => fateOf(cluster, patience, producerId, first)),
    );
    // Elsewhere what is not known may be gone, or another transaction's.
    const maybe = this.#isIntended ? ["open", "unknown"] : ["open"];
    const missing = firsts.filter((_, i) => maybe.includes(fates[i] ?? ""));
    const isMarked = covers(marker, intent);
    // One that others have written, or that is gone, is for a person to judge.
    const mayMark = marker !== undefined && isOfData(marker, owner.data);
    const isCommit = isMarked || (mayMark && fates.includes("committed"));
    const toCommit = isCommit && (missing.length > 0 || !isMarked) ? intent : undefined;
    return { marker, isPending, missing, toCommit };
  }

  /** Once the last commit is everywhere, only what came after it can be open: all of this is that one's. */
  async #commit(
    producer: ProducerSession,
    intent: Intent,
    { marker, missing }: Findings,
  ): Promise<Marker | undefined> {
    const { cluster, group, owner, patience } = this.#options;
    const ending = this.#trace(missing);
    await this.#join(producer, missing);
    if (!covers(marker, intent)) {
      const own = { data: intent.marker.owner.data, process: owner.process };
      const offsets = [encodeMarker({ ...intent.marker, owner: own })];
      await insist(patience, () => cluster.addOffsets(producer, group));
      await insist(patience, () => cluster.commitOffsets(producer, group, offsets));
    }
    await insist(patience, () => cluster.endTransaction(producer, true));
    this.#remember(ending, true);
    return await this.untilSeen((seen) => covers(seen, intent));
  }

  /** Aborts once more what was left open, and the marker with it. */
  async #abort(producer: ProducerSession, missing: readonly TopicPartition[]): Promise<void> {
    const { cluster, group, patience } = this.#options;
    const places = this.#isIntended ? missing : [...(this.#last?.places ?? []), ...missing];
    const ending = this.#trace(places);
    await this.#join(producer, places);
    await insist(patience, () => cluster.addOffsets(producer, group));
    await insist(patience, () => cluster.endTransaction(producer, false));
    this.#remember(ending, false);
  }

  async #readStable(): Promise<Marker | undefined | "pending"> {
    const { cluster, group, patience } = this.#options;
    return await insist(patience, async () => {
      try {
        return findMarker(await cluster.groupOffsets(group, true));
      } catch (error) {
        // Nothing is being ended while a session begins.
        if (error instanceof KafkaError && error.code === "UNSTABLE_OFFSET_COMMIT")
          return "pending";
        throw error;
      }
    });
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

/** The marker is this intent's, or a later one of the same data. */
function covers(marker: Marker | undefined, { marker: meant }: Intent): boolean {
  return (
    marker !== undefined && marker.owner.data === meant.owner.data && marker.next >= meant.next
  );
}
