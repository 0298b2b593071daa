import { connect as connectSocket, isIP } from "node:net";
import { type ConnectionOptions, connect as connectTls } from "node:tls";
import type { SASLOptions } from "kafkajs";
import Connection from "kafkajs/src/network/connection.js";
import { describeError } from "../base/errors.ts";
import { checkError, KafkaError, KafkaProtocolError, KafkaUnreachableError } from "./error.ts";
import { InFlight } from "./in-flight.ts";
import { WireReader } from "./wire/reader.ts";
import type { RequestKind } from "./wire/request.ts";
import { API_VERSIONS, type VersionRange } from "./wire/versions.ts";
import { WireWriter } from "./wire/writer.ts";

/** How brokers are reached. */
export interface ConnectionSettings {
  readonly clientId: string;
  /** Undefined: no TLS. */
  readonly tls: ConnectionOptions | undefined;
  /** Undefined: nobody asks who we are. */
  readonly sasl: SASLOptions | undefined;
  readonly connectTimeoutMs: number;
  readonly requestTimeoutMs: number;
}

/**
 * A connection to one broker, opened when it is needed and again after it broke. Requests are answered in
 * the order they were sent, so one that waits (a fetch) holds up those behind it.
 */
export class BrokerConnection {
  readonly #host: string;
  readonly #port: number;
  readonly #settings: ConnectionSettings;
  #opening: Promise<Connection> | undefined;
  /** The last that was opened, until it is known to be broken. */
  #current: Connection | undefined;
  #breaks = 0;
  #isClosed = false;
  /** A request was answered, some time: we speak as this listener wants it. */
  #isUnderstood = false;

  constructor(host: string, port: number, settings: ConnectionSettings) {
    this.#host = host;
    this.#port = port;
    this.#settings = settings;
  }

  /** How often it broke after it was open. */
  get breaks(): number {
    const isBroken = this.#current?.isConnected() === false;
    return this.#breaks + (isBroken ? 1 : 0);
  }

  /**
   * @throws KafkaUnreachableError without an answer
   * @throws KafkaProtocolError when the broker does not understand the request, or we not its answer
   */
  async request<Q, A>(kind: RequestKind<Q, A>, question: Q): Promise<A> {
    const connection = await this.#open();
    try {
      const { clientId, sasl } = this.#settings;
      if (sasl !== undefined && !connection.isAuthenticated()) await connection.authenticate();
      const answer = await exchange(connection, clientId, kind, question);
      this.#isUnderstood = true;
      return answer;
    } catch (error) {
      if (error instanceof KafkaError || error instanceof KafkaProtocolError) throw error;
      // Nobody knows what will come over it after a time-out: it is not used again.
      this.#opening = undefined;
      this.#broke(connection);
      drop(connection, error);
      throw this.#unreachable(error);
    }
  }

  /** What is in flight fails. Idempotent. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const opening = this.#opening;
    this.#opening = undefined;
    // A broker that swallows everything is given up only after the time-out: nobody waits for that.
    opening?.then(
      (connection) => drop(connection, new Error("the connection was closed")),
      () => {},
    );
  }

  async #open(): Promise<Connection> {
    if (this.#isClosed) throw this.#unreachable("it was closed");
    const opening = this.#opening ?? this.#connect();
    this.#opening = opening;
    try {
      const connection = await opening;
      if (connection.isConnected()) return connection;
      this.#broke(connection);
    } catch (error) {
      if (this.#opening === opening) this.#opening = undefined;
      throw this.#unreachable(error);
    }
    if (this.#opening === opening) this.#opening = undefined;
    return await this.#open();
  }

  /** Several requests may find out. */
  #broke(connection: Connection): void {
    if (this.#current !== connection) return;
    this.#current = undefined;
    this.#breaks++;
  }

  async #connect(): Promise<Connection> {
    const { clientId, tls, sasl, connectTimeoutMs, requestTimeoutMs } = this.#settings;
    const connection = new Connection({
      ...{ host: this.#host, port: this.#port, logger: SILENT, clientId, ssl: tls },
      // It writes into them.
      sasl: sasl === undefined ? undefined : { ...sasl },
      socketFactory: newSocket,
      connectionTimeout: connectTimeoutMs,
      requestTimeout: requestTimeoutMs,
    });
    connection.requestQueue = new InFlight(requestTimeoutMs);
    try {
      await connection.connect();
      const { error, ranges } = await exchange(connection, clientId, API_VERSIONS, undefined);
      checkError(error, "asking a broker for its versions");
      connection.setVersions(versionsOf(ranges));
      connection.setSupportAuthenticationProtocol(true);
      await connection.authenticate();
      this.#current = connection;
      return connection;
    } catch (error) {
      drop(connection, error);
      throw error;
    }
  }

