/**
 * A real data directory, made by running a real node: states, mail of a parked address, dead letters,
 * delayed messages, idempotency keys, topics read and written; in two lives, so that there are tables,
 * closed segments and logs. And what a node says of it when it is asked.
 */
import { cpSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describeError, StatefoldError } from "../../src/base/errors.ts";
import type { NodeOptions } from "../../src/node/options.ts";
import { startNode } from "../../src/node/start.ts";
import { SHOP, SILENT, TestNode } from "../node/a-node.ts";
import { broken } from "../node/functions/night.ts";
import { until } from "../support/until.ts";

export interface Scene {
  /** As it is when the node has stopped. */
  readonly dir: string;
  /** An older copy of it, after its first life. */
  readonly older: string;
  /** Other nodes' directories, of the same application: one has done less than this one, one more. */
  readonly others: readonly string[];
  /** What a node on `dir` answers. */
  readonly told: Told;
}

/** By question: the answer, or the error. */
export type Told = ReadonlyMap<string, string>;

const PARTITIONS = 2;
const CUSTOMERS = ["ada", "ben", "eve", "kim"];

export async function makeScene(root: string): Promise<Scene> {
  const [dir, older] = [join(root, "data"), join(root, "older")];
  const others = ["less", "more"].map((name) => join(root, name));
  writeFileSync(join(root, "module.yaml"), SHOP);
  for (const [i, other] of others.entries()) await live(root, other, "other", 2 + 3 * i);
  await live(root, dir, "first", 1);
  cpSync(dir, older, { recursive: true });
  await live(root, dir, "second", 1);
  await live(root, dir, "third", 1);
  // Asked on a copy, so that the log of the last life stays as it was.
  cpSync(dir, join(root, "asked"), { recursive: true });
  const node = await startOn(root, join(root, "asked"));
  const told = await tellAll(node);
  await node.node.stop();
  return { dir, older, others, told };
}

export async function startOn(root: string, dir: string, acceptLoss = false): Promise<TestNode> {
  const options: NodeOptions = {
    modules: [join(root, "module.yaml")],
    dataDir: dir,
    ...{ host: "127.0.0.1", port: 0, embedded: true, partitions: PARTITIONS, acceptLoss },
    variables: new Map(),
    logger: SILENT,
  };
  return new TestNode(await startNode(options));
}

/** One life of a node: some of everything. */
async function live(root: string, dir: string, name: string, rounds: number): Promise<void> {
  const node = await startOn(root, dir);
  broken.add("fragile");
  for (let round = 0; round < rounds; round++) {
    for (const id of CUSTOMERS) {
      await node.call(`test/counter/${id}`, round + 1, { "idempotency-key": `${name}-${round}` });
      await node.post(`/v1/topics/orders?key=${id}`, JSON.stringify({ item: `${name} tea` }));
      await node.call(`test/gossip/${id}`, `${name} gossip ${"x".repeat(5_000)}`);
      await node.call(`test/alarm/${name}-${id}`, "400d");
      await node.send(`test/fragile/fragile`, `${name} ${round} ${id}`);
    }
  }
  await workedOff(node);
  await node.node.stop();
}

/** The orders are receipts, and what is broken is parked. */
export async function workedOff(node: TestNode): Promise<void> {
  await until("the orders are receipts, and what is broken is parked", async () => {
    const { json } = await node.ask("/v1/admin/status");
    const { partitions, ingresses } = json as {
      partitions: { outbox: number; parked: number; inFlight: number }[];
      ingresses: { lag: number }[];
    };
    const sum = (of: (each: (typeof partitions)[number]) => number) =>
      partitions.reduce((total, each) => total + of(each), 0);
    const isDone = sum((each) => each.outbox + each.inFlight) === 0 && ingresses[0]?.lag === 0;
    return isDone && sum((each) => each.parked) === 1;
  });
}

const LISTS = ["addresses", "timers", "parked", "dead"];

/** Asks for everything that the scene put there. */
export async function tellAll(node: TestNode): Promise<Told> {
  const told = new Map<string, string>();
  const ask = async (path: string, init: RequestInit = {}): Promise<void> => {
    const { status, text } = await node.ask(path, init);
    told.set(path, status === 200 ? text : `error ${text}`);
  };
  for (const list of LISTS) await ask(`/v1/admin/${list}?limit=1000`);
  for (const id of CUSTOMERS) {
    await ask(`/v1/admin/state/test/counter/${id}`);
    await ask(`/v1/admin/state/test/shop/${id}`);
  }
  for (const topic of ["orders", "receipts"]) {
    for (let k = 0; k < PARTITIONS; k++) {
      await ask(`/v1/topics/${topic}?partition=${k}&offset=0`);
    }
  }
  await ask("/v1/admin/parked/test/fragile/fragile");
  const { json } = await node.ask("/v1/admin/status");
  const { partitions } = json as { partitions: Record<string, number>[] };
  // What an egress has not acknowledged yet may be acknowledged any time, or never, if its topic is damaged.
  const counts = partitions.map(
    ({ accepted, finished = 0, outbox = 0, pending, timers, dead }) => ({
      ...{ accepted, left: finished + outbox, pending, timers, dead },
    }),
  );
  told.set("counts", JSON.stringify(counts));
  return told;
}

export type Outcome =
  | { readonly kind: "intact" }
  /** The node did not start, or a question was answered with an error. */
  | { readonly kind: "refused"; readonly at: "start" | "touch"; readonly text: string }
  /** Something was believed that is not so. */
  | { readonly kind: "wrong"; readonly what: string };

/** Starts a node on a directory through the real start path, and compares what it tells. */
export async function outcomeOn(root: string, dir: string, told: Told): Promise<Outcome> {
  let node: TestNode;
  try {
    node = await startOn(root, dir);
  } catch (error) {
    if (!(error instanceof StatefoldError)) return { kind: "wrong", what: describeError(error) };
    return { kind: "refused", at: "start", text: `${error.code} ${describeError(error)}` };
  }
  try {
    const now = await tellAll(node);
    let refused: string | undefined;
    for (const [question, answer] of told) {
      const found = now.get(question) ?? "nothing";
      if (found === answer) continue;
      if (!/^error .*(LOG_CORRUPT|STORE_CORRUPT)/.test(found)) {
        return { kind: "wrong", what: `${question}: ${answer}\nis now: ${found}` };
      }
      refused ??= found;
    }
    return refused === undefined
      ? { kind: "intact" }
      : { kind: "refused", at: "touch", text: refused };
  } finally {
    await node.node.stop();
  }
}
