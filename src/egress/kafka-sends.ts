/**
 * One partition's way into Kafka at least once. With a session (`at-least-once`) the broker tells records
 * that come again, for as long as this process lives and remembers what it sent: only its end makes doubles.
 * Without (`none`) nothing is waited for but the leader's answer: an answer lost makes doubles, and a leader
 * lost may take what it answered for with it.
 */
import type { Compression, KafkaCluster, ProducerSession } from "../kafka/contract.ts";
import { isUnknownTopic, KafkaError } from "../kafka/error.ts";
import { insist, type Patience } from "../kafka/insist.ts";
import type { RefusedRecord } from "./contract.ts";
import { type Batch, byPartition, placeOf, requestsOf, SEQUENCE_MAX } from "./kafka-batches.ts";
import { REFUSED_WITHIN } from "./kafka-marker.ts";
import type { NumberedRecord, Placement } from "./kafka-placement.ts";
import { Refusals, RefusedBatch } from "./kafka-refusals.ts";
import type { PublishedUpTo } from "./kafka-transactions.ts";

export interface SendsOptions {
  readonly cluster: KafkaCluster;
  readonly placement: Placement;
  /** At least once; else not even that. */
  readonly isIdempotent: boolean;
  readonly compression: Compression;
  readonly patience: Patience;
  /** Records of one session and partition, about. Default: half of what Kafka can number. */
  readonly maxSequence?: number;
}

/** A batch on its way, and the number of its first record in the session and partition. */
interface Sending {
  readonly batch: Batch;
  readonly firstSequence: number;
}

interface Session {
  /** Undefined: there is none. */
  readonly producer: ProducerSession | undefined;
  /** Records sent so far, by partition. */
  readonly sequences: Map<string, number>;
}

/** The broker knows nothing of the session any more. */
const ENDING: ReadonlySet<string> = new Set([
  ...["OUT_OF_ORDER_SEQUENCE_NUMBER", "UNKNOWN_PRODUCER_ID", "INVALID_PRODUCER_EPOCH"],
  ...["INVALID_PRODUCER_ID_MAPPING", "PRODUCER_FENCED"],
]);

export class Sends {
  readonly #options: SendsOptions;
  readonly #refusals: Refusals;
  #session: Session | undefined;
  /** Sent, and not answered: sent again as it was, so that the broker knows it. */
  #unanswered: readonly Sending[] = [];
  /** Every record up to this one is done … */
  #upTo = 0;
  /** … and of those behind it these are. */
  readonly #done = new Set<number>();
  /** Why records were refused: a partition that lost its memory asks again, and has not heard it. */
  readonly #refused = new Map<number, string>();

  constructor(options: SendsOptions) {
    this.#options = options;
    this.#refusals = new Refusals(options.placement);
  }

  opened(): void {}

  /** Nobody else can have the session. */
  async fence(): Promise<void> {}

  /** There is nothing that a broker could forget. */
  async refresh(): Promise<void> {}

  /** Nothing is left open. */
  async close(): Promise<void> {}

  /** One at a time. */
  async publish(records: readonly NumberedRecord[]): Promise<PublishedUpTo> {
    const last = records.at(-1)?.number ?? 0;
    for (;;) {
      try {
        await this.#flush();
        const refused = await this.#publish(records);
        this.#upTo = Math.max(this.#upTo, last);
        this.#refusals.forget(records.map(({ number }) => number));
        for (const { number, reason } of refused) this.#refused.set(number, reason);
        for (const number of this.#refused.keys()) {
          if (number <= this.#upTo - REFUSED_WITHIN) this.#refused.delete(number);
        }
        // A life of the partition before this one may have come further.
        for (const number of this.#done) if (number <= this.#upTo) this.#done.delete(number);
        return { upTo: last, refused };
      } catch (error) {
        if (!(error instanceof RefusedBatch)) throw error;
        this.#refusals.learn(error);
      }
    }
  }

  async #publish(records: readonly NumberedRecord[]): Promise<readonly RefusedRecord[]> {
    const { placement } = this.#options;
    const refused: RefusedRecord[] = [];
    const asked = records.filter(({ number }) => {
      const reason = this.#refused.get(number) ?? this.#refusals.reasonFor(number);
      if (reason !== undefined) refused.push({ number, reason });
      return reason === undefined && number > this.#upTo && !this.#done.has(number);
    });
    const { placed, refused: unplaced } = await placement.place(asked, records[0]?.number ?? 0);
    const session = await this.#begin();
    const { isAlone } = this.#refusals;
    for (const request of requestsOf(byPartition(placed), placement.maxBytesOf, isAlone)) {
      this.#unanswered = request.map((batch) => ({
        batch,
        firstSequence: session.sequences.get(placeOf(batch.at)) ?? 0,
      }));
      await this.#flush();
    }
    return [...refused, ...unplaced].toSorted((a, b) => a.number - b.number);
  }

  async #begin(): Promise<Session> {
    const { cluster, isIdempotent, patience, maxSequence = SEQUENCE_MAX } = this.#options;
    const sent = Math.max(0, ...(this.#session?.sequences.values() ?? []));
    if (sent > maxSequence) this.#session = undefined;
    this.#session ??= {
      producer: isIdempotent
        ? await insist(patience, () => cluster.initProducer(undefined))
        : undefined,
      sequences: new Map(),
    };
    return this.#session;
  }

  /** Sends what has no answer, until it has one. */
  async #flush(): Promise<void> {
    const { patience } = this.#options;
    if (this.#unanswered.length > 0) await insist(patience, () => this.#send());
  }

  async #send(): Promise<void> {
    const { cluster, compression } = this.#options;
    const sending = this.#unanswered;
    if (this.#session === undefined) {
      this.#unanswered = [];
      return;
    }
    const { producer } = this.#session;
    const request = {
      ...{ session: producer, waitForReplicas: producer !== undefined, compression },
      batches: sending.map(({ batch: { at, records }, firstSequence }) => ({
        ...{ ...at, records: records.map(({ record }) => record) },
        firstSequence: producer === undefined ? -1 : firstSequence,
      })),
    };
    const produced = await cluster.produce(request).catch((error: unknown) => {
      const batches = sending.map(({ batch }) => batch);
      if (this.#refusals.isTopicGone(error, batches)) this.#session = undefined;
      throw error;
    });
    const left: Sending[] = [];
    let problem: unknown;
    for (const [i, one] of sending.entries()) {
      const error = this.#answered(one, produced[i]?.error);
      if (error === undefined) continue;
      if (isKept(error)) left.push(one);
      // Of a refused batch something is to be learnt, whatever else there is.
      if (!(problem instanceof RefusedBatch)) problem = error;
    }
    this.#unanswered = left;
    if (problem === undefined) return;
    if (problem instanceof KafkaError && ENDING.has(problem.code)) this.#session = undefined;
    throw problem;
  }

  /** Why the batch is not there; undefined when it is. */
  #answered({ batch, firstSequence }: Sending, code: string | undefined): unknown {
    try {
      if (code !== "DUPLICATE_SEQUENCE_NUMBER") this.#refusals.check(batch, code);
    } catch (error) {
      return error;
    }
    const { at, records } = batch;
    this.#session?.sequences.set(placeOf(at), firstSequence + records.length);
    for (const { number } of records) this.#done.add(number);
    return undefined;
  }
}

/** It may be there, or will be taken later: it comes again under the same numbers. */
function isKept(error: unknown): boolean {
  return error instanceof KafkaError && !isUnknownTopic(error);
}
