/** {@link KafkaCluster} on real brokers. */
import { BrokerConnection, type ConnectionSettings } from "./broker-connection.ts";
import type {
  CommittedOffset,
  FetchedPartition,
  FetchRequest,
  KafkaCluster,
  Produced,
  ProduceRequest,
  ProducerSession,
  TopicPartition,
  Transactional,
} from "./contract.ts";
import { checkError, errorName, KafkaError, KafkaUnreachableError } from "./error.ts";
import { FETCH } from "./wire/fetch.ts";
import { type CoordinatorOf, FIND_COORDINATOR, METADATA, type Node } from "./wire/metadata.ts";
import { EARLIEST, LATEST, LIST_OFFSETS, OFFSET_COMMIT, OFFSET_FETCH } from "./wire/offsets.ts";
import { PRODUCE } from "./wire/produce.ts";
import { encodeBatch } from "./wire/record-batch.ts";
import {
  ADD_OFFSETS,
  ADD_PARTITIONS,
  END_TRANSACTION,
  INIT_PRODUCER_ID,
  TXN_OFFSET_COMMIT,
} from "./wire/transaction.ts";

export interface ClusterOptions extends ConnectionSettings {
  /** `host:port`, one at least: whoever answers first tells of the others. */
  readonly bootstrap: readonly { readonly host: string; readonly port: number }[];
}

/** A broker, and a connection of its own for fetching, which may wait for long. */
interface Broker {
  readonly at: Node;
  readonly connection: BrokerConnection;
  readonly fetching: BrokerConnection;
}

export class BrokerCluster implements KafkaCluster {
  readonly #options: ClusterOptions;
  readonly #bootstrap: readonly BrokerConnection[];
  readonly #brokers = new Map<number, Broker>();
  /** Leaders by topic, as last told. */
  readonly #leaders = new Map<string, readonly number[]>();
  /** By type and id. */
  readonly #coordinators = new Map<string, Broker>();
  /** Of brokers that are gone. */
  #breaks = 0;

