import assert from "node:assert/strict";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { freePort, type Script } from "../../support/process.ts";
import { tempDir } from "../../support/temp.ts";
import { until } from "../../support/until.ts";
import { isQuiet, startRuntime } from "../runtime.ts";
import { makeCertificates } from "./certificates.ts";
import { ORDER, type Order } from "./program.ts";
import { Recorder } from "./recorder.ts";

const PARTITIONS = 2;

const FAR_TIMEOUT = { timeoutMs: 30_000 };

const module = (recorderPort: number, tlsPort: number) => `
kind: io.statefun.endpoints.v2/http
spec:
  functions: sdk/*
  urlPathTemplate: http://127.0.0.1:${recorderPort}/statefun
---
kind: io.statefun.endpoints.v2/http
spec:
  functions: sdk/sealed
  urlPathTemplate: https://127.0.0.1:${tlsPort}/statefun
  transport:
    type: io.statefun.transports.v1/async
    trust_cacerts: classpath:ca.pem
    client_cert: classpath:client.pem
    client_key: classpath:client-key.pem
    client_key_password: classpath:client-key-password.txt
---
kind: io.statefun.kafka.v1/ingress
spec:
  id: sdk/orders
  address: localhost:9092
  consumerGroupId: sdk
  startupPosition: { type: earliest }
  topics:
    - { topic: orders, valueType: ${ORDER}, targets: [sdk/worker] }
    - { topic: sessions, valueType: ${ORDER}, targets: [sdk/session] }
---
kind: io.statefun.kafka.v1/egress
spec:
  id: sdk/kafka
  address: localhost:9092
  deliverySemantic: { type: exactly-once, transactionTimeout: 1min }
---
kind: io.statefold.log.v1/egress
spec:
  id: sdk/log
`;

/** Starts a program with these arguments; ready when it serves. */
export type StartFunctions = (
  t: TestContext,
  args: (port: number) => readonly string[],
) => Promise<Script>;

export interface TopicRecord {
  readonly key?: string;
  readonly value?: string;
  /** In place of the value when that is no text for people. */
  readonly valueBase64?: string;
}

interface AddressView {
  readonly pending: number;
  readonly states?: readonly {
    readonly name: string;
    readonly value: { value?: unknown } | null;
  }[];
}

/** A function server, the runtime, and the recorder between them. */
export class Stage {
  readonly runtime: Script;
  readonly functions: Script;
  readonly recorder: Recorder;
  readonly tlsPort: number;
  /** Where the certificates are. */
  readonly folder: string;

  private constructor(
    parts: Pick<Stage, "runtime" | "functions" | "recorder" | "tlsPort" | "folder">,
  ) {
    this.runtime = parts.runtime;
    this.functions = parts.functions;
    this.recorder = parts.recorder;
    this.tlsPort = parts.tlsPort;
    this.folder = parts.folder;
  }

  static async set(t: TestContext, start: StartFunctions): Promise<Stage> {
    const folder = tempDir(t);
    await makeCertificates(folder);
    const tlsPort = await freePort();
    const functions = await start(t, (port) => [String(port), String(tlsPort), folder]);
    const recorder = await Recorder.start(t, functions.port);
    const text = module(recorder.port, tlsPort);
    const options = { module: text, directory: folder, partitions: PARTITIONS };
    const runtime = await startRuntime(t, options);
    return new Stage({ runtime, functions, recorder, tlsPort, folder });
  }

  /** Orders to workers by the topic, or to sessions: a record each, in order. */
  async write(
    topic: "orders" | "sessions",
    ...orders: readonly (readonly [id: string, order: Order])[]
  ): Promise<void> {
    const lines = orders.map(([key, value]) => `${JSON.stringify({ key, value })}\n`);
    const headers = { "content-type": "application/x-ndjson" };
    await this.#post(`topics/${topic}`, headers, lines.join(""));
  }

  /** The type and the bytes of the answer. */
  async call(
    address: string,
    type: string,
    contentType: string,
    body: string | Uint8Array,
  ): Promise<{ type: string; bytes: Buffer }> {
    const headers = {
      ...{ "statefold-type": type, "content-type": contentType },
      accept: "application/octet-stream",
    };
    const response = await this.#post(`call/${address}`, headers, body);
    const answerType = response.headers.get("statefold-type") ?? "";
    return { type: answerType, bytes: Buffer.from(await response.arrayBuffer()) };
  }

  /** The text that a function answers an order with. */
  async order(address: string, order: Order): Promise<string> {
    const headers = {
      ...{ "statefold-type": ORDER, "content-type": "application/json", accept: "text/plain" },
    };
    return (await this.#post(`call/${address}`, headers, JSON.stringify(order))).text();
  }

  /** An order, to be delivered so much later. */
  async later(address: string, order: Order, delayMs: number): Promise<void> {
    const headers = { "statefold-type": ORDER, "content-type": "application/json" };
    await this.#post(`send/${address}?delay=${delayMs}ms`, headers, JSON.stringify(order));
  }

  async records(topic: string): Promise<TopicRecord[]> {
    const response = await fetch(`${this.runtime.url}/v1/topics/${topic}`);
    if (response.status === 404) return []; // nothing was written yet
    const lines = (await response.text()).trim().split("\n");
    return lines.filter((line) => line !== "").map((line) => JSON.parse(line) as TopicRecord);
  }

  /** What an address has said, when it is what is expected; otherwise what there was when all was done. */
  async said(id: string, expected: readonly string[]): Promise<void> {
    const values = async () => {
      const mine = (await this.records("said")).filter(({ key }) => key === id);
      return mine.map(({ value }) => value ?? "");
    };
    const enough = async () => (await values()).length >= expected.length;
    await until(`what ${id} says`, enough, FAR_TIMEOUT).catch(() => undefined);
    assert.deepEqual(await values(), expected);
  }

  /** Nothing is under way any more. */
  async quiet(): Promise<void> {
    await until("everything is done", () => isQuiet(this.runtime), FAR_TIMEOUT);
  }

  /** By name; undefined where there is no value. */
  async states(address: string): Promise<Map<string, unknown>> {
    const { states = [] } = await this.#view(address);
    return new Map(states.map(({ name, value }) => [name, value?.value]));
  }

  /** The messages that an address has to handle, those in hand included. */
  async pending(address: string): Promise<number> {
    return (await this.#view(address)).pending;
  }

  certificate(name: string): string {
    return join(this.folder, name);
  }

  async #view(address: string): Promise<AddressView> {
    const response = await fetch(`${this.runtime.url}/v1/admin/state/${address}`);
    return (await response.json()) as AddressView;
  }

  async #post(
    path: string,
    headers: Readonly<Record<string, string>>,
    body: string | Uint8Array,
  ): Promise<Response> {
    const url = `${this.runtime.url}/v1/${path}`;
    const response = await fetch(url, { method: "POST", headers, body });
    assert(response.ok, `${response.status} at ${path}`);
    return response;
  }
}
