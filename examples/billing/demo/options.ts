/** What the demo is told on its command line. */
import { parseArgs } from "node:util";

export interface Options {
  readonly subscriptions: number;
  readonly runMs: number;
  readonly seed: number;
  /** Undefined: topics are the runtime's own log. */
  readonly kafka: KafkaOptions | undefined;
}

export interface KafkaOptions {
  /** `host:port,…`; undefined: the demo starts a broker. */
  readonly brokers: string | undefined;
}

export const USAGE =
  "npm run demo -- [--subscriptions 1000] [--seconds 24] [--seed 1] [--kafka [--brokers HOST:PORT]]";

/** @throws Error for people */
export function readOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      subscriptions: { type: "string", default: "1000" },
      seconds: { type: "string", default: "24" },
      seed: { type: "string", default: "1" },
      kafka: { type: "boolean", default: false },
      brokers: { type: "string" },
    },
  });
  const { brokers } = values;
  if (brokers !== undefined && !/^[^\s:,]+:\d+(,[^\s:,]+:\d+)*$/.test(brokers)) {
    throw new Error(`"${brokers}" is no list of brokers, HOST:PORT,…`);
  }
  return {
    subscriptions: count(values.subscriptions, 1),
    runMs: count(values.seconds, 10) * 1000,
    seed: count(values.seed, 0),
    // Whoever names a broker means to use it.
    kafka: values.kafka || brokers !== undefined ? { brokers } : undefined,
  };
}

function count(text: string, least: number): number {
  if (/^\d+$/.test(text) && Number(text) >= least) return Number(text);
  throw new Error(`${text} is no whole number from ${least}`);
}
