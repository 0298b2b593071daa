/**
 * The runtime's HTTP API as the demo uses it, from outside and through crashes: what fails for the moment
 * (no connection, no answer, 429, 5xx) is tried again until the signal ends it.
 */
import { setTimeout as sleep } from "node:timers/promises";

export interface NewRecord {
  readonly key: string;
  readonly value: unknown;
}

export interface TopicRecord extends NewRecord {
  readonly partition: number;
  readonly offset: number;
}

/** The topics of the demo, wherever they are: in the runtime's own log, or in Kafka. */
export interface Topics {
  /** Resolves when the records are durable. A crash in between may write them twice. */
  write(topic: string, records: readonly NewRecord[]): Promise<void>;
  /** The numbers of a topic's partitions; waits for the topic to be there. */
  partitions(topic: string): Promise<readonly number[]>;
  /** Everything the topic holds now, partition after partition. */
  read(topic: string): Promise<TopicRecord[]>;
  /** A partition's records, each once, as they come; goes on after a crash where it was. Ends with the signal. */
  follow(topic: string, partition: number): AsyncGenerator<TopicRecord>;
}

/** To one function: a message that is done once, however often it has to be sent. */
export interface Send {
  readonly type: string;
  readonly id: string;
  readonly valueType: string;
  readonly value: unknown;
  readonly idempotencyKey: string;
}

const RETRY_MS = 100;
const ANSWER_TIMEOUT_MS = 5_000;
const RECORDS_AT_ONCE = 10_000;

export class RuntimeClient implements Topics {
  readonly #url: string;
  readonly #signal: AbortSignal;

  /** @param signal ends every request, retry and stream of this client */
  constructor(url: string, signal: AbortSignal) {
    this.#url = url;
    this.#signal = signal;
  }

  /** Resolves when the message is durable. */
  async send(message: Send): Promise<void> {
    const { type, id, valueType, value, idempotencyKey } = message;
    const headers = { "statefold-type": valueType, "idempotency-key": idempotencyKey };
    const body = JSON.stringify(value);
    await this.#request(`/v1/send/${type}/${encodeURIComponent(id)}`, {
      method: "POST",
      headers,
      body,
    });
  }

  async write(topic: string, records: readonly NewRecord[]): Promise<void> {
    const lines = records.map(({ key, value }) => JSON.stringify({ key, value }));
    const headers = { "content-type": "application/x-ndjson" };
    const body = lines.join("\n");
    await this.#request(`/v1/topics/${topic}`, { method: "POST", headers, body });
  }

  async partitions(topic: string): Promise<readonly number[]> {
    for (;;) {
      const { topics } = JSON.parse(await this.#request("/v1/topics")) as {
        topics: { name: string; partitions: { partition: number }[] }[];
      };
      const found = topics.find(({ name }) => name === topic);
      if (found !== undefined) return found.partitions.map(({ partition }) => partition);
      await this.#pause();
    }
  }

  async read(topic: string): Promise<TopicRecord[]> {
    const records: TopicRecord[] = [];
    for (const partition of await this.partitions(topic)) {
      for (let offset = 0; ; ) {
        const from = `partition=${partition}&offset=${offset}&limit=${RECORDS_AT_ONCE}`;
        const text = await this.#request(`/v1/topics/${topic}?values=json&${from}`);
        const some = text.trimEnd().split("\n").filter(Boolean).map(parseRecord);
        const last = some.at(-1);
        if (last === undefined) break;
        records.push(...some);
        offset = last.offset + 1;
      }
    }
    return records;
  }

  async *follow(topic: string, partition: number): AsyncGenerator<TopicRecord> {
    let offset = 0;
    while (!this.#signal.aborted) {
      try {
        const from = `partition=${partition}&offset=${offset}`;
        for await (const line of this.#lines(`/v1/topics/${topic}?values=json&follow&${from}`)) {
          const record = parseRecord(line);
          offset = record.offset + 1;
          yield record;
        }
      } catch (error) {
        if (!isForTheMoment(error)) throw error;
      }
      await this.#pause().catch(() => {});
    }
  }

  async #request(path: string, init: RequestInit = {}): Promise<string> {
    for (;;) {
      try {
        const signal = AbortSignal.any([this.#signal, AbortSignal.timeout(ANSWER_TIMEOUT_MS)]);
        const response = await fetch(this.#url + path, { ...init, signal });
        const text = await response.text();
        if (!response.ok) throw refusal(path, response.status, text);
        return text;
      } catch (error) {
        this.#signal.throwIfAborted();
        if (!isForTheMoment(error)) throw error;
      }
      await this.#pause();
    }
  }

  /** The whole lines of an answer that does not end; what was cut off in the middle of one is no line. */
  async *#lines(path: string): AsyncGenerator<string> {
    const response = await fetch(this.#url + path, { signal: this.#signal });
    if (!response.ok) throw refusal(path, response.status, await response.text());
    const decoder = new TextDecoder();
    let rest = "";
    for await (const bytes of response.body ?? []) {
      const lines = (rest + decoder.decode(bytes as Uint8Array, { stream: true })).split("\n");
      rest = lines.pop() ?? "";
      yield* lines;
    }
  }

  #pause(): Promise<void> {
    return sleep(RETRY_MS, undefined, { signal: this.#signal });
  }
}

/** What will not get better by being asked again. */
export class RefusedError extends Error {}

function refusal(path: string, status: number, text: string): Error {
  const message = `${path} answered ${status}: ${text}`;
  return status === 429 || status >= 500 ? new Error(message) : new RefusedError(message);
}

function isForTheMoment(error: unknown): boolean {
  return !(error instanceof RefusedError);
}

function parseRecord(line: string): TopicRecord {
  return JSON.parse(line) as TopicRecord;
}
