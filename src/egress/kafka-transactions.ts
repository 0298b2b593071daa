/**
 * One partition's way into Kafka exactly once: what one call publishes is one transaction, which holds the
 * records and the marker, the number of the last of them.
 *
 * Owns the producer session, the marker, and what a failure means. Does not own which partition of its
 * topic a record goes to (kafka-placement.ts).
 *
 * Whatever fails ends the session, since its outcome may be unknown. The next call begins one anew, which
 * fences the old one and ends what that left open, and then reads the marker, which knows what was
 * committed. So nothing is published twice and nothing left out, whatever was lost on the way.
 *
 * A session is fenced by a successor, or by the broker after a transaction that took too long. The marker's
 * owner tells the two apart: a successor puts its name there before anything else.
 */
import { StatefoldError } from "../base/errors.ts";
import type {
  Compression,
  KafkaCluster,
  ProducerSession,
  TopicPartition,
  Transactional,
} from "../kafka/contract.ts";
import { isForbidden, isForbidding, isUnknownTopic, KafkaError } from "../kafka/error.ts";
import { insist, type Patience } from "../kafka/insist.ts";
import type { Published, RefusedRecord } from "./contract.ts";
import { type Batch, byPartition, placeOf, requestsOf, SEQUENCE_MAX } from "./kafka-batches.ts";
import type { First, Intents } from "./kafka-intent.ts";
import { LooseEnds, type Traced } from "./kafka-loose-ends.ts";
import { encodeMarker, type Marker, REFUSED_WITHIN } from "./kafka-marker.ts";
import { MarkerJudge, type MarkerJudgeOptions } from "./kafka-marker-judge.ts";
import type { NumberedRecord, PlacedRecord, Placement } from "./kafka-placement.ts";
import { Refusals, RefusedBatch } from "./kafka-refusals.ts";
import { markerLost, mayNotMark } from "./kafka-troubles.ts";

export interface TransactionsOptions extends MarkerJudgeOptions {
  readonly cluster: KafkaCluster;
  readonly placement: Placement;
  /** Of application, egress and partition: the transactional id, and the marker's group. */
  readonly name: string;
  readonly transactionTimeoutMs: number;
  readonly compression: Compression;
  readonly patience: Patience;
  readonly intents: Intents;
  /** Records of one session and partition, about. Default: half of what Kafka can number. */
  readonly maxSequence?: number;
  /** A transaction has ended; not committed: aborted, or nobody knows. */
  readonly onEnd: (isCommitted: boolean) => void;
  /** A broker has not written the end of a transaction, or not everywhere: it is written now. */
  readonly onForgotten: () => void;
}

/** What became of the records of a call. */
export interface PublishedUpTo extends Published {
  /** The last record that is done; those behind it come with the next call. */
  readonly upTo: number;
}

interface Session {
  readonly producer: ProducerSession;
  /** Records sent so far, by partition. */
  readonly sequences: Map<string, number>;
  /** Undefined: nothing of this data was ever published. */
  marker: Marker | undefined;
  /** Where the broker has the marker; undefined: nowhere, or where it can no longer be written. */
  markerAt: TopicPartition | undefined;
  /** A transaction is open. */
  isOpen: boolean;
}

export class Transactions {
  readonly #options: TransactionsOptions;
  readonly #refusals: Refusals;
  readonly #ends: LooseEnds;
  readonly #judge: MarkerJudge;
  #session: Session | undefined;
  /** Refused while there was no place for a marker: the first marker says so. */
  #unmarked: readonly number[] = [];
  /** Where a marker may stand when nothing is published: a broker has refused records for it, and it exists. */
  #spare: TopicPartition | undefined;
  /**
   * Records of the next transaction at most. Half as many after one that failed, since it may be one that
   * takes too long for its time-out, and would each time; twice as many after each that did not.
   */
  #most = REFUSED_WITHIN;
  /** Records of the transaction that is being made. */
  #trying = 0;
  /** The session of a transaction that was left open: the next session ends it. */
  #left: ProducerSession | undefined;

  constructor(options: TransactionsOptions) {
    this.#options = options;
    this.#refusals = new Refusals(options.placement);
    this.#ends = new LooseEnds({ ...options, group: options.name });
    this.#judge = new MarkerJudge(options);
  }

  /** The partition has opened, and gives numbers from `next` on. */
  opened(next: number): void {
    this.#judge.opened(next);
  }

  /** Shuts out whoever was here before. Not at the same time as {@link publish}. */
  async fence(): Promise<void> {
    await this.#inSession(async () => {});
  }

