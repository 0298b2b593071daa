/**
 * The Kafka egress: each partition has a way of its own into the brokers, with its own order and its own
 * memory of what is published.
 *
 * One thing at a time happens on a way, also when nobody waits for it any more: what comes again after an
 * abort finds it done, or at its beginning.
 */
import { setMaxListeners } from "node:events";
import { assert } from "../base/assert.ts";
import { type BackoffOptions, backoffMs, type Random } from "../base/backoff.ts";
import { utf8 } from "../base/bytes.ts";
import { describeError, StatefoldError } from "../base/errors.ts";
import { type Report, silent } from "../base/report.ts";
import { unlessAborted } from "../base/unless-aborted.ts";
import type { KafkaCluster, NewKafkaRecord } from "../kafka/contract.ts";
import type { Patience } from "../kafka/insist.ts";
import type { ProducerSettings } from "../kafka/properties.ts";
import type { TypedValue } from "../model/typed-value.ts";
import type { KafkaEgress as KafkaEgressSpec } from "../spec/module.ts";
import type {
  Egress,
  EgressRecord,
  Published,
  RefusedRecord,
  TransactionCounts,
} from "./contract.ts";
import type { Intents } from "./kafka-intent.ts";
import type { MarkerOwner } from "./kafka-marker.ts";
import { type NumberedRecord, Placement, recordBytes } from "./kafka-placement.ts";
import { Sends } from "./kafka-sends.ts";
import { type PublishedUpTo, Transactions } from "./kafka-transactions.ts";
import { decodeProducerRecord, type ProducerRecord } from "./producer-record.ts";

export interface KafkaEgressOptions {
  readonly id: string;
  readonly delivery: KafkaEgressSpec["delivery"];
  readonly settings: Pick<
    ProducerSettings,
    "compression" | "maxRecordBytes" | "batchBytes" | "metadataMaxAgeMs"
  >;
  /** For each partition connections of its own: a broker answers what comes over one in order. */
  readonly connect: () => KafkaCluster;
  /** With the egress's id and the partition it makes the transactional id. */
  readonly application: string;
  readonly owner: MarkerOwner;
  /** Of the data directory. Closed by it. */
  readonly intents: Intents;
  /** What the brokers say of what was published need not agree with the data at first. */
  readonly acceptLoss: boolean;
  readonly nowMs: () => number;
  /** Resolves early when the signal aborts. */
  readonly sleep: Patience["sleep"];
  readonly random: Random;
  readonly report?: Report;
  /** How often it is looked for markers to be written again. Default an hour. */
  readonly lookEveryMs?: number;
}

/** One partition's way to the brokers. */
interface Way {
  opened(next: number): void;
  fence(): Promise<void>;
  refresh(): Promise<void>;
  publish(records: readonly NumberedRecord[]): Promise<PublishedUpTo>;
  close(): Promise<void>;
}

interface Lane {
  readonly cluster: KafkaCluster;
  readonly way: Way;
  /** Settles when whatever was begun on the way has. */
  tail: Promise<unknown>;
  /** When a marker was last written. */
  markedMs: number;
}

/** A broker that is loading is asked for some ten seconds, then the publisher's pauses begin. */
const TRIES = 60;
const FENCE_BACKOFF: BackoffOptions = { initialMs: 100, maxMs: 10_000 };
/** Markers expire in a week by default, and so do transactional ids. */
const REFRESH_AFTER_MS = 86_400_000;
const LOOK_EVERY_MS = 3_600_000;
/** Brokers get so long to answer what is in flight as the egress stops. */
const STOP_MS = 2_000;

export class KafkaEgress implements Egress {
  readonly id: string;
  readonly #transactions = { committed: 0, aborted: 0 };
  readonly #options: KafkaEgressOptions;
  readonly #report: Report;
  readonly #patience: Patience;
  readonly #ending = new AbortController();
  readonly #lanes = new Map<number, Lane>();
  #looking: NodeJS.Timeout | undefined;
  #stopping: Promise<void> | undefined;

