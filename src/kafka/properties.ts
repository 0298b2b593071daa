/**
 * A Kafka client's properties, by the names that Java's clients have for them, as settings of ours. Every
 * property is either understood, or known to have no counterpart, or unknown: the last two are named in a
 * warning, since a setting that is silently without effect is worse than none.
 */
import { StatefoldError } from "../base/errors.ts";
import type { ConnectionSettings } from "./broker-connection.ts";
import type { Compression } from "./contract.ts";
import { PropertyReader } from "./property-reader.ts";
import { saslOf } from "./sasl.ts";
import { tlsOf } from "./tls.ts";
import { COMPRESSIONS } from "./wire/compression.ts";

export interface Understood<T> {
  readonly settings: T;
  /** For people: one a property without effect. */
  readonly warnings: readonly string[];
}

export interface BootstrapAddress {
  readonly host: string;
  readonly port: number;
}

/** `host:port,host:port`; an IPv6 address stands in brackets. */
export function parseBootstrap(address: string): readonly BootstrapAddress[] {
  const words = address.split(",").map((word) => word.trim());
  return words
    .filter((word) => word !== "")
    .map((word) => {
      const [, host = "", port = ""] = /^(?:[A-Za-z_]+:\/\/)?(.+):(\d{1,5})$/.exec(word) ?? [];
      if (host === "" || Number(port) > 65_535) {
        const message = `${JSON.stringify(word)} is no address of a Kafka broker: host:port, such as kafka:9092`;
        throw new StatefoldError("CONFIG_INVALID", message);
      }
      return { host: host.replace(/^\[(.*)\]$/, "$1"), port: Number(port) };
    });
}

export interface ConsumerSettings extends ConnectionSettings {
  readonly maxWaitMs: number;
  readonly minBytes: number;
  readonly maxBytes: number;
  readonly maxPartitionBytes: number;
  /** New partitions are looked for so often. */
  readonly discoveryMs: number;
}

const FETCHED = { maxBytes: 8 * 1024 * 1024, maxPartitionBytes: 1024 * 1024 };

/** @throws StatefoldError CONFIG_INVALID for a value that is understood and wrong */
export function consumerSettings(
  properties: ReadonlyMap<string, string>,
  clientId: string,
): Understood<ConsumerSettings> {
  const reader = new PropertyReader(properties);
  const settings: ConsumerSettings = {
    ...connection(reader, clientId),
    maxWaitMs: reader.number("fetch.max.wait.ms", 500, { atLeast: 1, atMost: 10_000 }),
    minBytes: reader.number("fetch.min.bytes", 1, { atLeast: 1 }),
    maxBytes: reader.number("fetch.max.bytes", FETCHED.maxBytes, { atLeast: 1_024 }),
    maxPartitionBytes: reader.number("max.partition.fetch.bytes", FETCHED.maxPartitionBytes, {
      atLeast: 1_024,
    }),
    discoveryMs: discovery(reader),
  };
  const isolation = reader.text("isolation.level");
  if (isolation === "read_uncommitted") {
    reader.warn("isolation.level", "records of aborted transactions are never read");
  }
  for (const [name, why] of CONSUMER_WITHOUT_EFFECT) reader.ignore(name, why);
  return { settings, warnings: reader.finish() };
}

/** In Flink 0 and less mean that nobody looks, and so partitions that come later are never read. */
function discovery(reader: PropertyReader): number {
  const name = "flink.partition-discovery.interval-millis";
  const asked = reader.number("metadata.max.age.ms", 30_000, { atLeast: 100 });
  const given = reader.number(name, asked, { atLeast: -2_147_483_648 });
  if (given > 0) return Math.max(100, given);
  reader.warn(name, "new partitions are always looked for");
  return asked;
}

export interface ProducerSettings extends ConnectionSettings {
  readonly compression: Compression;
  /** Of one record at most. */
  readonly maxRecordBytes: number;
  readonly batchBytes: number;
  readonly metadataMaxAgeMs: number;
}

/** @throws StatefoldError CONFIG_INVALID for a value that is understood and wrong */
export function producerSettings(
  properties: ReadonlyMap<string, string>,
  clientId: string,
): Understood<ProducerSettings> {
  const reader = new PropertyReader(properties);
  const maxRecordBytes = reader.number("max.request.size", 1024 * 1024, { atLeast: 1_024 });
  const settings: ProducerSettings = {
    ...connection(reader, clientId),
    compression: reader.oneOf("compression.type", COMPRESSIONS, "none"),
    maxRecordBytes,
    // What the broker takes of one batch is bounded as a record is.
    batchBytes: maxRecordBytes,
    metadataMaxAgeMs: reader.number("metadata.max.age.ms", 300_000, { atLeast: 100 }),
  };
  for (const [name, why] of PRODUCER_WITHOUT_EFFECT) reader.ignore(name, why);
  return { settings, warnings: reader.finish() };
}

function connection(reader: PropertyReader, clientId: string): ConnectionSettings {
  const protocol = reader.oneOf("security.protocol", PROTOCOLS, "PLAINTEXT");
  return {
    clientId: reader.text("client.id") ?? clientId,
    tls: tlsOf(reader, protocol.endsWith("SSL")),
    sasl: saslOf(reader, protocol.startsWith("SASL")),
    connectTimeoutMs: reader.number("socket.connection.setup.timeout.ms", 10_000, { atLeast: 1 }),
    requestTimeoutMs: reader.number("request.timeout.ms", 30_000, { atLeast: 1_000 }),
  };
}

const PROTOCOLS = ["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] as const;

const OWN_POSITIONS = "positions are stored with the effects of what was read";
const NO_MEMBERS = "the group has no members: its offsets are written to watch the lag";

const CONSUMER_WITHOUT_EFFECT: ReadonlyMap<string, string> = new Map([
  ...["enable.auto.commit", "auto.commit.interval.ms"].map(
    (name) => [name, OWN_POSITIONS] as const,
  ),
  ...[
    "session.timeout.ms",
    "heartbeat.interval.ms",
    "max.poll.interval.ms",
    "group.instance.id",
  ].map((name) => [name, NO_MEMBERS] as const),
  ["partition.assignment.strategy", NO_MEMBERS],
  ["group.protocol", NO_MEMBERS],
  ["max.poll.records", "how many messages a function gets at once is maxNumBatchRequests"],
]);

const OWN_BATCHES = "what a commit holds goes out together";

const PRODUCER_WITHOUT_EFFECT: ReadonlyMap<string, string> = new Map([
  ["acks", "the delivery semantic says what is waited for"],
  ["enable.idempotence", "the delivery semantic says how doubles are kept away"],
  ["transactional.id", "it is made of application, egress and partition"],
  ["retries", "a record is published again until it is taken, or refused"],
  ["delivery.timeout.ms", "a record is published again until it is taken, or refused"],
  ["max.block.ms", "what waits is in the outbox, on disk"],
  ["buffer.memory", "what waits is in the outbox, on disk"],
  ["linger.ms", OWN_BATCHES],
  ["batch.size", OWN_BATCHES],
  ["max.in.flight.requests.per.connection", OWN_BATCHES],
]);
