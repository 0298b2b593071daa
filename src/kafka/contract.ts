/**
 * What is used of a Kafka cluster, request by request. Everything that needs thought (reading committed
 * records, transactions, positions) is built above this, so that it runs in the simulation on a broker that
 * misbehaves as brokers do.
 *
 * A request that fails rejects with a KafkaError (the broker's answer), a KafkaUnreachableError (there was
 * none: it may have been carried out) or a KafkaProtocolError. None is repeated here, except that leaders
 * and coordinators are looked up again after an error that says they moved.
 */
import type { Header } from "../model/message.ts";

export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

export interface KafkaCluster {
  /** Rejects when no broker can be reached, or none lets us in. */
  connect(): Promise<void>;
  /** What is in flight fails. Idempotent. */
  close(): Promise<void>;

  /** Differs from before when a connection broke since: a broker may have been started again. */
  readonly breaks: number;

  /**
   * The leader of each partition, by partition number; −1: none just now. Undefined: no such topic. With
   * `mayCreate` a broker that is set up so begins to create it.
   */
  leaders(topic: string, mayCreate?: boolean): Promise<readonly number[] | undefined>;

  /** The offset of the first record, of the next one to be committed, or of the first not older than a time. */
  offset(
    of: TopicPartition,
    at: "earliest" | "latest" | { readonly atMs: number },
  ): Promise<number>;

  /** Waits up to `maxWaitMs` for `minBytes`. All partitions must have the leader `node`. */
  fetch(node: number, request: FetchRequest): Promise<readonly FetchedPartition[]>;

  /**
   * What a group has committed, all of it that has not expired. With `mustBeStable` UNSTABLE_OFFSET_COMMIT while a
   * transaction has offsets for one of its partitions and its end is not written.
   */
  groupOffsets(group: string, mustBeStable?: boolean): Promise<readonly CommittedOffset[]>;

  /** Commits for a group that has no members. */
  commitGroup(group: string, offsets: readonly CommittedOffset[]): Promise<void>;

  /**
   * A new producer session. With a transactional id it fences whoever had it before, and aborts what that one
   * left open.
   */
  initProducer(transactional: Transactional | undefined): Promise<ProducerSession>;

  addPartitions(session: ProducerSession, partitions: readonly TopicPartition[]): Promise<void>;
  addOffsets(session: ProducerSession, group: string): Promise<void>;
  commitOffsets(
    session: ProducerSession,
    group: string,
    offsets: readonly CommittedOffset[],
  ): Promise<void>;
  endTransaction(session: ProducerSession, isCommit: boolean): Promise<void>;

  /** Appends batches, each for another partition; one answer a batch, in their order. */
  produce(request: ProduceRequest): Promise<readonly Produced[]>;
}

export interface FetchRequest {
  readonly partitions: readonly (TopicPartition & {
    readonly offset: number;
    readonly maxBytes: number;
  })[];
  readonly maxWaitMs: number;
  readonly minBytes: number;
  readonly maxBytes: number;
  /** What belongs to transactions that have not ended, too, and behind it; nothing is said of aborted ones then. */
  readonly includesOpen?: boolean;
}

export interface FetchedPartition extends TopicPartition {
  /** Kafka's name of an error; undefined: none. */
  readonly error: string | undefined;
  /** Behind the last record that all replicas have. */
  readonly highWatermark: number;
  /** Everything below belongs to transactions that have ended. */
  readonly lastStableOffset: number;
  /** Transactions that were aborted and touch what was fetched, in no order. */
  readonly aborted: readonly AbortedTransaction[];
  /** Whole batches, in order; the first may begin before the offset asked for. */
  readonly batches: readonly RecordBatch[];
}

export interface AbortedTransaction {
  readonly producerId: bigint;
  readonly firstOffset: number;
}

/** A run of records as the broker stores it. */
export interface RecordBatch {
  readonly baseOffset: number;
  /** Of its last record when it was written: compaction may have removed that one, or all. */
  readonly lastOffset: number;
  readonly producerId: bigint;
  readonly isTransactional: boolean;
  /** It holds a marker that ends a transaction. */
  readonly isControl: boolean;
  readonly records: readonly KafkaRecord[];
  /** Set when it cannot be read: it has no records then, and nothing else said of it is sure. */
  readonly damage?: BatchDamage;
}

export interface BatchDamage {
  /** For people. */
  readonly reason: string;
  /** The batch as it stands there. */
  readonly bytes: Uint8Array;
}

/** Bytes are views of what was fetched. */
export interface KafkaRecord {
  readonly offset: number;
  readonly timestampMs: number;
  readonly key: Uint8Array | undefined;
  readonly value: Uint8Array | undefined;
  readonly headers: readonly Header[];
}

export interface CommittedOffset extends TopicPartition {
  readonly offset: number;
  /** Whatever was written beside it. */
  readonly note: string;
}

export interface Transactional {
  readonly id: string;
  /** After so long without an end the broker aborts a transaction, and fences its producer. */
  readonly timeoutMs: number;
}

export interface ProducerSession {
  readonly transactionalId: string | undefined;
  readonly producerId: bigint;
  readonly producerEpoch: number;
}

export interface ProduceRequest {
  /** Undefined: no session, and so no protection against doubles. */
  readonly session: ProducerSession | undefined;
  /** False: the answer does not wait for the replicas. */
  readonly waitForReplicas: boolean;
  readonly compression: Compression;
  readonly batches: readonly NewBatch[];
}

export type Compression = "none" | "gzip" | "snappy" | "lz4" | "zstd";

export interface NewBatch extends TopicPartition {
  /** Of the session in this partition: the number of records sent before. */
  readonly firstSequence: number;
  readonly records: readonly NewKafkaRecord[];
}

export interface NewKafkaRecord {
  readonly timestampMs: number;
  readonly key: Uint8Array | undefined;
  readonly value: Uint8Array | undefined;
  readonly headers: readonly Header[];
}

export interface Produced extends TopicPartition {
  /** Kafka's name of an error; undefined: none. */
  readonly error: string | undefined;
  readonly baseOffset: number;
}
