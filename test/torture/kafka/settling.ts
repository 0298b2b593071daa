/** Waits until everything between the two topics is done, and draws the account of it. */
import type { KafkaCluster, KafkaRecord } from "../../../src/kafka/contract.ts";
import { committed } from "../../egress/kafka-world.ts";
import { isQuiet, metric } from "../../real/runtime.ts";
import type { Broker } from "../../support/kafka/broker.ts";
import { readWithJava } from "../../support/kafka/java-reader.ts";
import { until } from "../../support/until.ts";
import type { TortureOptions } from "../options.ts";
import type { Subject } from "../subject.ts";
import { drawAccount } from "./account.ts";
import { type Counts, IN, idOf, type Order, OUT, type Written } from "./messages.ts";
import type { Tail } from "./tail.ts";

const READY_TIMEOUT_MS = 180_000;
const DRAIN_TIMEOUT_MS = 300_000;
const ASKED_AT_ONCE = 16;

/** Records in the two topics in the end. */
export interface Settled {
  orders: number;
  written: number;
}

/** Draws the account as it is read now, by Java's client unless told otherwise, and as it was all the time. */
export async function settle(
  { records, ids, reader }: Pick<TortureOptions, "records" | "ids" | "reader">,
  broker: Broker,
  runtime: Subject,
  client: KafkaCluster,
  tail: Tail,
  sums: Settled,
): Promise<string[]> {
  const orders = await ordersIn(client);
  const states = await statesOf(runtime, ids);
  const texts =
    reader === "java"
      ? await readWithJava(broker.address, OUT)
      : (await committed(client, OUT)).flat().map(({ value }) => String(value));
  const written = texts.map((text) => JSON.parse(text) as Written);
  sums.orders = [...orders.values()].reduce((sum, each) => sum + each.length, 0);
  sums.written = written.length;
  await until("the tail to be at the end", () => tail.seen.length >= written.length);
  const violations = [
    ...drawAccount({ ids, orders, written, states }),
    ...[...drawAccount({ ids, orders, written: tail.seen, states })].map(
      (each) => `to who read all the time: ${each}`,
    ),
    ...(await whatMetricsSay(runtime)),
  ];
  if (sums.orders !== records) violations.push(`${sums.orders} orders, ${records} were to be`);
  return violations;
}

export async function allReady(subjects: readonly Subject[]): Promise<void> {
  const timeoutMs = READY_TIMEOUT_MS;
  await until("all to be ready", () => subjects.every(({ isReady }) => isReady), { timeoutMs });
}

export async function drained({ script }: Subject, tail: Tail, records: number): Promise<void> {
  const isDrained = async () =>
    tail.counted >= records &&
    (await metric(script, "statefold_ingress_lag_records{")) === 0 &&
    (await isQuiet(script));
  await until("everything to be done", isDrained, { timeoutMs: DRAIN_TIMEOUT_MS, everyMs: 250 });
}

async function ordersIn(client: KafkaCluster): Promise<Map<string, number[]>> {
  const found = new Map<string, number[]>();
  for (const { key, value } of (await committed(client, IN)).flat() as KafkaRecord[]) {
    const { n } = JSON.parse(String(value)) as Order;
    const id = String(key);
    const known = found.get(id);
    if (known === undefined) found.set(id, [n]);
    else known.push(n);
  }
  return found;
}

/** Of all addresses; what has none is left out. */
async function statesOf({ script }: Subject, ids: number): Promise<Map<string, Counts>> {
  const states = new Map<string, Counts>();
  const addresses = Array.from({ length: ids }, (_, i) => idOf(i))
    .flatMap((id) => [`counter ${id}`, `mirror ${id}`])
    .values();
  const ask = async (): Promise<void> => {
    for (const address of addresses) {
      const path = `/v1/admin/state/shop/${address.replace(" ", "/")}`;
      const response = await fetch(script.url + path);
      const { states: values } = (await response.json()) as {
        readonly states?: readonly { readonly value: { readonly value: Counts } }[];
      };
      const counts = values?.[0]?.value.value;
      if (counts !== undefined) states.set(address, counts);
    }
  };
  await Promise.all(Array.from({ length: ASKED_AT_ONCE }, ask));
  return states;
}

async function whatMetricsSay({ script }: Subject): Promise<string[]> {
  const violations: string[] = [];
  for (const name of ["drift_messages", "dead_letters", "parked_addresses"]) {
    const value = await metric(script, `statefold_partition_${name}`);
    if (value !== 0) violations.push(`the metric ${name} is ${value}`);
  }
  return violations;
}
