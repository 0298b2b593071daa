/** The customers: subscribe over a topic; change and end their subscriptions by messages, each sent at its time. */
import { setTimeout as sleep } from "node:timers/promises";
import { ChangeInterval, Unsubscribe } from "../messages.ts";
import { subscription } from "../subscription.ts";
import type { Order, Timed } from "./plan.ts";
import type { RuntimeClient, Send, Topics } from "./topics.ts";

export const SUBSCRIPTIONS_TOPIC = "subscriptions";

/** What customers come through. */
export interface Doors {
  readonly client: RuntimeClient;
  readonly topics: Topics;
}

export class Customers {
  subscribed = 0;
  changed = 0;
  ended = 0;
  /** Whose message was accepted after the date it spoke of: what they owe, nobody can say from outside. */
  readonly late = new Set<string>();
  readonly #client: RuntimeClient;
  readonly #topics: Topics;
  readonly #orders: readonly Order[];
  readonly #signal: AbortSignal;

  constructor({ client, topics }: Doors, orders: readonly Order[], signal: AbortSignal) {
    this.#client = client;
    this.#topics = topics;
    this.#orders = orders;
    this.#signal = signal;
  }

  /** Resolves when all that they have to say is durable. */
  async run(): Promise<void> {
    await Promise.all([this.#subscribe(), ...this.#orders.map((order) => this.#follow(order))]);
  }

  async #subscribe(): Promise<void> {
    const batch = 50;
    for (let at = 0; at < this.#orders.length; at += batch) {
      const orders = this.#orders.slice(at, at + batch);
      const records = orders.map(({ id, begin }) => ({ key: id, value: begin }));
      await this.#topics.write(SUBSCRIPTIONS_TOPIC, records);
      this.subscribed += records.length;
    }
  }

  async #follow({ id, change, end }: Order): Promise<void> {
    if (change !== undefined) {
      await this.#say(id, ChangeInterval.typename, change, change.message.from);
      this.changed++;
    }
    await this.#say(id, Unsubscribe.typename, end, end.message.at);
    this.ended++;
  }

  /** Sent again and again until it is accepted; the key makes that one message. */
  async #say(id: string, valueType: string, what: Timed<unknown>, from: number): Promise<void> {
    await sleep(what.sendAt - Date.now(), undefined, { signal: this.#signal });
    const idempotencyKey = `${valueType} ${id}`;
    const send: Send = {
      ...{ type: subscription.typename, id, valueType, value: what.message, idempotencyKey },
    };
    await this.#client.send(send);
    if (Date.now() >= from) this.late.add(id);
  }
}
