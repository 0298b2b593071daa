/**
 * A Kafka broker in memory that does what real ones were seen to do: the end of a transaction takes a
 * while, during which its producer is told CONCURRENT_TRANSACTIONS; a new session fences the one before
 * and aborts what it left open; coordinators load at first; a transaction that takes too long is aborted
 * and its producer fenced; committed offsets expire; lists of aborted transactions come in no order;
 * answers get lost after the request was carried out; as it starts it forgets to write the ends of transactions,
 * and a producer's next marker ends what is open of it.
 *
 * The contract suite (test/contracts/kafka-cluster.ts) runs on it and on a real broker.
 */
import type {
  CommittedOffset,
  FetchedPartition,
  FetchRequest,
  KafkaCluster,
  NewBatch,
  NewKafkaRecord,
  Produced,
  ProduceRequest,
  ProducerSession,
  TopicPartition,
  Transactional,
} from "../../../src/kafka/contract.ts";
import { KafkaError, KafkaUnreachableError } from "../../../src/kafka/error.ts";
import { bytesOf, PartitionLog } from "./partition-log.ts";

export interface FakeBrokerOptions {
  readonly nowMs: () => number;
  /** Runs something later; requests take their time through it too. */
  readonly later: (waitMs: number, then: () => void) => void;
  /** What goes wrong with a request, to a node where it names one; default nothing. */
  readonly trouble?: (request: string, node?: number) => Trouble | undefined;
  /** What goes wrong with one batch or partition of a request; default nothing. */
  readonly placeTrouble?: (
    request: "produce" | "fetch",
    of: TopicPartition,
  ) => PlaceTrouble | undefined;
  /** How long a request takes to come. Default 0. */
  readonly requestMs?: () => number;
  /** How long its answer takes. Default: none, it is there when the request is carried out. */
  readonly answerMs?: () => number;
  /** How long a transaction takes to end. Default 0: it has ended when the request is answered. */
  readonly endMs?: () => number;
  /** Partitions are led by node k mod this. Default 1. */
  readonly nodes?: number;
  /** Who leads a partition now, or −1: nobody. Default: as `nodes` says. */
  readonly leaderOf?: (of: TopicPartition) => number;
  /** Something can be read that could not before. */
  readonly onChange?: () => void;
}

export type Trouble =
  /** Not carried out. */
  | { readonly kind: "lost" }
  /** Carried out, and nobody hears of it. */
  | { readonly kind: "answerLost" }
  /** Nobody hears of it, and it is carried out when all have given up. */
  | { readonly kind: "late"; readonly waitMs: number }
  | { readonly kind: "error"; readonly code: string };

export interface PlaceTrouble {
  readonly code: string;
  /** The batch is there all the same. */
  readonly isAppended: boolean;
}

interface Transaction {
  readonly session: ProducerSession;
  readonly timeoutMs: number;
  readonly partitions: Map<string, TopicPartition>;
  readonly groups: Set<string>;
  state: "empty" | "ongoing" | "ending";
  beganMs: number;
  /** Writes the end of the one before where its records are, as far as that is wanted. */
  writePlaces?: (isWanted: (at: TopicPartition) => boolean) => void;
}

const LOST: Trouble = { kind: "lost" };

/** Sends a request, to a node where it names one. */
type Ask = <T>(request: string, carryOut: () => T, node?: number) => Promise<T>;

const place = ({ topic, partition }: TopicPartition): string => `${topic}/${partition}`;

export class FakeBroker {
  readonly #options: FakeBrokerOptions;
  readonly topics = new Map<string, PartitionLog[]>();
  /** Committed offsets by group and place. */
  readonly offsets = new Map<string, Map<string, CommittedOffset>>();
  readonly #transactions = new Map<string, Transaction>();
  /** What a producer's next marker commits or drops, by its id. */
  readonly #pending = new Map<bigint, (CommittedOffset & { readonly group: string })[]>();
  /** Times it was started. */
  #lives = 1;
  /** Fetches that wait for records. */
  readonly #fetching = new Set<() => void>();
  #nextProducerId = 1n;
  /** A record that it takes in no batch. */
  refuses: (record: NewKafkaRecord) => boolean = () => false;
  /** What it says of it. */
  refusal = "MESSAGE_TOO_LARGE";
  /** And it takes no batch of more. */
  maxBatchRecords = Number.POSITIVE_INFINITY;
  /** Transactions that it has aborted because they took too long. */
  overdue = 0;
  /** A topic that nobody may write to. */
  forbidden: string | undefined;
  /** Transactions whose ends it has forgotten to write. */
  forgotten = 0;

