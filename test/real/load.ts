/** Load on the counting functions, from outside: it remembers what was accepted, and what may have been. */
import { setTimeout as sleep } from "node:timers/promises";
import { counterId } from "./counting.ts";

export interface Sent {
  /** Answered 202. */
  readonly accepted: number[];
  /** The answer was lost: done or not. */
  readonly unknown: number[];
}

export class Load {
  /** Everything accepted so far. */
  accepted = 0;
  /** By source and counter: `keyed c3`. */
  readonly sent = new Map<string, Sent>();
  #isOver = false;
  readonly #url: string;
  readonly #signal: AbortSignal;

  /** @param signal gives up at once */
  constructor(url: string, signal: AbortSignal) {
    this.#url = url;
    this.#signal = signal;
  }

  /** From now on nothing new is sent; {@link run} resolves when what is under way is done. */
  end(): void {
    this.#isOver = true;
  }

  /** One sender a counter, kind and way in, each with one message under way: its order is the order sent. */
  async run(counters: number): Promise<void> {
    const senders: Promise<void>[] = [];
    for (let index = 0; index < counters; index++) {
      const id = counterId(index);
      senders.push(this.#sendAll("keyed", id), this.#sendAll("plain", id), this.#writeAll(id));
    }
    await Promise.all(senders);
  }

  async #sendAll(source: "keyed" | "plain", id: string): Promise<void> {
    const sent = this.#sentBy(source, id);
    const { href } = new URL(`/v1/send/count/counter/${id}`, this.#url);
    for (let n = 1; !this.#isOver; n++) {
      const key = { "idempotency-key": `${source} ${id} ${n}` };
      const headers = { "statefold-type": "count/Add", ...(source === "keyed" ? key : {}) };
      const body = JSON.stringify({ source, n });
      // With a key it is sent until it is accepted; without one, once.
      while (!(await this.#post(href, headers, body, sent, n)) && source === "keyed") {
        this.#signal.throwIfAborted();
      }
    }
  }

  /** To the topic that the counters read. What is there twice was written twice: the topic itself tells. */
  async #writeAll(id: string): Promise<void> {
    const sent = this.#sentBy("topic", id);
    const { href } = new URL(`/v1/topics/adds?key=${id}`, this.#url);
    for (let n = 1; !this.#isOver; n++) {
      const body = JSON.stringify({ source: "topic", n });
      await this.#post(href, {}, body, sent, n);
    }
  }

  async #post(
    url: string,
    headers: Record<string, string>,
    body: string,
    { accepted, unknown }: Sent,
    n: number,
  ): Promise<boolean> {
    try {
      const signal = AbortSignal.any([this.#signal, AbortSignal.timeout(5_000)]);
      const response = await fetch(url, { method: "POST", headers, body, signal });
      const text = await response.text();
      if (response.status < 300) {
        accepted.push(n);
        this.accepted++;
        return true;
      }
      if (response.status < 500) throw new RangeError(`${url} answered ${response.status} ${text}`);
    } catch (error) {
      if (error instanceof RangeError || this.#signal.aborted) throw error;
    }
    unknown.push(n);
    await sleep(20); // it is down: not a busy loop
    return false;
  }

  #sentBy(source: string, id: string): Sent {
    const sent: Sent = { accepted: [], unknown: [] };
    this.sent.set(`${source} ${id}`, sent);
    return sent;
  }
}
