/** The payment provider at work: follows the topic of requests, and writes what it answers to that of results. */
import { setTimeout as sleep } from "node:timers/promises";
import type { PaymentRequest } from "../messages.ts";
import { REQUESTS_TOPIC, RESULTS_TOPIC } from "../payment.ts";
import { type PaymentAnswer, runProvider } from "../provider.ts";
import type { Topics } from "./topics.ts";

export class Payments {
  /** Seen and answered so far: for the screen, not for the account. */
  requested = 0;
  answered = 0;
  readonly #topics: Topics;
  readonly #signal: AbortSignal;
  #waiting: PaymentAnswer[] = [];
  #writing: Promise<void> | undefined;

  constructor(topics: Topics, signal: AbortSignal) {
    this.#topics = topics;
    this.#signal = signal;
  }

  /** Until the signal ends it. */
  async run(seed: number): Promise<void> {
    const partitions = await this.#topics.partitions(REQUESTS_TOPIC);
    const ports = {
      publish: (answer: PaymentAnswer) => this.#publish(answer),
      sleep: (ms: number) => sleep(ms, undefined, { signal: this.#signal }),
    };
    const each = partitions.map((partition) => {
      return runProvider({ ...ports, requests: this.#requests(partition) }, { seed });
    });
    await Promise.all(each);
  }

  async *#requests(partition: number): AsyncGenerator<PaymentRequest> {
    for await (const { value } of this.#topics.follow(REQUESTS_TOPIC, partition)) {
      this.requested++;
      yield value as PaymentRequest;
    }
  }

  /** What comes while one write is under way goes together into the next. */
  #publish(answer: PaymentAnswer): Promise<void> {
    this.#waiting.push(answer);
    this.#writing ??= this.#write().finally(() => {
      this.#writing = undefined;
    });
    return this.#writing;
  }

  async #write(): Promise<void> {
    while (this.#waiting.length > 0) {
      const answers = this.#waiting;
      this.#waiting = [];
      const records = answers.map(({ key, result }) => ({ key, value: result }));
      await this.#topics.write(RESULTS_TOPIC, records);
      this.answered += answers.length;
    }
  }
}