  constructor(options: FakeBrokerOptions) {
    this.#options = options;
  }

  createTopic(topic: string, partitions: number): void {
    const logs = this.topics.get(topic) ?? [];
    this.topics.set(topic, logs);
    while (logs.length < partitions) logs.push(new PartitionLog(() => this.changed()));
  }

  /** There is more to read, or somebody else to ask: who waits for records looks again. */
  changed(): void {
    const waiting = [...this.#fetching];
    this.#fetching.clear();
    for (const look of waiting) look();
    this.#options.onChange?.();
  }

  /** With what groups have committed for it. */
  deleteTopic(topic: string): void {
    this.topics.delete(topic);
    for (const offsets of this.offsets.values()) {
      for (const [name, offset] of offsets) if (offset.topic === topic) offsets.delete(name);
    }
  }

  log(of: TopicPartition): PartitionLog {
    const log = this.topics.get(of.topic)?.[of.partition];
    if (log === undefined) throw new KafkaError("UNKNOWN_TOPIC_OR_PARTITION", place(of));
    return log;
  }

  get hasOpenTransaction(): boolean {
    return [...this.#transactions.values()].some(({ state }) => state === "ongoing");
  }

  /**
   * Connections break, and requests are lost on their way. Transactions that are open are aborted as overdue while
   * it starts, and their ends not written; nor those that were about to be.
   *
   * @param forgets whether that happens to one
   * @param writes whether one that is forgotten has its end in a place of its records; its groups never have
   */
  restart(forgets: () => boolean, writes: (at: TopicPartition) => boolean = () => false): void {
    this.#lives++;
    for (const one of this.#transactions.values()) {
      if (one.state === "empty" || !forgets()) continue;
      this.forgotten++;
      const { session, timeoutMs } = one;
      const producerEpoch = session.producerEpoch + (one.state === "ongoing" ? 1 : 0);
      this.#begin({ ...session, producerEpoch }, timeoutMs);
      // Groups take a while for what partitions write at once.
      one.writePlaces?.(writes);
    }
  }

  /** As when a group is idle for longer than the broker keeps its offsets. */
  expireOffsets(group: string): void {
    this.offsets.delete(group);
  }

  /** A client with connections of its own. */
  client(): KafkaCluster {
    let isClosed = false;
    let breaks = 0;
    const ask: Ask = (request, carryOut, node) => {
      const { requestMs, answerMs, later } = this.#options;
      return new Promise((resolve, reject) => {
        const life = this.#lives;
        const tell = (then: () => void): void => {
          if (answerMs === undefined) return then();
          later(answerMs(), () => (life === this.#lives ? then() : fail()));
        };
        const fail = (): void => {
          breaks++;
          reject(new KafkaUnreachableError(`${request}: no answer`));
        };
        const lost = (): void => tell(fail);
        const trouble = isClosed ? LOST : this.#options.trouble?.(request, node);
        later(requestMs?.() ?? 0, () => {
          if (isClosed || trouble?.kind === "lost" || life !== this.#lives) return lost();
          if (trouble?.kind === "error") {
            return tell(() => reject(new KafkaError(trouble.code, request)));
          }
          if (trouble?.kind === "late") {
            later(trouble.waitMs, () => this.#carryOutUnheard(carryOut));
            return lost();
          }
          this.#abortOverdue();
          try {
            const answer = carryOut();
            if (trouble?.kind === "answerLost") return lost();
            tell(() => resolve(answer));
          } catch (error) {
            tell(() => reject(error));
          }
        });
      });
    };
    const lives = (): number => this.#lives;
    return {
      get breaks() {
        return breaks + lives();
      },
      connect: () => ask("connect", () => {}),
      close: async () => {
        isClosed = true;
      },
      leaders: (topic) => ask("leaders", () => this.#leaders(topic)),
      offset: (of, at) => ask("offset", () => this.#offset(of, at)),
      fetch: (node, request) => this.#fetch(ask, node, request),
      groupOffsets: (group, mustBeStable = false) =>
        ask("groupOffsets", () => {
          if (mustBeStable && this.#isUnstable(group))
            throw new KafkaError("UNSTABLE_OFFSET_COMMIT", group);
          return [...(this.offsets.get(group)?.values() ?? [])];
        }),
      commitGroup: (group, offsets) => ask("commitGroup", () => this.#store(group, offsets)),
      initProducer: (transactional) => ask("initProducer", () => this.#initProducer(transactional)),
      addPartitions: (session, partitions) =>
        ask("addPartitions", () => this.#addPartitions(session, partitions)),
      addOffsets: (session, group) =>
        ask("addOffsets", () => void this.#join(session).groups.add(group)),
      commitOffsets: (session, group, offsets) =>
        ask("commitOffsets", () => this.#commitOffsets(session, group, offsets)),
      endTransaction: (session, isCommit) =>
        ask("endTransaction", () => this.#end(session, isCommit)),
      produce: (request) => ask("produce", () => this.#produce(request)),
    };
  }

  #carryOutUnheard(carryOut: () => unknown): void {
    this.#abortOverdue();
    try {
      carryOut();
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error;
    }
  }

  #leaders(topic: string): readonly number[] | undefined {
    const { nodes = 1, leaderOf } = this.#options;
    return this.topics
      .get(topic)
      ?.map((_, partition) => leaderOf?.({ topic, partition }) ?? partition % nodes);
  }

  #offset(of: TopicPartition, at: "earliest" | "latest" | { readonly atMs: number }): number {
    const log = this.log(of);
    if (at === "earliest") return log.start;
    if (at === "latest") return log.lastStableOffset;
    for (const batch of log.batches) {
      const found = batch.records.find((record) => record.timestampMs >= at.atMs);
      if (found !== undefined && found.offset >= log.start) return found.offset;
    }
    return log.lastStableOffset;
  }

  async #fetch(
    ask: Ask,
    node: number,
    request: FetchRequest,
  ): Promise<readonly FetchedPartition[]> {
    const untilMs = this.#options.nowMs() + request.maxWaitMs;
    for (;;) {
      const found = await ask("fetch", () => this.#readAll(node, request), node);
      const has = found.some(({ error, batches }) => error !== undefined || batches.length > 0);
      const restMs = untilMs - this.#options.nowMs();
      if (has || restMs <= 0) return found;
      await new Promise<void>((resolve) => {
        const look = (): void => {
          this.#fetching.delete(look);
          resolve();
        };
        this.#fetching.add(look);
        this.#options.later(restMs, look);
      });
    }
  }

  /** In the order asked for, until the answer is full; the first that has something is sent in any case. */
  #readAll(
    node: number,
    { partitions, maxBytes, includesOpen = false }: FetchRequest,
  ): FetchedPartition[] {
    let left = maxBytes;
    return partitions.map((one) => {
      const found = this.#read(node, one, includesOpen);
      const bytes = bytesOf(found.batches);
      const isFirst = left === maxBytes;
      if (bytes > left && !isFirst) return { ...found, batches: [], aborted: [] };
      left -= bytes;
      return found;
    });
  }

  #read(
    node: number,
    of: TopicPartition & { readonly offset: number; readonly maxBytes: number },
    includesOpen: boolean,
  ): FetchedPartition {
    const { topic, partition, offset } = of;
    const none = {
      topic,
      partition,
      highWatermark: -1,
      lastStableOffset: -1,
      aborted: [],
      batches: [],
    };
    const log = this.topics.get(topic)?.[partition];
    if (log === undefined) return { ...none, error: "UNKNOWN_TOPIC_OR_PARTITION" };
    if (this.#leaders(topic)?.[partition] !== node)
      return { ...none, error: "NOT_LEADER_OR_FOLLOWER" };
    const trouble = this.#options.placeTrouble?.("fetch", of);
    if (trouble !== undefined) return { ...none, error: trouble.code };
    if (offset < log.start || offset > log.end) return { ...none, error: "OFFSET_OUT_OF_RANGE" };
    const until = includesOpen ? log.end : log.lastStableOffset;
    const { batches, aborted } = log.read(offset, of.maxBytes, until);
    if (includesOpen) aborted.length = 0;
    return {
      ...{ topic, partition, error: undefined, batches, aborted: aborted.toReversed() },
      ...{ highWatermark: log.end, lastStableOffset: includesOpen ? -1 : log.lastStableOffset },
    };
  }

  /** Of those that are there: one that was never committed before is not told of. */
  #isUnstable(group: string): boolean {
    const known = this.offsets.get(group);
    return [...this.#pending.values()].some((pending) =>
      pending.some((one) => one.group === group && known?.has(place(one)) === true),
    );
  }

  #store(group: string, offsets: readonly CommittedOffset[]): void {
    for (const one of offsets) this.log(one);
    const known = this.offsets.get(group) ?? new Map<string, CommittedOffset>();
    this.offsets.set(group, known);
    for (const one of offsets) known.set(place(one), one);
  }

  #initProducer(transactional: Transactional | undefined): ProducerSession {
    if (transactional === undefined) {
      const producerId = this.#nextProducerId++;
      return { transactionalId: undefined, producerId, producerEpoch: 0 };
    }
    const { id: transactionalId, timeoutMs } = transactional;
    const known = this.#transactions.get(transactionalId);
    if (known?.state === "ending") throw new KafkaError("CONCURRENT_TRANSACTIONS", transactionalId);
    if (known?.state === "ongoing") {
      // Fences first, and asks the newcomer to come again once it is aborted.
      this.#fence(known);
      throw new KafkaError("CONCURRENT_TRANSACTIONS", transactionalId);
    }
    const producerId = known?.session.producerId ?? this.#nextProducerId++;
    const producerEpoch = (known?.session.producerEpoch ?? -1) + 1;
    const session = { transactionalId, producerId, producerEpoch };
    this.#begin(session, timeoutMs);
    return session;
  }

  #begin(session: ProducerSession, timeoutMs: number): Transaction {
    const transaction: Transaction = {
      ...{ session, timeoutMs, partitions: new Map(), groups: new Set() },
      ...{ state: "empty", beganMs: 0 },
    };
    this.#transactions.set(session.transactionalId ?? "", transaction);
    return transaction;
  }

  /** The producer's epoch is over, and what it left open is aborted. */
  #fence(transaction: Transaction): void {
    const { session, timeoutMs } = transaction;
    const producerEpoch = session.producerEpoch + 1;
    const next = this.#begin({ ...session, producerEpoch }, timeoutMs);
    this.#finish(transaction, false, next);
  }

  #abortOverdue(): void {
    const nowMs = this.#options.nowMs();
    for (const one of this.#transactions.values()) {
      if (one.state !== "ongoing" || nowMs - one.beganMs <= one.timeoutMs) continue;
      this.overdue++;
      this.#fence(one);
    }
  }

  #current(session: ProducerSession): Transaction {
    const known = this.#transactions.get(session.transactionalId ?? "");
    if (known === undefined || known.session.producerId !== session.producerId) {
      throw new KafkaError("INVALID_PRODUCER_ID_MAPPING", session.transactionalId ?? "");
    }
    if (known.session.producerEpoch !== session.producerEpoch) {
      throw new KafkaError("INVALID_PRODUCER_EPOCH", session.transactionalId ?? "");
    }
    return known;
  }

  /** The session's transaction, begun if it was not. */
  #join(session: ProducerSession): Transaction {
    const transaction = this.#current(session);
    if (transaction.state === "ending") {
      throw new KafkaError("CONCURRENT_TRANSACTIONS", session.transactionalId ?? "");
    }
    if (transaction.state === "empty") transaction.beganMs = this.#options.nowMs();
    transaction.state = "ongoing";
    return transaction;
  }

  #addPartitions(session: ProducerSession, partitions: readonly TopicPartition[]): void {
    this.#current(session);
    for (const one of partitions) this.#mayWrite(one);
    for (const one of partitions) this.log(one);
    const transaction = this.#join(session);
    for (const one of partitions) transaction.partitions.set(place(one), one);
  }

  #commitOffsets(
    session: ProducerSession,
    group: string,
    offsets: readonly CommittedOffset[],
  ): void {
    const transaction = this.#current(session);
    if (!transaction.groups.has(group)) throw new KafkaError("INVALID_TXN_STATE", group);
    for (const one of offsets) this.log(one);
    const pending = this.#pending.get(session.producerId) ?? [];
    this.#pending.set(session.producerId, pending);
    pending.push(...offsets.map((one) => ({ ...one, group })));
  }

  #end(session: ProducerSession, isCommit: boolean): void {
    const transaction = this.#current(session);
    if (transaction.state === "ending") throw new KafkaError("CONCURRENT_TRANSACTIONS", "ending");
    if (transaction.state === "empty") throw new KafkaError("INVALID_TXN_STATE", "nothing to end");
    const { timeoutMs } = transaction;
    const next = this.#begin(session, timeoutMs);
    this.#finish(transaction, isCommit, next);
  }

  /** Writes the markers, in a while; the producer's next transaction waits for that. */
  #finish(transaction: Transaction, isCommit: boolean, next: Transaction): void {
    next.state = "ending";
    const { transactionalId = "", producerId } = transaction.session;
    next.writePlaces = (isWanted) => {
      for (const one of transaction.partitions.values()) {
        if (!isWanted(one)) continue;
        const log = this.topics.get(one.topic)?.[one.partition];
        log?.endTransaction(producerId, isCommit, this.#options.nowMs());
      }
    };
    const finish = (): void => {
      if (this.#transactions.get(transactionalId) !== next) return; // forgotten
      next.writePlaces?.(() => true);
      delete next.writePlaces;
      const pending = this.#pending.get(producerId) ?? [];
      const isEnded = ({ group }: { readonly group: string }) => transaction.groups.has(group);
      this.#pending.set(
        producerId,
        pending.filter((one) => !isEnded(one)),
      );
      if (isCommit) {
        const there = pending.filter((one) => isEnded(one) && this.topics.has(one.topic));
        for (const { group, ...one } of there) this.#store(group, [one]);
      }
      next.state = "empty";
    };
    const waitMs = this.#options.endMs?.() ?? 0;
    if (waitMs === 0) finish();
    else this.#options.later(waitMs, finish);
  }

  #mayWrite({ topic }: TopicPartition): void {
    if (topic === this.forbidden) throw new KafkaError("TOPIC_AUTHORIZATION_FAILED", topic);
  }