  constructor(options: KafkaEgressOptions) {
    this.id = options.id;
    this.#options = options;
    this.#report = options.report ?? silent;
    const { sleep, random } = options;
    const { signal } = this.#ending;
    setMaxListeners(0, signal); // each lane may listen
    this.#patience = { sleep, signal, random, tries: TRIES };
  }

  get transactions(): TransactionCounts | undefined {
    return this.#options.delivery.type === "exactly-once" ? this.#transactions : undefined;
  }

  /** Waits for no broker: what cannot leave yet stays in the outbox. */
  async start(): Promise<void> {
    const { lookEveryMs = LOOK_EVERY_MS } = this.#options;
    this.#looking = setInterval(() => void this.refresh(), lookEveryMs);
    this.#looking.unref();
  }

  open(partition: number, next: number): void {
    const lane = this.#lane(partition);
    lane.way.opened(next);
    void this.#fence(partition, lane);
  }

  check(value: TypedValue): string | undefined {
    const decoded = decodeProducerRecord(value);
    return typeof decoded === "string" ? decoded : this.#whyRefused(decoded);
  }

  async publish(
    partition: number,
    first: number,
    records: readonly EgressRecord[],
    signal?: AbortSignal,
  ): Promise<Published> {
    signal?.throwIfAborted();
    if (this.#ending.signal.aborted) {
      throw new StatefoldError("UNAVAILABLE", `egress ${this.id} has been stopped`);
    }
    const lane = this.#lanes.get(partition);
    assert(lane !== undefined, "a partition is opened before it publishes");
    const publishing = this.#inTurn(lane, async () => {
      signal?.throwIfAborted(); // nobody waits any more, since before it was its turn
      return await this.#publish(lane, first, records);
    });
    return await (signal === undefined ? publishing : unlessAborted(publishing, signal));
  }

  /** Writes the markers again that have not been written for long. Never rejects. */
  async refresh(): Promise<void> {
    const { nowMs } = this.#options;
    const due = [...this.#lanes].filter(
      ([, { markedMs }]) => nowMs() - markedMs >= REFRESH_AFTER_MS,
    );
    const refreshing = due.map(async ([partition, lane]) => {
      try {
        await this.#inTurn(lane, () => lane.way.refresh());
        lane.markedMs = nowMs();
      } catch (error) {
        const reason = describeError(error);
        const fields = { egress: this.id, partition, reason };
        this.#report("warn", "How far was published could not be noted again.", fields);
      }
    });
    await Promise.all(refreshing);
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stopAll();
    return this.#stopping;
  }

  async #stopAll(): Promise<void> {
    clearInterval(this.#looking);
    this.#ending.abort(new StatefoldError("UNAVAILABLE", `egress ${this.id} has been stopped`));
    await Promise.all([...this.#lanes.values()].map((lane) => this.#stop(lane)));
    await this.#options.intents.close();
  }

  async #stop({ cluster, way, tail }: Lane): Promise<void> {
    // What is in flight may end, and what is open is aborted. Brokers that are slow do it by themselves later.
    const closed = new AbortController();
    const closing = tail.then(() => way.close()).catch(() => {});
    await Promise.race([closing, this.#options.sleep(STOP_MS, closed.signal)]);
    closed.abort();
    await cluster.close();
    await tail;
  }

  /** Shuts out the life before, and ends what it left open, which readers wait for. Never rejects. */
  async #fence(partition: number, lane: Lane): Promise<void> {
    const { sleep, random } = this.#options;
    const { signal } = this.#ending;
    for (let attempt = 1; !signal.aborted; attempt++) {
      try {
        await this.#inTurn(lane, () => lane.way.fence());
        lane.markedMs = this.#options.nowMs();
        return;
      } catch (error) {
        if (signal.aborted) return;
        const fields = { egress: this.id, partition, reason: describeError(error) };
        this.#report("warn", "An egress cannot begin.", fields);
        // For a person to decide; what is to be published meets it again.
        if (error instanceof StatefoldError) return;
      }
      await sleep(backoffMs(attempt, FENCE_BACKOFF, random), signal);
    }
  }

  async #publish(lane: Lane, first: number, records: readonly EgressRecord[]): Promise<Published> {
    const refused: RefusedRecord[] = [];
    let left: NumberedRecord[] = [];
    const nowMs = this.#options.nowMs();
    let number = first - 1;
    for (const record of records) {
      number++;
      const decoded = decodeProducerRecord(record.value);
      const reason = typeof decoded === "string" ? decoded : this.#whyRefused(decoded);
      if (reason !== undefined) refused.push({ number, reason });
      else if (typeof decoded !== "string") {
        const { traceparent } = record;
        const made = newRecord(decoded, traceparent, nowMs);
        left.push({ number, topic: decoded.topic, record: made });
      }
    }
    while (left.length > 0) {
      const published = await lane.way.publish(left);
      refused.push(...published.refused);
      left = left.filter(({ number }) => number > published.upTo);
    }
    lane.markedMs = this.#options.nowMs();
    return { refused: refused.toSorted((a, b) => a.number - b.number) };
  }

  #whyRefused(record: ProducerRecord): string | undefined {
    if (record.topic === "") return "the record names no topic";
    const limit = this.#options.settings.maxRecordBytes;
    // The trace context may come on top.
    const bytes = recordBytes(record) + TRACE_BYTES;
    return bytes > limit
      ? `the record has ${bytes} bytes with its headers, over the limit of ${limit} (max.request.size)`
      : undefined;
  }

  #inTurn<T>(lane: Lane, work: () => Promise<T>): Promise<T> {
    const working = lane.tail.then(() => {
      this.#ending.signal.throwIfAborted();
      return work();
    });
    lane.tail = working.catch(() => {}); // whoever began it hears of it
    return working;
  }

  #lane(partition: number): Lane {
    const known = this.#lanes.get(partition);
    if (known !== undefined) return known;
    const cluster = this.#options.connect();
    const way = this.#newWay(partition, cluster);
    const lane: Lane = { cluster, way, tail: Promise.resolve(), markedMs: 0 };
    this.#lanes.set(partition, lane);
    return lane;
  }

  #newWay(partition: number, cluster: KafkaCluster): Way {
    const { delivery, application, owner, intents, acceptLoss, settings, nowMs, sleep } =
      this.#options;
    const { compression, metadataMaxAgeMs, batchBytes } = settings;
    const patience = this.#patience;
    const placement = new Placement({
      ...{ cluster, nowMs, metadataMaxAgeMs, batchBytes },
      sleep: (waitMs) => sleep(waitMs, patience.signal),
    });
    const shared = { cluster, compression, placement, patience };
    if (delivery.type !== "exactly-once") {
      return new Sends({ ...shared, isIdempotent: delivery.type === "at-least-once" });
    }
    const name = `${application}/${this.id}/${partition}`;
    return new Transactions({
      ...{ ...shared, name, owner, intents, acceptLoss },
      transactionTimeoutMs: delivery.transactionTimeoutMs,
      onEnd: (isCommitted) => {
        this.#transactions[isCommitted ? "committed" : "aborted"]++;
      },
      onForgotten: () => {
        const text = "A broker had forgotten to end a transaction; it is ended now.";
        this.#report("warn", text, { egress: this.id, name });
      },
      onForeign: ({ next }) => {
        const text = "Another data directory has published under this name; its records stay.";
        this.#report("warn", text, { egress: this.id, name, records: next - 1 });
      },
    });
  }
}

/** Of the header that carries a trace context. */
const TRACE_BYTES = 256;

function newRecord(
  { key, value, headers }: ProducerRecord,
  traceparent: string | undefined,
  timestampMs: number,
): NewKafkaRecord {
  const isTraced = traceparent !== undefined && !headers.some((one) => one.key === "traceparent");
  if (!isTraced) return { timestampMs, key, value, headers };
  const trace = { key: "traceparent", value: utf8(traceparent) };
  return { timestampMs, key, value, headers: [...headers, trace] };
}
