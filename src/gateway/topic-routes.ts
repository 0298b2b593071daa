import { once } from "node:events";
import { utf8 } from "../base/bytes.ts";
import { StatefoldError } from "../base/errors.ts";
import { cutOffWhenStalled, type Exchange } from "./exchange.ts";
import type { GatewayLimits } from "./limits.ts";
import { messageHeaders } from "./message-routes.ts";
import type { From, NewRecord, TopicInfo, Topics } from "./ports.ts";
import { invalid } from "./problem.ts";
import { decodeSegment, parseCount, parseQuery } from "./request-path.ts";
import { Seats } from "./seats.ts";
import { formatRecord, parseRecords } from "./topic-records.ts";

const NDJSON = "application/x-ndjson";

/** Records that one GET without `follow` answers: when nothing else is asked for, and at most. */
const DEFAULT_RECORDS = 1_000;
const MAX_RECORDS = 10_000;

/** Bytes of values that such an answer holds in memory; it ends early there. */
const MAX_READ_BYTES = 8 * 2 ** 20;

/** `/v1/topics`: the topic log, written and read in lines of JSON. */
export class TopicRoutes {
  readonly #topics: Topics;
  readonly #reads: Seats;
  readonly #followers: Seats;
  readonly #limits: GatewayLimits;

  /** @param reads shared with whatever else reads much at once */
  constructor(topics: Topics, reads: Seats, limits: GatewayLimits) {
    this.#topics = topics;
    this.#reads = reads;
    this.#followers = new Seats("callers follow topics", limits.maxFollowers);
    this.#limits = limits;
  }

  /** `GET /v1/topics`, `GET | POST /v1/topics/{topic}` */
  async handle(exchange: Exchange, rest: string): Promise<void> {
    if (rest === "") {
      exchange.allow("GET");
      parseQuery(exchange.query, []);
      const topics = await this.#reads.use(() => this.#topics.list());
      exchange.json(200, { topics });
      return;
    }
    exchange.allow("GET", "POST");
    const topic = decodeSegment(rest);
    if (exchange.request.method === "POST") await this.#write(exchange, topic);
    else await this.#read(exchange, topic);
  }

  async #write(exchange: Exchange, topic: string): Promise<void> {
    const query = parseQuery(exchange.query, ["key", "partition"]);
    const body = await exchange.body.read();
    const contentType = exchange.request.headers["content-type"] ?? "";
    const isMany = /^\s*application\/(x-)?(ndjson|jsonl)\b/i.test(contentType);
    if (isMany && query.size > 0) {
      throw invalid(
        "key and partition of NDJSON records belong into the lines, not into the query",
      );
    }
    const records = isMany ? await parseRecords(body) : [oneRecord(exchange, query, body)];
    const places = await this.#topics.write(topic, records);
    exchange.json(200, { written: places.length, records: places });
  }

  async #read(exchange: Exchange, topic: string): Promise<void> {
    const query = parseQuery(exchange.query, ["partition", "offset", "follow", "limit", "values"]);
    const partitionText = query.get("partition");
    const partition =
      partitionText === undefined ? undefined : parseCount("partition", partitionText, 2 ** 31 - 1);
    const from = parseFrom(query.get("offset") ?? "earliest");
    if (typeof from === "number" && partition === undefined) {
      throw invalid("an offset belongs to a partition; add partition=, or say offset=earliest");
    }
    const asJson = isChosen("values", query.get("values"), "text", "json");
    const limit = parseCount("limit", query.get("limit") ?? String(DEFAULT_RECORDS), MAX_RECORDS);
    const follow =
      query.get("follow") === "" || isChosen("follow", query.get("follow"), "false", "true");
    if (follow) {
      if (query.has("limit")) throw invalid("limit and follow do not go together");
      const range = { partition, from };
      await this.#followers.use(() => this.#follow(exchange, topic, range, asJson));
      return;
    }
    const wanted = { topic, partition, from, limit, asJson };
    const lines = await this.#reads.use(() => this.#linesOf(wanted));
    exchange.send(200, NDJSON, lines.join(""));
  }

  async #linesOf(wanted: {
    readonly topic: string;
    readonly partition: number | undefined;
    readonly from: From;
    readonly limit: number;
    readonly asJson: boolean;
  }): Promise<string[]> {
    const { topic, partition, from, limit, asJson } = wanted;
    const partitions = partition === undefined ? await this.#partitionsOf(topic) : [partition];
    const lines: string[] = [];
    let bytesLeft = MAX_READ_BYTES;
    for (const each of partitions) {
      const maxRecords = limit - lines.length;
      if (maxRecords <= 0 || bytesLeft <= 0) break;
      const range = { partition: each, from, maxRecords, maxBytes: bytesLeft };
      for (const record of await this.#topics.read(topic, range)) {
        bytesLeft -= record.value?.byteLength ?? 0;
        lines.push(formatRecord(record, asJson));
      }
    }
    return lines;
  }

  async #partitionsOf(topic: string): Promise<readonly number[]> {
    const info = (await this.#topics.list()).find((each: TopicInfo) => each.name === topic);
    if (info === undefined) throw new StatefoldError("TOPIC_UNKNOWN", `there is no topic ${topic}`);
    return info.partitions.map((each) => each.partition);
  }

  /** Until the caller hangs up or the node drains; as fast as the caller takes it, and no faster. */
  async #follow(
    exchange: Exchange,
    topic: string,
    range: { readonly partition: number | undefined; readonly from: From },
    asJson: boolean,
  ): Promise<void> {
    const { response } = exchange;
    const signal = AbortSignal.any([exchange.hungUp(), exchange.draining]);
    const records = await this.#topics.follow(topic, range, signal);
    const headers = ["content-type", NDJSON, "cache-control", "no-store", "connection", "close"];
    response.writeHead(200, headers);
    response.flushHeaders();
    for await (const record of records) {
      if (!response.write(formatRecord(record, asJson))) {
        cutOffWhenStalled(response, this.#limits.answerStallMs);
        await drained(exchange, signal);
        cutOffWhenStalled(response, 0);
      }
      if (signal.aborted) break;
    }
    response.end();
  }
}

async function drained(exchange: Exchange, signal: AbortSignal): Promise<void> {
  try {
    await once(exchange.response, "drain", { signal });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

function oneRecord(
  exchange: Exchange,
  query: ReadonlyMap<string, string>,
  value: Uint8Array,
): NewRecord {
  const key = query.get("key");
  const partition = query.get("partition");
  return {
    key: key === undefined ? undefined : utf8(key),
    value,
    headers: messageHeaders(exchange.request.rawHeaders),
    timestampMs: undefined,
    partition:
      partition === undefined ? undefined : parseCount("partition", partition, 2 ** 31 - 1),
  };
}

function parseFrom(text: string): From {
  if (text === "earliest" || text === "latest") return text;
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw invalid(`offset=${text} is no offset; it is a whole number, earliest or latest`);
}

/** True for `on`, false for `off` or nothing. */
function isChosen(name: string, text: string | undefined, off: string, on: string): boolean {
  if (text === undefined || text === off) return false;
  if (text === on) return true;
  throw invalid(`${name}=${text} is neither ${off} nor ${on}`);
}