  #produce({ session, batches }: ProduceRequest): readonly Produced[] {
    return batches.map((batch): Produced => {
      const { topic, partition } = batch;
      const trouble = this.#options.placeTrouble?.("produce", batch);
      try {
        if (trouble?.isAppended === false) throw new KafkaError(trouble.code, place(batch));
        const baseOffset = this.#append(session, batch);
        if (trouble !== undefined) throw new KafkaError(trouble.code, place(batch));
        return { topic, partition, error: undefined, baseOffset };
      } catch (error) {
        if (!(error instanceof KafkaError)) throw error;
        return { topic, partition, error: error.code, baseOffset: -1 };
      }
    });
  }

  #append(session: ProducerSession | undefined, batch: NewBatch): number {
    const log = this.log(batch);
    this.#mayWrite(batch);
    const isTooLarge = batch.records.length > this.maxBatchRecords;
    if (isTooLarge || batch.records.some(this.refuses))
      throw new KafkaError(this.refusal, place(batch));
    if (session === undefined) return log.append(batch.records, -1n, false);
    const isTransactional = session.transactionalId !== undefined;
    if (isTransactional) {
      const transaction = this.#current(session);
      if (!transaction.partitions.has(place(batch)) || transaction.state !== "ongoing") {
        throw new KafkaError("INVALID_TXN_STATE", place(batch));
      }
    }
    return log.appendOnce(batch, session, isTransactional);
  }
}