  /** Writes the marker again, before the broker forgets it. Not at the same time as {@link publish}. */
  async refresh(): Promise<void> {
    await this.#inSession(async (session) => {
      const { marker, markerAt: at } = session;
      if (marker !== undefined && at !== undefined)
        await this.#commit(session, [], { ...marker, at });
    });
  }

  /** One at a time. Of what was published before it says only what was refused. */
  async publish(records: readonly NumberedRecord[]): Promise<PublishedUpTo> {
    this.#judge.toPublish(records.at(-1)?.number ?? 0);
    for (;;) {
      try {
        this.#trying = 0;
        return await this.#inSession((session) => this.#publish(session, records));
      } catch (error) {
        if (!(error instanceof RefusedBatch)) {
          if (this.#trying > 0) this.#most = Math.ceil(this.#trying / 2);
          throw error;
        }
        this.#refusals.learn(error);
        if (!isForbidden(error.code)) this.#spare = error.records[0]?.at;
      }
    }
  }

  async #publish(session: Session, records: readonly NumberedRecord[]): Promise<PublishedUpTo> {
    const [{ number: first } = { number: 0 }] = records;
    const { marker, markerAt } = session;
    if (marker === undefined && this.#judge.mayHavePublished(first, markerAt !== undefined)) {
      throw markerLost(this.#options.name, first);
    }
    const done = marker?.next ?? first;
    if (done > first) {
      const earlier = (marker?.refused ?? []).filter((number) => number >= first);
      const refused = earlier.map((number) => ({ number, reason: REFUSED_EARLIER }));
      return { upTo: Math.min(records.at(-1)?.number ?? first, done - 1), refused };
    }
    // Those refused have to fit beside the marker.
    const now = records.filter(({ number }) => number < first + this.#most);
    const upTo = now.at(-1)?.number ?? first - 1;
    const { placed, refused } = await this.#place(now);
    const published = { upTo, refused };
    const at = markerAt ?? placed[0]?.at ?? this.#spare;
    const numbers = refused.map(({ number }) => number);
    // Nothing to publish, and no place for a marker: whoever asks again hears the same.
    if (at === undefined) {
      this.#unmarked = [...this.#unmarked.filter((number) => number < first), ...numbers];
      return published;
    }
    const before = [...(marker?.refused ?? []), ...this.#unmarked.filter((each) => each < first)];
    const { owner } = this.#options;
    this.#trying = placed.length;
    // Nobody is told of an offset that is pending where there was none before (kafka-loose-ends.ts).
    if (markerAt === undefined) {
      await this.#commit(session, [], { next: first, at, owner, refused: before });
    }
    const marked = { next: upTo + 1, at, owner, refused: [...before, ...numbers] };
    await this.#commit(session, placed, marked);
    this.#trying = 0;
    this.#most = Math.min(REFUSED_WITHIN, 2 * this.#most);
    this.#unmarked = [];
    this.#refusals.forget(now.map(({ number }) => number));
    return published;
  }

  async #place(records: readonly NumberedRecord[]) {
    const known: RefusedRecord[] = [];
    const asked = records.filter(({ number }) => {
      const reason = this.#refusals.reasonFor(number);
      if (reason !== undefined) known.push({ number, reason });
      return reason === undefined;
    });
    const turn = records[0]?.number ?? 0;
    const { placed, refused } = await this.#options.placement.place(asked, turn);
    return { placed, refused: [...refused, ...known].toSorted((a, b) => a.number - b.number) };
  }

  async #commit(session: Session, records: readonly PlacedRecord[], marker: Marker): Promise<void> {
    const { cluster, patience, onEnd, maxSequence = SEQUENCE_MAX } = this.#options;
    const { producer } = session;
    session.isOpen = true;
    const partitions = byPartition(records);
    const places = partitions.map(({ at }) => at);
    const traced = await this.#ends.clean(producer, places);
    // Side by side; both have ended before the transaction does, or the session is given up.
    const firsts: First[] = [];
    const parts = [
      this.#send(session, partitions, traced, firsts),
      this.#mark(session, marker, traced),
    ];
    const ends = await Promise.allSettled(parts);
    const failed = ends.find((end) => end.status === "rejected");
    if (failed !== undefined) throw failed.reason;
    const { producerId } = producer;
    await this.#ends.intend(traced, { producerId, marker, firsts });
    this.#judge.asked();
    await insist(patience, () => cluster.endTransaction(producer, true));
    await this.#ends.untilSeen((seen) => {
      this.#judge.refuse(seen);
      return seen?.next === marker.next && seen.owner.process === marker.owner.process;
    });
    this.#judge.settled(marker);
    session.marker = marker;
    session.markerAt = marker.at;
    session.isOpen = false;
    onEnd(true);
    const sent = Math.max(0, ...session.sequences.values());
    if (sent > maxSequence) this.#session = undefined;
  }

  /** @param firsts where they begin in each partition */
  async #send(
    session: Session,
    partitions: readonly Batch[],
    traced: Traced,
    firsts: First[],
  ): Promise<void> {
    if (partitions.length === 0) return;
    const { cluster, compression, placement } = this.#options;
    const { producer, sequences } = session;
    await this.#join(producer, partitions);
    this.#ends.begun(traced);
    const requests = requestsOf(partitions, placement.maxBytesOf, this.#refusals.isAlone);
    for (const [turn, request] of requests.entries()) {
      const batches = request.map(({ at, records: ofBatch }) => ({
        ...at,
        firstSequence: sequences.get(placeOf(at)) ?? 0,
        records: ofBatch.map(({ record }) => record),
      }));
      const asked = { session: producer, waitForReplicas: true, compression, batches };
      const produced = await cluster.produce(asked).catch((error: unknown) => {
        this.#refusals.isTopicGone(error, request);
        throw error;
      });
      for (const [i, batch] of request.entries()) {
        this.#refusals.check(batch, produced[i]?.error);
        const place = placeOf(batch.at);
        sequences.set(place, (sequences.get(place) ?? 0) + batch.records.length);
        // Each partition is in the first request.
        if (turn === 0) firsts.push({ ...batch.at, offset: produced[i]?.baseOffset ?? -1 });
      }
    }
  }

  /** Makes the partitions part of the transaction; a topic that we may not write to is found. */
  async #join(producer: ProducerSession, partitions: readonly Batch[]): Promise<void> {
    const { cluster, placement, patience } = this.#options;
    const join = (places: readonly TopicPartition[]) =>
      insist(patience, () => cluster.addPartitions(producer, places));
    try {
      return await join(partitions.map(({ at }) => at));
    } catch (error) {
      if (!isForbidding(error) && !isUnknownTopic(error)) throw error;
    }
    for (const partition of partitions) {
      const { at } = partition;
      try {
        await join([at]);
      } catch (error) {
        if (isForbidding(error)) throw new RefusedBatch(partition, error.code);
        if (isUnknownTopic(error)) placement.forget(at.topic);
        throw error;
      }
    }
  }

  async #mark(session: Session, marker: Marker, traced: Traced): Promise<void> {
    const { cluster, name, patience } = this.#options;
    const { producer } = session;
    await insist(patience, () => cluster.addOffsets(producer, name));
    this.#ends.begun(traced);
    const offsets = [encodeMarker(marker)];
    try {
      await insist(patience, () => cluster.commitOffsets(producer, name, offsets));
    } catch (error) {
      // Its topic has been deleted: the next session finds another place, since the broker forgets it there.
      if (isUnknownTopic(error)) {
        this.#options.placement.forget(marker.at.topic);
        this.#spare = undefined;
      }
      if (isForbidding(error)) throw mayNotMark(name, marker.at.topic);
      throw error;
    }
  }

  /** Whatever fails in it ends the session. */
  async #inSession<T>(work: (session: Session) => Promise<T>): Promise<T> {
    // The next transaction must not end what the last one left.
    if (this.#ends.areDoubtful) this.#session = undefined;
    try {
      this.#session ??= await this.#begin();
      return await work(this.#session);
    } catch (error) {
      if (this.#session?.isOpen === true) {
        this.#options.onEnd(false);
        this.#left = this.#session.producer;
      }
      this.#session = undefined;
      throw error;
    }
  }

  /** Aborts what a call that failed has left open, which readers wait for, when no other comes to do it. */
  async close(): Promise<void> {
    const left = this.#left;
    this.#left = undefined;
    this.#session = undefined;
    if (left !== undefined) await this.#options.cluster.endTransaction(left, false);
  }

  async #begin(): Promise<Session> {
    const { name, owner, transactionTimeoutMs: timeoutMs } = this.#options;
    if (this.#judge.looksFirst) this.#judge.refuse(await this.#ends.read(false));
    const producer = await this.#init({ id: name, timeoutMs });
    this.#left = producer;
    // Only now is what the one before left open at its end.
    const found = await this.#ends.settle(producer, (marker) => this.#judge.refuse(marker));
    this.#judge.refuse(found);
    const marker = this.#judge.judge(found);
    const session: Session = {
      ...{ producer, sequences: new Map(), marker, markerAt: found?.at, isOpen: false },
    };
    if (found !== undefined && found.owner.process !== owner.process) {
      this.#session = session;
      await this.#sign(session, { ...(marker ?? found), at: found.at });
    }
    this.#judge.owns(marker);
    this.#left = undefined;
    session.marker = marker;
    return session;
  }

  /** Whoever asks sees the name of this process. What the marker says of numbers stays as it is. */
  async #sign(session: Session, marker: Marker): Promise<void> {
    const { process } = this.#options.owner;
    await this.#commit(session, [], { ...marker, owner: { data: marker.owner.data, process } });
  }

  async #init(transactional: Transactional): Promise<ProducerSession> {
    const { cluster, patience } = this.#options;
    try {
      return await insist(patience, () => cluster.initProducer(transactional));
    } catch (error) {
      if (!(error instanceof KafkaError) || error.code !== "INVALID_TRANSACTION_TIMEOUT")
        throw error;
      const { timeoutMs } = transactional;
      const text = `the brokers do not allow a transactionTimeout of ${timeoutMs} ms: it must not exceed their transaction.max.timeout.ms`;
      throw new StatefoldError("CONFIG_INVALID", text, { cause: error });
    }
  }
}

const REFUSED_EARLIER = "the brokers refused it, and the process ended before that was noted";