  #unreachable(cause: unknown): KafkaUnreachableError {
    const why = typeof cause === "string" ? cause : plain(describeError(cause));
    const hint = !this.#isUnderstood && CLOSED.test(why) ? this.#doubt() : "";
    return new KafkaUnreachableError(`broker ${this.#host}:${this.#port}: ${why}${hint}`);
  }

  /** Who speaks otherwise than a listener wants it is hung up on without a word. */
  #doubt(): string {
    const { tls, sasl } = this.#settings;
    const protocol = `${sasl === undefined ? "" : "SASL_"}${tls === undefined ? "PLAINTEXT" : "SSL"}`;
    return `: is security.protocol=${protocol} what this listener wants?`;
  }
}

const CLOSED = /^Closed connection$|disconnected before secure TLS/;

/** What TLS has to say to people, without where in its sources it says it. */
function plain(why: string): string {
  const [, words, alert = ""] = TLS_WORDS.exec(why) ?? [];
  if (words === undefined) return why.trim();
  return ABOUT_US.has(alert)
    ? `it does not take our certificate, or wants one (ssl.keystore.*): ${words}`
    : words;
}

/** `thread:error:code:library:function:words:file:line:` and what follows. */
const TLS_WORDS = /error:[0-9A-F]+:[^:]*:[^:]*:([^:]+):(?:.*SSL alert number (\d+))?/;

/** Alerts of the other side: bad, unsupported, revoked, expired, unknown, of an unknown authority, missing. */
const ABOUT_US: ReadonlySet<string> = new Set(["42", "43", "44", "45", "46", "48", "116"]);

/** A request is its length, key, version and number, who asks, and the question. */
async function exchange<Q, A>(
  connection: Connection,
  clientId: string,
  kind: RequestKind<Q, A>,
  question: Q,
): Promise<A> {
  if (!connection.isConnected()) throw new Error("it is not connected");
  const correlationId = connection.nextCorrelationId();
  const writer = new WireWriter();
  writer.int32(0);
  writer.int16(kind.key);
  writer.int16(kind.version);
  writer.int32(correlationId);
  writer.string(clientId);
  kind.write(writer, question);
  writer.int32At(writer.length - LENGTH_BYTES, 0);
  const payload = await new Promise<Buffer>((resolve, reject) => {
    const entry: Connection.Entry = {
      ...{ apiName: kind.name, correlationId, reject },
      resolve: (answer) => resolve(answer.payload),
    };
    const sendRequest = (): void => void connection.socket.write(writer.view());
    connection.requestQueue.push({ entry, sendRequest });
  });
  return await kind.read(new WireReader(payload));
}

/** A length does not count itself. */
const LENGTH_BYTES = 4;

function versionsOf(ranges: readonly VersionRange[]): Connection.Versions {
  return Object.fromEntries(
    ranges.map(({ key, min, max }) => [key, { minVersion: min, maxVersion: max }]),
  );
}

function drop(connection: Connection, error: unknown): void {
  connection.rejectRequests(error instanceof Error ? error : new Error(describeError(error)));
  connection.disconnect().catch(() => {}); // nobody waits for it, and it is gone either way
}

const newSocket: Connection.Options["socketFactory"] = ({ host, port, ssl, onConnect }) => {
  const servername = isIP(host) === 0 ? { servername: host } : {};
  const socket =
    ssl === null
      ? connectSocket({ host, port, noDelay: true }, onConnect)
      : connectTls({ host, port, ...servername, ...ssl }, onConnect);
  socket.setKeepAlive(true, 60_000);
  socket.setNoDelay(true);
  return socket;
};

/** What goes wrong is told by whoever sent the request. */
const SILENT: Connection.Logger = {
  namespace: () => SILENT,
  debug() {},
  info() {},
  warn() {},
  error() {},
};
