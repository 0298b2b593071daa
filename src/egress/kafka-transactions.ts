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
import type { Compression, KafkaCluster, ProducerSession } from "../kafka/contract.ts";
import { KafkaError } from "../kafka/error.ts";
import { insist, type Patience } from "../kafka/insist.ts";
import type { Published, RefusedRecord } from "./contract.ts";
import { type Batch, placeOf, requestsOf } from "./kafka-batches.ts";
import { encodeMarker, findMarker, type Marker, REFUSED_MAX } from "./kafka-marker.ts";
import type { NumberedRecord, PlacedRecord, Placement } from "./kafka-placement.ts";

export interface TransactionsOptions {
  readonly cluster: KafkaCluster;
  readonly placement: Placement;
  /** Of application, egress and partition: the transactional id, and the marker's group. */
  readonly name: string;
  /** This process. */
  readonly owner: string;
  readonly transactionTimeoutMs: number;
  readonly compression: Compression;
  /** Of one batch of records at most. */
  readonly batchBytes: number;
  /** Whether a number can be the first ever: nothing was published before it. */
  readonly isFirst: (number: number) => boolean;
  readonly patience: Patience;
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
  /** Undefined: nothing was ever published. */
  marker: Marker | undefined;
}

/** What a broker says of records that it will never take. */
const REFUSING: ReadonlySet<string> = new Set([
  ...["MESSAGE_TOO_LARGE", "RECORD_LIST_TOO_LARGE", "INVALID_RECORD", "INVALID_TIMESTAMP"],
  ...["TOPIC_AUTHORIZATION_FAILED", "POLICY_VIOLATION", "UNSUPPORTED_COMPRESSION_TYPE"],
]);

/** A batch that the broker will never take, or at least one record of it. */
class RefusedBatch extends Error {
  readonly records: readonly PlacedRecord[];
  readonly code: string;

  constructor(batch: Batch, code: string) {
    super(`${placeOf(batch.at)}: ${code}`);
    this.records = batch.records;
    this.code = code;
  }
}

export class Transactions {
  readonly #options: TransactionsOptions;
  #session: Session | undefined;
  /** A session was begun before: the next must not be taken from a successor. */
  #hasOwned = false;
  /** Stand alone in a batch, after a batch that held them was refused. */
  readonly #alone = new Set<number>();
  /** Why a broker refused a record that stood alone. */
  readonly #refusals = new Map<number, string>();

  constructor(options: TransactionsOptions) {
    this.#options = options;
  }

