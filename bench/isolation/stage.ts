import { setTimeout as pause } from "node:timers/promises";
import { startNode } from "../node.ts";
import { type Child, Processes } from "../support/processes.ts";
import type { FunctionsPlace, Mood } from "./functions.ts";
import type { Latencies, SteadyQuestion } from "./steady.ts";

const INT = "io.statefun.types/int";
const ONE = "1";
/** As the protocol has it. */
const ONE_BASE64 = "DQEAAAA=";
const SETTLE_WITHIN_MS = 120_000;

export interface Measured extends Latencies {
  /** Of one core, while it was measured. */
  readonly nodeCpu: number;
}

/** One node, two processes of functions, and everybody else's calls: set up anew for each disturbance. */
export class Stage {
  readonly #processes: Processes;
  readonly #steady: Child;
  readonly #removeData: () => Promise<void>;
  readonly #healthy: Child;
  readonly #trouble: Child;
  readonly port: number;

  private constructor(
    processes: Processes,
    parts: { healthy: Child; trouble: Child; steady: Child },
    node: { port: number; removeData: () => Promise<void> },
  ) {
    this.#processes = processes;
    this.#healthy = parts.healthy;
    this.#trouble = parts.trouble;
    this.#steady = parts.steady;
    this.port = node.port;
    this.#removeData = node.removeData;
  }

  static async open(perSecond: number): Promise<Stage> {
    const processes = new Processes();
    const healthy = processes.child("isolation/functions.js");
    const trouble = processes.child("isolation/functions.js");
    const { port } = await healthy.ask<FunctionsPlace>({});
    const place = await trouble.ask<FunctionsPlace>({});
    const node = await startNode(processes, port, ["--embedded"], moduleOf(place.port));
    if (node === undefined) throw new Error("the command line is not built");
    const steady = processes.child("isolation/steady.js");
    const stage = new Stage(processes, { healthy, trouble, steady }, node);
    await stage.#ask({ kind: "start", port: node.port, perSecond });
    return stage;
  }

  /** How the functions of everybody else behave from now on. */
  async healthy(mood: Mood): Promise<void> {
    await this.#healthy.ask(mood);
  }

  async trouble(mood: Mood): Promise<void> {
    await this.#trouble.ask(mood);
  }

  async measure(forMs: number): Promise<Measured> {
    const startedAtMs = performance.now();
    const cpuBefore = await this.#cpuSeconds();
    const latencies = await this.#ask<Latencies>({ kind: "measure", forMs });
    const cpuMs = ((await this.#cpuSeconds()) - cpuBefore) * 1000;
    return { ...latencies, nodeCpu: cpuMs / (performance.now() - startedAtMs) };
  }

  /** Sends a number; throws when it was not accepted. */
  async send(address: string, count = 1): Promise<void> {
    const response = await this.#post(`/v1/send/${address}`, String(count));
    if (response.status !== 202) throw new Error(`${response.status} ${await response.text()}`);
    await response.arrayBuffer();
  }

  async call(address: string): Promise<void> {
    const response = await this.#post(`/v1/call/${address}`, ONE);
    if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`);
    await response.arrayBuffer();
  }

  /** Writes so many records of a key, a thousand at a time, for the ingress of the module. */
  async write(key: string, count: number): Promise<void> {
    const line = `${JSON.stringify({ key, valueBase64: ONE_BASE64 })}\n`;
    for (let left = count; left > 0; left -= 1_000) {
      const response = await fetch(`http://127.0.0.1:${this.port}/v1/topics/hot`, {
        method: "POST",
        headers: { "content-type": "application/x-ndjson" },
        body: line.repeat(Math.min(left, 1_000)),
      });
      if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
      await response.arrayBuffer();
    }
  }

  async #cpuSeconds(): Promise<number> {
    const text = await (await fetch(`http://127.0.0.1:${this.port}/metrics`)).text();
    return Number(/^process_cpu_seconds_total (\S+)/m.exec(text)?.[1]);
  }

  async admin(method: string, path: string): Promise<unknown> {
    const response = await fetch(`http://127.0.0.1:${this.port}/v1/admin/${path}`, { method });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return await response.json();
  }

  /** What a counter has counted. */
  async count(address: string): Promise<number> {
    const { states } = (await this.admin("GET", `state/${address}`)) as AddressState;
    return states.find(({ name }) => name === "count")?.value.value ?? 0;
  }

  /** Waits until a counter has counted so many. */
  async until(address: string, count: number): Promise<void> {
    const untilMs = Date.now() + SETTLE_WITHIN_MS;
    let last: unknown;
    while (Date.now() < untilMs) {
      last = await this.count(address).catch((error: unknown) => error);
      if (last === count) return;
      if (typeof last === "number" && last > count) break;
      await pause(100);
    }
    throw new Error(`${address} should have counted ${count}: ${String(last)}`);
  }

  async close(): Promise<void> {
    await this.#processes.end();
    await this.#removeData();
  }

  #post(path: string, body: string): Promise<Response> {
    const headers = { "statefold-type": INT, "content-type": "application/json" };
    return fetch(`http://127.0.0.1:${this.port}${path}`, { method: "POST", headers, body });
  }

  async #ask<T>(question: SteadyQuestion): Promise<T> {
    return await this.#steady.ask<T>(question);
  }
}

interface AddressState {
  readonly states: readonly {
    readonly name: string;
    readonly value: { readonly value?: number };
  }[];
}

const moduleOf = (troublePort: number): string => `
kind: io.statefun.endpoints.v2/http
spec:
  functions: trouble/*
  urlPathTemplate: http://127.0.0.1:${troublePort}/
---
kind: io.statefun.kafka.v1/ingress
spec:
  id: bench/hot
  address: localhost:9092
  consumerGroupId: bench
  startupPosition: { type: earliest }
  topics:
    - { topic: hot, valueType: ${INT}, targets: [bench/counter] }
`;
