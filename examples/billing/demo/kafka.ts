/** Kafka, when it is asked for: a broker of the demo's own unless one was named, and the demo's topics in it. */
import { REQUESTS_TOPIC, RESULTS_TOPIC } from "../payment.ts";
import { type OwnBroker, ownBroker } from "./broker.ts";
import { SUBSCRIPTIONS_TOPIC } from "./customers.ts";
import { KafkaTopics } from "./kafka-topics.ts";

export interface KafkaPartOptions {
  /** `host:port,…`; undefined: a broker is started. */
  readonly brokers: string | undefined;
  /** For its data and its log. */
  readonly directory: string;
  /** Told when it is a matter of seconds. */
  readonly say: (text: string) => void;
  readonly onFailure: (error: Error) => void;
  readonly signal: AbortSignal;
}

export class KafkaPart {
  #broker: OwnBroker | undefined;
  #topics: KafkaTopics | undefined;

  /** Starts or reaches the brokers, and makes the topics. */
  async open(options: KafkaPartOptions): Promise<{ brokers: string; topics: KafkaTopics }> {
    const { brokers = await this.#start(options), signal } = options;
    const topics = new KafkaTopics(brokers, signal);
    this.#topics = topics;
    try {
      await topics.make([SUBSCRIPTIONS_TOPIC, REQUESTS_TOPIC, RESULTS_TOPIC]);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new Error(`Kafka at ${brokers}: ${reason}`);
    }
    return { brokers, topics };
  }

  /** A broker of its own ends; from another one what was made is removed. */
  async close(): Promise<void> {
    if (this.#broker === undefined) await this.#topics?.close().catch(() => {});
    await this.#broker?.service.kill();
  }

  /** Without waiting. */
  abandon(): void {
    this.#broker?.service.abandon();
  }

  async #start({ directory, say, onFailure, signal }: KafkaPartOptions): Promise<string> {
    say("A broker is started. The first time Maven has to get its 45 MB.\n\n");
    const broker = await ownBroker(directory, onFailure);
    this.#broker = broker;
    signal.throwIfAborted();
    await broker.service.start();
    signal.throwIfAborted();
    return broker.address;
  }
}