  constructor(options: ClusterOptions) {
    this.#options = options;
    this.#bootstrap = options.bootstrap.map(
      ({ host, port }) => new BrokerConnection(host, port, options),
    );
  }

  get breaks(): number {
    let breaks = this.#breaks;
    for (const { connection } of this.#brokers.values()) breaks += connection.breaks;
    return breaks;
  }

  async connect(): Promise<void> {
    await this.#metadata();
  }

  async close(): Promise<void> {
    const all = [...this.#bootstrap];
    for (const { connection, fetching } of this.#brokers.values()) all.push(connection, fetching);
    this.#brokers.clear();
    await Promise.all(all.map((connection) => connection.close()));
  }

  async leaders(topic: string, mayCreate = false): Promise<readonly number[] | undefined> {
    const [found] = await this.#metadata([topic], mayCreate);
    if (found === undefined || errorName(found.error) === "UNKNOWN_TOPIC_OR_PARTITION") {
      this.#leaders.delete(topic);
      return undefined;
    }
    if (errorName(found.error) !== "LEADER_NOT_AVAILABLE") {
      checkError(found.error, `asking for the partitions of topic ${topic}`);
    }
    const leaders: number[] = [];
    for (const { partition, leader } of found.partitions) leaders[partition] = leader;
    this.#leaders.set(topic, leaders);
    return leaders;
  }

  async offset(
    of: TopicPartition,
    at: "earliest" | "latest" | { readonly atMs: number },
  ): Promise<number> {
    const atMs = at === "earliest" ? EARLIEST : at === "latest" ? LATEST : at.atMs;
    const what = `asking for an offset of ${of.topic}/${of.partition}`;
    const offset = await this.#atLeader(of, async (broker) => {
      const [answer] = await broker.connection.request(LIST_OFFSETS, [{ ...of, atMs }]);
      checkError(answer?.error ?? -1, what);
      return answer?.offset ?? -1;
    });
    return offset === -1 ? await this.offset(of, "latest") : offset;
  }

  async fetch(node: number, request: FetchRequest): Promise<readonly FetchedPartition[]> {
    const broker = await this.#broker(node);
    const { error, partitions } = await broker.fetching.request(FETCH, request);
    checkError(error, "fetching");
    return partitions.map((found) => {
      const { topic, partition, highWatermark, lastStableOffset, aborted, batches } = found;
      const name = errorName(found.error);
      if (name !== undefined && MOVED.has(name)) this.#leaders.delete(topic);
      return { topic, partition, error: name, highWatermark, lastStableOffset, aborted, batches };
    });
  }

  async groupOffsets(group: string, mustBeStable = false): Promise<readonly CommittedOffset[]> {
    const what = `asking for the offsets of group ${group}`;
    return await this.#atCoordinator({ type: "group", id: group }, async (broker) => {
      const { error, offsets } = await broker.connection.request(OFFSET_FETCH, {
        group,
        mustBeStable,
      });
      checkError(error, what);
      for (const found of offsets) checkError(found.error, what);
      return offsets
        .filter(({ offset }) => offset >= 0)
        .map(({ error: _, ...committed }) => committed);
    });
  }

  async commitGroup(group: string, offsets: readonly CommittedOffset[]): Promise<void> {
    await this.#atCoordinator({ type: "group", id: group }, async (broker) => {
      const answers = await broker.connection.request(OFFSET_COMMIT, { group, offsets });
      for (const { error } of answers) checkError(error, `committing offsets of group ${group}`);
    });
  }

  async initProducer(transactional: Transactional | undefined): Promise<ProducerSession> {
    const question = {
      transactionalId: transactional?.id,
      timeoutMs: transactional?.timeoutMs ?? 0,
    };
    const ask = async (broker: Broker): Promise<ProducerSession> => {
      const answer = await broker.connection.request(INIT_PRODUCER_ID, question);
      checkError(answer.error, `beginning producer ${transactional?.id ?? "without transactions"}`);
      const { producerId, producerEpoch } = answer;
      return { transactionalId: transactional?.id, producerId, producerEpoch };
    };
    if (transactional === undefined) return await ask(await this.#anyBroker());
    return await this.#atCoordinator({ type: "transaction", id: transactional.id }, ask);
  }

  async addPartitions(
    session: ProducerSession,
    partitions: readonly TopicPartition[],
  ): Promise<void> {
    await this.#inTransaction(session, async (broker) => {
      const answers = await broker.connection.request(ADD_PARTITIONS, { session, partitions });
      // Where one is refused the others say that they were not tried.
      const failed = answers.filter(({ error }) => error !== 0);
      const first = failed.find(({ error }) => errorName(error) !== "OPERATION_NOT_ATTEMPTED");
      const worst = first ?? failed[0];
      if (worst !== undefined) checkError(worst.error, `adding ${placeOf(worst)}`);
    });
  }

  async addOffsets(session: ProducerSession, group: string): Promise<void> {
    await this.#inTransaction(session, async (broker) => {
      const error = await broker.connection.request(ADD_OFFSETS, { session, group });
      checkError(error, `adding group ${group}`);
    });
  }

  async commitOffsets(
    session: ProducerSession,
    group: string,
    offsets: readonly CommittedOffset[],
  ): Promise<void> {
    await this.#atCoordinator({ type: "group", id: group }, async (broker) => {
      const question = { session, group, offsets };
      const answers = await broker.connection.request(TXN_OFFSET_COMMIT, question);
      for (const { error } of answers) checkError(error, `committing offsets of group ${group}`);
    });
  }

  async endTransaction(session: ProducerSession, isCommit: boolean): Promise<void> {
    await this.#inTransaction(session, async (broker) => {
      const error = await broker.connection.request(END_TRANSACTION, { session, isCommit });
      checkError(error, isCommit ? "committing a transaction" : "aborting a transaction");
    });
  }

  async produce(request: ProduceRequest): Promise<readonly Produced[]> {
    const { session, waitForReplicas, compression, batches } = request;
    const byNode = new Map<number, (TopicPartition & { bytes: Uint8Array })[]>();
    for (const batch of batches) {
      const leader = await this.#leaderOf(batch);
      const bytes = await encodeBatch(batch.records, {
        ...{ compression, firstSequence: batch.firstSequence },
        producerId: session?.producerId ?? -1n,
        producerEpoch: session?.producerEpoch ?? -1,
        isTransactional: session?.transactionalId !== undefined,
      });
      const ofNode = byNode.get(leader) ?? [];
      byNode.set(leader, ofNode);
      ofNode.push({ topic: batch.topic, partition: batch.partition, bytes });
    }
    const timeoutMs = this.#options.requestTimeoutMs;
    const answered = await Promise.all(
      [...byNode].map(async ([node, ofNode]) => {
        const broker = await this.#broker(node);
        return await broker.connection.request(PRODUCE, {
          ...{ transactionalId: session?.transactionalId, waitForReplicas, timeoutMs },
          batches: ofNode,
        });
      }),
    );
    const byPartition = new Map(answered.flat().map((found) => [placeOf(found), found]));
    return batches.map(({ topic, partition }) => {
      const found = byPartition.get(placeOf({ topic, partition }));
      const error = found === undefined ? "UNKNOWN_SERVER_ERROR" : errorName(found.error);
      if (error !== undefined && MOVED.has(error)) this.#leaders.delete(topic);
      return { topic, partition, error, baseOffset: found?.baseOffset ?? -1 };
    });
  }

  async #metadata(topics: readonly string[] = [], mayCreate = false) {
    const connections = [...this.#brokers.values()].map(({ connection }) => connection);
    let last: unknown;
    for (const connection of [...connections, ...this.#bootstrap]) {
      try {
        const { nodes, topics: found } = await connection.request(METADATA, {
          ...{ topics, mayCreate },
        });
        await this.#learn(nodes);
        return found;
      } catch (error) {
        if (!(error instanceof KafkaUnreachableError)) throw error;
        last = error;
      }
    }
    throw last;
  }

  /** Brokers come, go, and move. */
  async #learn(nodes: readonly Node[]): Promise<void> {
    const gone = new Map(this.#brokers);
    for (const node of nodes) {
      const known = gone.get(node.id);
      if (known?.at.host === node.host && known.at.port === node.port) gone.delete(node.id);
      else this.#brokers.set(node.id, this.#newBroker(node));
    }
    for (const [id, broker] of gone) {
      this.#breaks += broker.connection.breaks + 1;
      if (this.#brokers.get(id) === broker) this.#brokers.delete(id);
      await Promise.all([broker.connection.close(), broker.fetching.close()]);
    }
  }

  #newBroker(at: Node): Broker {
    const connection = new BrokerConnection(at.host, at.port, this.#options);
    const fetching = new BrokerConnection(at.host, at.port, this.#options);
    return { at, connection, fetching };
  }

  async #broker(node: number): Promise<Broker> {
    const known = this.#brokers.get(node);
    if (known !== undefined) return known;
    await this.#metadata();
    const found = this.#brokers.get(node);
    if (found === undefined) throw new KafkaUnreachableError(`there is no broker ${node} any more`);
    return found;
  }

  async #anyBroker(): Promise<Broker> {
    if (this.#brokers.size === 0) await this.#metadata();
    for (const broker of this.#brokers.values()) return broker;
    throw new KafkaUnreachableError("the cluster names no brokers");
  }

  async #leaderOf({ topic, partition }: TopicPartition): Promise<number> {
    // A topic may have more partitions than when it was last asked for.
    const leader =
      this.#leaders.get(topic)?.[partition] ?? (await this.leaders(topic))?.[partition];
    if (leader === undefined)
      throw new KafkaError("UNKNOWN_TOPIC_OR_PARTITION", `${topic}/${partition}`);
    if (leader >= 0) return leader;
    this.#leaders.delete(topic);
    throw new KafkaError("LEADER_NOT_AVAILABLE", `${topic}/${partition}`);
  }

  async #atLeader<T>(of: TopicPartition, ask: (broker: Broker) => Promise<T>): Promise<T> {
    const broker = await this.#broker(await this.#leaderOf(of));
    try {
      return await ask(broker);
    } catch (error) {
      this.#leaders.delete(of.topic);
      throw error;
    }
  }

  #inTransaction<T>(session: ProducerSession, ask: (broker: Broker) => Promise<T>): Promise<T> {
    return this.#atCoordinator({ type: "transaction", id: session.transactionalId ?? "" }, ask);
  }

  async #atCoordinator<T>(of: CoordinatorOf, ask: (broker: Broker) => Promise<T>): Promise<T> {
    const name = `${of.type} ${of.id}`;
    const known = this.#coordinators.get(name) ?? (await this.#findCoordinator(of));
    this.#coordinators.set(name, known);
    try {
      return await ask(known);
    } catch (error) {
      const hasMoved =
        error instanceof KafkaUnreachableError ||
        (error instanceof KafkaError && MOVED.has(error.code));
      if (hasMoved) this.#coordinators.delete(name);
      throw error;
    }
  }

  async #findCoordinator(of: CoordinatorOf): Promise<Broker> {
    const broker = await this.#anyBroker();
    const { error, ...node } = await broker.connection.request(FIND_COORDINATOR, of);
    checkError(error, `asking who coordinates ${of.type} ${of.id}`);
    return await this.#broker(node.id);
  }
}

/** Somebody else leads or coordinates now. */
const MOVED: ReadonlySet<string> = new Set([
  ...["NOT_LEADER_OR_FOLLOWER", "LEADER_NOT_AVAILABLE", "UNKNOWN_TOPIC_OR_PARTITION"],
  ...["NOT_COORDINATOR", "COORDINATOR_NOT_AVAILABLE", "FENCED_LEADER_EPOCH"],
  ...["REPLICA_NOT_AVAILABLE", "KAFKA_STORAGE_ERROR", "UNKNOWN_LEADER_EPOCH"],
]);

const placeOf = ({ topic, partition }: TopicPartition): string => `${topic}/${partition}`;
