/** Topics that feed the node. They outlive it, and are read again from the position it has kept. */
import { assert } from "../base/assert.ts";
import { StatefoldError } from "../base/errors.ts";
import { logSourceName } from "../ingress/log.ts";
import { type IncomingRecord, routeRecords } from "../ingress/route.ts";
import type { Header } from "../model/message.ts";
import { partitionOfBytes } from "../model/partitioner.ts";
import type { OnInvalid, Route } from "../spec/module.ts";
import type { Host } from "./host.ts";

/** One topic as one ingress reads it. */
export interface Feed {
  readonly ingress: string;
  readonly route: Route;
  readonly onInvalid: OnInvalid;
}

export interface WrittenRecord {
  readonly key: Uint8Array | undefined;
  readonly value: Uint8Array | undefined;
  readonly headers: readonly Header[];
}

/** One partition of a topic, as one ingress reads it. */
class Source {
  readonly #feed: Feed;
  readonly #name: string;
  readonly #host: Host;
  readonly #records: IncomingRecord[] = [];
  /** What is before it has been handed over to the partition's present life. */
  #handed = 0;
  stopped: StatefoldError | undefined;

  constructor(feed: Feed, k: number, host: Host) {
    this.#feed = feed;
    this.#host = host;
    this.#name = logSourceName(feed.ingress, feed.route.topic, k);
  }

  get end(): number {
    return this.#records.length;
  }

  append(record: WrittenRecord): void {
    this.#records.push({ position: this.end, ...record });
  }

  rewind(): void {
    this.#handed = this.#host.partition?.positions.next(this.#name) ?? 0;
    this.pump();
  }

  pump(): void {
    if (this.stopped !== undefined || this.#handed === this.end) return;
    const { route, onInvalid } = this.#feed;
    const first = this.#handed;
    const incoming = this.#records.slice(first);
    const routed = routeRecords(route, onInvalid, this.#name, incoming, this.end);
    this.stopped = routed.stop;
    this.#handed = routed.next;
    const { records, next } = routed;
    this.#host.offer({ kind: "source", source: this.#name, first, next, records });
  }

  /** Whether everything before `end` is durably taken, or never will be. */
  has(end: number): boolean {
    if (this.stopped !== undefined) return true;
    return (this.#host.partition?.positions.durable(this.#name) ?? 0) >= end;
  }
}

/** Where a record was written, and how far it has come. */
export interface Written {
  isTaken(): boolean;
  /** Why an ingress has stopped before it. */
  readonly stopped: StatefoldError | undefined;
}

export class Topics {
  readonly #feeds: readonly Feed[];
  /** By topic: for each feed the sources by partition. */
  readonly #sources = new Map<string, Source[][]>();

  constructor(feeds: readonly Feed[], hosts: readonly Host[]) {
    this.#feeds = feeds;
    for (const feed of feeds) {
      const { topic } = feed.route;
      const sources = hosts.map((host, k) => new Source(feed, k, host));
      this.#sources.set(topic, [...(this.#sources.get(topic) ?? []), sources]);
    }
  }

  /** The type of the values that this topic holds. @throws StatefoldError TOPIC_UNKNOWN */
  valueType(topic: string): string {
    const feed = this.#feeds.find(({ route }) => route.topic === topic);
    if (feed !== undefined) return feed.route.valueType;
    const known = this.#feeds.map(({ route }) => route.topic).join(", ") || "none";
    const text = `no ingress reads the topic ${topic}; those read are: ${known}`;
    throw new StatefoldError("TOPIC_UNKNOWN", text);
  }

  /** Appends, as a producer with the default partitioner does; without a key to partition 0. */
  write(topic: string, record: WrittenRecord): Written {
    const written = (this.#sources.get(topic) ?? []).map((sources) => {
      const k = record.key === undefined ? 0 : partitionOfBytes(record.key, sources.length);
      const source = sources[k];
      assert(source !== undefined, "a topic without partitions");
      source.append(record);
      source.pump();
      return { source, end: source.end };
    });
    return {
      isTaken: () => written.every(({ source, end }) => source.has(end)),
      get stopped() {
        return written.find(({ source }) => source.stopped !== undefined)?.source.stopped;
      },
    };
  }

  /** A partition has opened: it is fed from what it remembers. */
  rewind(partition: number): void {
    for (const feeds of this.#sources.values()) {
      for (const sources of feeds) sources[partition]?.rewind();
    }
  }
}