  /** Fences whoever was here before. Not at the same time as {@link publish}. */
  async open(): Promise<void> {
    await this.#inSession(async (session) => {
      if (session.marker !== undefined) await this.#commit(session, [], session.marker);
    });
  }

  /** Writes the marker again, before the broker forgets it. Not at the same time as {@link publish}. */
  async refresh(): Promise<void> {
    await this.open();
  }

  /** One at a time. Of what was published before it says only what was refused. */
  async publish(records: readonly NumberedRecord[]): Promise<PublishedUpTo> {
    for (;;) {
      try {
        return await this.#inSession((session) => this.#publish(session, records));
      } catch (error) {
        if (!(error instanceof RefusedBatch)) throw error;
        this.#learn(error);
      }
    }
  }

  async #publish(session: Session, records: readonly NumberedRecord[]): Promise<PublishedUpTo> {
    const first = records[0]?.number ?? 0;
    const { marker } = session;
    if (marker === undefined && !this.#options.isFirst(first)) throw this.#markerLost(first);
    const done = marker?.next ?? first;
    const earlier = (marker?.refused ?? []).filter((number) => number >= first);
    const refused = earlier.map((number) => ({ number, reason: REFUSED_EARLIER }));
    const last = records.at(-1)?.number ?? first - 1;
    if (done > first) return { upTo: Math.min(last, done - 1), refused };

    const { records: placed, ...published } = await this.#place(records);
    const at = marker?.at ?? placed[0]?.at;
    // Nothing to publish, and no place for a marker: whoever asks again hears the same.
    if (at === undefined) return published;
    const numbers = published.refused.map(({ number }) => number);
    const next = published.upTo + 1;
    await this.#commit(session, placed, { next, at, owner: "", refused: numbers });
    for (const { number } of records) {
      this.#alone.delete(number);
      this.#refusals.delete(number);
    }
    return published;
  }

  /** As many as fit: what is refused has to fit beside the marker. */
  async #place(records: readonly NumberedRecord[]) {
    const asked = records.filter(({ number }) => !this.#refusals.has(number));
    const { placed, refused: unplaced } = await this.#options.placement.place(
      asked,
      records[0]?.number ?? 0,
    );
    const known = records.flatMap(({ number }) => {
      const reason = this.#refusals.get(number);
      return reason === undefined ? [] : [{ number, reason }];
    });
    const refused = [...unplaced, ...known].toSorted((a, b) => a.number - b.number);
    const tooMuch = refused[REFUSED_MAX];
    const upTo = tooMuch === undefined ? (records.at(-1)?.number ?? 0) : tooMuch.number - 1;
    const isIn = ({ number }: RefusedRecord | PlacedRecord): boolean => number <= upTo;
    return { upTo, records: placed.filter(isIn), refused: refused.filter(isIn) };
  }

  async #commit(session: Session, records: readonly PlacedRecord[], marker: Marker): Promise<void> {
    const { cluster, owner, patience } = this.#options;
    const { producer } = session;
    const owned = { ...marker, owner };
    // Side by side; both have ended before the transaction does, or the session is given up.
    const parts = [this.#send(session, records), this.#mark(producer, owned)];
    const failed = (await Promise.allSettled(parts)).find((end) => end.status === "rejected");
    if (failed !== undefined) throw failed.reason;
    await insist(patience, () => cluster.endTransaction(producer, true));
    session.marker = owned;
  }

  async #send(session: Session, records: readonly PlacedRecord[]): Promise<void> {
    if (records.length === 0) return;
    const { cluster, compression, batchBytes, patience } = this.#options;
    const { producer, sequences } = session;
    const places = new Map(records.map(({ at }) => [placeOf(at), at]));
    await insist(patience, () => cluster.addPartitions(producer, [...places.values()]));
    const isAlone = (number: number): boolean => this.#alone.has(number);
    for (const request of requestsOf(records, batchBytes, isAlone)) {
      const batches = request.map(({ at, records: ofBatch }) => ({
        ...at,
        firstSequence: sequences.get(placeOf(at)) ?? 0,
        records: ofBatch.map(({ record }) => record),
      }));
      const produced = await cluster.produce({
        ...{ session: producer, waitForReplicas: true, compression, batches },
      });
      for (const [i, batch] of request.entries()) {
        this.#check(batch, produced[i]?.error);
        const place = placeOf(batch.at);
        sequences.set(place, (sequences.get(place) ?? 0) + batch.records.length);
      }
    }
  }

  #check(batch: Batch, code: string | undefined): void {
    if (code === undefined) return;
    if (REFUSING.has(code)) throw new RefusedBatch(batch, code);
    this.#options.placement.forget(batch.at.topic);
    throw new KafkaError(code, `publishing to ${placeOf(batch.at)}`);
  }

  async #mark(producer: ProducerSession, marker: Marker): Promise<void> {
    const { cluster, name, patience } = this.#options;
    await insist(patience, () => cluster.addOffsets(producer, name));
    const offsets = [encodeMarker(marker)];
    await insist(patience, () => cluster.commitOffsets(producer, name, offsets));
  }

  /** Whatever fails in it ends the session. */
  async #inSession<T>(work: (session: Session) => Promise<T>): Promise<T> {
    try {
      this.#session ??= await this.#begin();
      return await work(this.#session);
    } catch (error) {
      this.#session = undefined;
      throw error;
    }
  }

  async #begin(): Promise<Session> {
    const { cluster, name, owner, transactionTimeoutMs: timeoutMs, patience } = this.#options;
    if (this.#hasOwned) await this.#refuseToFenceSuccessor();
    const producer = await insist(patience, () => cluster.initProducer({ id: name, timeoutMs }));
    // Only now is what the one before left open at its end.
    const marker = findMarker(await insist(patience, () => cluster.groupOffsets(name)));
    this.#hasOwned = true;
    const session: Session = { producer, sequences: new Map(), marker };
    if (marker !== undefined && marker.owner !== owner) await this.#commit(session, [], marker);
    return session;
  }

  async #refuseToFenceSuccessor(): Promise<void> {
    const { cluster, name, owner, patience } = this.#options;
    const marker = findMarker(await insist(patience, () => cluster.groupOffsets(name)));
    if (marker === undefined || marker.owner === owner) return;
    throw new StatefoldError(
      "KAFKA_FENCED",
      `another process publishes as ${name} now (it signs as ${marker.owner}): this one must not; stop one of the two`,
    );
  }

  /** A batch is taken apart into records that stand alone; one that stood alone is refused. */
  #learn({ records, code }: RefusedBatch): void {
    const [only] = records;
    if (only !== undefined && records.length === 1) {
      this.#refusals.set(only.number, `${placeOf(only.at)}: the broker refuses it (${code})`);
    } else {
      for (const { number } of records) this.#alone.add(number);
    }
  }

  #markerLost(first: number): StatefoldError {
    const { name } = this.#options;
    return new StatefoldError(
      "KAFKA_MARKER_LOST",
      `the brokers no longer know how far ${name} has published, and record ${first} is not the first: its offsets were deleted, or have expired (offsets.retention.minutes)`,
    );
  }
}

const REFUSED_EARLIER = "the brokers refused it, and the process ended before that was noted";
