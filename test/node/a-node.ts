import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { StatefoldError } from "../../src/base/errors.ts";
import type { NodeOptions, RunningNode } from "../../src/node/options.ts";
import { startNode } from "../../src/node/start.ts";
import { openStorage, type Storage, type StorageOptions } from "../../src/node/storage.ts";
import type { ScanRange, Write } from "../../src/store/contract.ts";
import type { PartitionStore } from "../../src/store/witnessed-store.ts";
import { createLogger } from "../../src/telemetry/logger.ts";
import { atEnd } from "../support/cleanup.ts";
import { tempDir } from "../support/temp.ts";

/* Whole nodes, embedded functions and all, with an HTTP client of few words. */

export const NIGHT = `
kind: io.statefold.embedded.v1/functions
spec:
  module: ${JSON.stringify(fileURLToPath(new URL("./functions/night.js", import.meta.url)))}
  retry: {maxAttempts: 2, initial: 1ms, max: 2ms}
`;

/** Orders come in over one topic and receipts go out over another. */
export const SHOP = `
kind: io.statefun.kafka.v1/ingress
spec:
  id: test/orders
  address: kafka:9092
  consumerGroupId: shop
  topics: [{topic: orders, valueType: test/Order, targets: [test/shop]}]
---
kind: io.statefun.kafka.v1/egress
spec: {id: test/receipts, address: "kafka:9092"}
---${NIGHT}`;

export const SILENT = createLogger({ level: "silent" });

export interface Answer {
  readonly status: number;
  readonly text: string;
  /** The text as JSON; undefined where it is none. */
  readonly json: unknown;
  readonly headers: Headers;
}

export class TestNode {
  readonly node: RunningNode;

  constructor(node: RunningNode) {
    this.node = node;
  }

  get url(): string {
    return this.node.listening[0]?.url ?? "";
  }

  async ask(path: string, init: RequestInit = {}): Promise<Answer> {
    const response = await fetch(`${this.url}${path}`, init);
    const text = await response.text();
    let json: unknown;
    try {
      json = JSON.parse(text);
    } catch {
      // Not everything is JSON.
    }
    return { status: response.status, text, json, headers: response.headers };
  }

  /** A built-in value as JSON: of text for a string, of a number for an int. */
  async post(path: string, value: string | number, more: Record<string, string> = {}) {
    const type = typeof value === "string" ? "string" : "int";
    const headers = {
      ...{ "statefold-type": `io.statefun.types/${type}`, accept: "application/json", ...more },
      "content-type": typeof value === "string" ? "text/plain" : "application/json",
    };
    return await this.ask(path, { method: "POST", headers, body: String(value) });
  }

  /** The reply to a call, which must come. */
  async call(address: string, value: string | number, more: Record<string, string> = {}) {
    const answer = await this.post(`/v1/call/${address}`, value, more);
    assert.equal(answer.status, 200, answer.text);
    return answer.json;
  }

  async send(address: string, value: string | number, more: Record<string, string> = {}) {
    const answer = await this.post(`/v1/send/${address}`, value, more);
    assert.equal(answer.status, 202, answer.text);
    return (answer.json as { messageId: string }).messageId;
  }

  /** The items of a list of the admin API. */
  async list<T = Record<string, unknown>>(path: string): Promise<T[]> {
    const { status, text, json } = await this.ask(`/v1/admin/${path}`);
    assert.equal(status, 200, text);
    return (json as { items: T[] }).items;
  }
}

/** Starts a node, in memory unless told otherwise; it is stopped with the test. */
export async function aNode(
  t: TestContext,
  yaml: string = NIGHT,
  differences: Partial<NodeOptions> = {},
  open?: typeof openStorage,
): Promise<TestNode> {
  const node = await startNode(nodeOptions(t, yaml, differences), open);
  atEnd(t, () => node.stop());
  return new TestNode(node);
}

export function nodeOptions(
  t: TestContext,
  yaml: string,
  differences: Partial<NodeOptions> = {},
): NodeOptions {
  const file = join(tempDir(t), "module.yaml");
  writeFileSync(file, yaml);
  return {
    modules: [file],
    dataDir: undefined,
    ...{ host: "127.0.0.1", port: 0, embedded: true, partitions: undefined, acceptLoss: false },
    variables: new Map(),
    logger: SILENT,
    ...differences,
  };
}

/** A disk that refuses commits when it is told to, and counts how often a partition is opened. */
export class FaultyDisk {
  /** Asked before each commit. */
  refuses: (partition: number, writes: readonly Write[]) => boolean = () => false;
  /** Asked before each opening. */
  isGone: (partition: number) => boolean = () => false;
  /** Asked before each scan. */
  isDamaged: (range: ScanRange) => boolean = () => false;
  /** Comes before each opening, and before each closing. */
  opens: (partition: number) => Promise<void> = async () => {};
  closes: () => Promise<void> = async () => {};
  openings = 0;
  commits = 0;
  closed = 0;

  readonly open = async (options: StorageOptions): Promise<Storage> => {
    const storage = await openStorage(options);
    return {
      ...storage,
      openPartition: async (partition) => {
        this.openings++;
        await this.opens(partition);
        if (this.isGone(partition)) throw new Error("the disk is gone");
        return this.#faulty(partition, await storage.openPartition(partition));
      },
    };
  };

  #faulty(partition: number, store: PartitionStore): PartitionStore {
    return {
      lostEpoch: store.lostEpoch,
      getMany: (keys) => store.getMany(keys),
      scan: async (range) => {
        if (this.isDamaged(range)) throw new StatefoldError("STORE_CORRUPT", "it is damaged");
        return await store.scan(range);
      },
      fill: (writes) => store.fill(writes),
      commit: async (writes, epoch) => {
        this.commits++;
        if (this.refuses(partition, writes)) throw new Error("the disk is full");
        await store.commit(writes, epoch);
      },
      snapshot: () => store.snapshot(),
      close: async () => {
        this.closed++;
        await this.closes();
        await store.close();
      },
    };
  }
}
