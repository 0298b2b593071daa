import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { fromUtf8 } from "../base/bytes.ts";
import { closeServer, listen } from "../base/listen.ts";
import { type Report, silent } from "../base/report.ts";
import type { TypedValue } from "../model/typed-value.ts";
import type { Egress, EgressRecord, Published, RefusedRecord } from "./contract.ts";
import { RecordQueue } from "./record-queue.ts";

export interface PlaygroundEgressOptions {
  readonly id: string;
  /** 0: any free one. */
  readonly port: number;
  readonly topics: readonly string[];
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** Records held at most, over all topics. Default 2^20, as in StateFun's playground. */
  readonly maxRecords?: number;
  /** Their bytes at most. Default 64 MiB. */
  readonly maxBytes?: number;
  /** Connections at once; one more is closed as it comes. Default 1000. */
  readonly maxConnections?: number;
  readonly report?: Report;
}

/** The only type of value it takes: JSON `{"topic", "payload"}`, both strings. */
export const PLAYGROUND_RECORD = "io.statefun.playground/EgressRecord";

/**
 * The playground's egress: keeps records in memory, by topic. `GET /<topic>` takes the oldest one out: 200
 * with its payload, 404 when there is none, 405 for a topic the module does not name.
 *
 * A record that finds the queue full is dropped, as in StateFun's playground, and that is reported; a restart
 * forgets all of them. It is for trying things out.
 */
export class PlaygroundEgress implements Egress {
  readonly id: string;
  readonly #options: PlaygroundEgressOptions;
  readonly #queue: RecordQueue;
  readonly #server: Server;
  readonly #report: Report;
  /** Partition → the highest number it has published. */
  readonly #published = new Map<number, number>();
  #port: number | undefined;
  #dropped = 0;

  constructor(options: PlaygroundEgressOptions) {
    this.id = options.id;
    this.#options = options;
    this.#report = options.report ?? silent;
    const { maxRecords = 2 ** 20, maxBytes = 64 * 1024 * 1024 } = options;
    this.#queue = new RecordQueue(options.topics, { maxRecords, maxBytes });
    this.#server = createServer((request, response) => {
      request.resume();
      this.#answer(request, response);
    });
    this.#server.maxConnections = options.maxConnections ?? 1000;
  }

  /** The port it listens on; undefined before it has started. */
  get port(): number | undefined {
    return this.#port;
  }

  /** Records that found the queue full. */
  get dropped(): number {
    return this.#dropped;
  }

  async start(): Promise<void> {
    this.#port = await listen(this.#server, this.#options.host ?? "127.0.0.1", this.#options.port);
  }

  open(): void {}

  check(value: TypedValue): string | undefined {
    const record = this.#decode(value);
    return typeof record === "string" ? record : undefined;
  }

  /** Done at once: there is nothing to abort. */
  async publish(
    partition: number,
    first: number,
    records: readonly EgressRecord[],
  ): Promise<Published> {
    const refused: RefusedRecord[] = [];
    const last = this.#published.get(partition) ?? 0;
    for (const [i, { value }] of records.entries()) {
      const number = first + i;
      const record = this.#decode(value);
      if (typeof record === "string") refused.push({ number, reason: record });
      else if (number > last) this.#keep(record);
    }
    this.#published.set(partition, Math.max(last, first + records.length - 1));
    return { refused };
  }

  async stop(): Promise<void> {
    await closeServer(this.#server);
  }

  #keep(record: PlaygroundRecord): void {
    if (this.#queue.push(record.topic, record.payload)) return;
    if (this.#dropped++ > 0) return;
    this.#report("warn", "The playground egress is full; what comes now is dropped.", {
      egress: this.id,
      records: this.#queue.size,
      bytes: this.#queue.bytes,
    });
  }

  #decode(value: TypedValue): PlaygroundRecord | string {
    if (value.typename !== PLAYGROUND_RECORD) {
      return `the playground egress takes values of type ${PLAYGROUND_RECORD}, not ${value.typename}`;
    }
    let record: Partial<Record<"topic" | "payload", unknown>> | null;
    try {
      record = JSON.parse(fromUtf8(value.value));
    } catch {
      return "the record is not JSON";
    }
    const { topic, payload } = record ?? {};
    if (typeof topic !== "string" || typeof payload !== "string") {
      return 'the record is not {"topic": string, "payload": string}';
    }
    if (!this.#queue.has(topic)) {
      return `topic ${JSON.stringify(topic)} is not among the egress's topics: ${this.#options.topics.join(", ")}`;
    }
    return { topic, payload };
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const topic = topicOf(request.url ?? "/");
    if (request.method !== "GET" || topic === undefined || !this.#queue.has(topic)) {
      response.writeHead(405, { allow: "GET" }).end();
      return;
    }
    const payload = this.#queue.shift(topic);
    if (payload === undefined) response.writeHead(404).end();
    else response.writeHead(200, { "content-type": "text/plain; charset=utf-8" }).end(payload);
  }
}

interface PlaygroundRecord {
  readonly topic: string;
  readonly payload: string;
}

function topicOf(url: string): string | undefined {
  try {
    return decodeURIComponent((url.split("?", 1)[0] ?? "/").slice(1));
  } catch {
    return undefined;
  }
}
