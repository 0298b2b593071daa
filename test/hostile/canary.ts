/**
 * A client beside the attacks that does nothing wrong: each of its calls must be answered, and right. How long the
 * longest took is told; how long one may take is for whoever reads that beside the load of the machine.
 */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";

const IDS = 5;
/** A call that takes longer is taken for lost. */
const TIMEOUT_MS = 20_000;

export class Canary {
  readonly #url: string;
  /** Nobody hits these by chance. */
  readonly #ids = Array.from({ length: IDS }, () => `canary-${randomUUID()}`);
  readonly #counts = new Map<string, number>();
  readonly latenciesMs: number[] = [];
  #stopping = false;
  #running: Promise<void> | undefined;
  #failure: unknown;

  constructor(url: string) {
    this.#url = url;
  }

  start(): void {
    this.#running = this.#run();
  }

  /** @throws what the canary died of */
  check(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#running;
    this.check();
  }

  async #run(): Promise<void> {
    try {
      for (let i = 0; !this.#stopping; i++) {
        await this.#call(this.#ids[i % IDS] ?? "");
        if (i % 10 === 0) await this.#health();
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    } catch (error) {
      this.#failure = new Error("the canary died", { cause: error });
    }
  }

  async #call(id: string): Promise<void> {
    const startedAtMs = performance.now();
    const response = await fetch(`${this.#url}/v1/call/canary/counter/${id}`, {
      method: "POST",
      headers: { "content-type": "text/plain", accept: "application/json" },
      body: "again",
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const text = await response.text();
    this.latenciesMs.push(performance.now() - startedAtMs);
    const expected = (this.#counts.get(id) ?? 0) + 1;
    this.#counts.set(id, expected);
    assert.deepEqual([response.status, text.trim()], [200, String(expected)]);
  }

  async #health(): Promise<void> {
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    const response = await fetch(`${this.#url}/health/ready`, { signal });
    assert.equal(response.status, 200, await response.text());
  }
}
