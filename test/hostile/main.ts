/**
 * `npm run hostile -- [--inputs 50000] [--seed 1] [--only NAME] [--from 0]`: every attack, against one part or a node as a
 * process of its own, and an account. Exits with 1 when something happened that must not.
 *
 * Without `--only`, the inputs are divided among the attacks.
 */
import { parseArgs } from "node:util";
import { describeError } from "../../src/base/errors.ts";
import { until } from "../support/until.ts";
import { Account } from "./account.ts";
import { answersAttack } from "./answers.ts";
import { type Attack, run } from "./attack.ts";
import { commandLineAttack } from "./command-line.ts";
import { fromFunctionAttack } from "./from-function.ts";
import { httpAttack } from "./http.ts";
import { checkAttack, moduleAttack } from "./modules.ts";
import { openStage, type Stage } from "./node.ts";
import { reachAttack } from "./reach.ts";
import { slowAttack } from "./slow.ts";
import { storedAttack } from "./stored.ts";
import { toFunctionAttack } from "./to-function.ts";
import { isRead, topicAttack } from "./topics.ts";

/** What the node may have grown by, from the first tenth of each attack over sockets to its end. */
const MAX_GROWTH_BYTES = 150 * 2 ** 20;
const SETTLED_WITHIN_S = 60;

const { values } = parseArgs({
  options: {
    inputs: { type: "string", default: "50000" },
    seed: { type: "string", default: "1" },
    from: { type: "string", default: "0" },
    only: { type: "string" },
  },
});
const account = new Account();

/** How many of a hundred inputs each attack gets. */
function attacksOn({ url, port, functions }: Stage): [attack: Attack, share: number][] {
  return [
    [httpAttack(port), 30],
    [topicAttack(url), 10],
    [slowAttack(port), 2],
    [answersAttack(url, functions), 4],
    [commandLineAttack(url), 3],
    [moduleAttack, 6],
    [checkAttack(), 1],
    [reachAttack, 14],
    [fromFunctionAttack, 12],
    [toFunctionAttack, 8],
    [storedAttack, 10],
  ];
}

const mib = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(0)} MiB`;

async function attackAll(stage: Stage): Promise<void> {
  for (const [attack, share] of attacksOn(stage)) {
    if (values.only !== undefined && values.only !== attack.name) continue;
    const all = Number(values.inputs);
    const inputs = values.only === undefined ? Math.ceil((all * share) / 100) : all;
    const [seed, from] = [Number(values.seed), Number(values.from)];
    const first = Math.ceil(inputs / 10);
    await run(attack, { seed, from, inputs: first }, account);
    const before = await stage.memory();
    await run(attack, { seed, from: from + first, inputs: inputs - first }, account);
    const after = await settled(stage, before.rssBytes + MAX_GROWTH_BYTES);
    stage.canary.check();
    if (stage.functions.smuggled > 0) throw new Error("a request hidden in another was taken");
    const grown = `rss ${mib(before.rssBytes)} to ${mib(after.rssBytes)}, heap ${mib(before.heapBytes)} to ${mib(after.heapBytes)}`;
    const peak = mib(after.peakBytes);
    process.stdout.write(
      `${attack.name}: ${inputs} inputs; the node's ${grown}, ${peak} right after\n`,
    );
    if (after.rssBytes > before.rssBytes + MAX_GROWTH_BYTES)
      throw new Error(`memory grows: ${grown}`);
  }
  await until("the ingress to have read its topic", () => isRead(stage.url), { timeoutMs: 60_000 });
}

/** What is garbage by then is no growth: the collector comes when the node has been quiet for some seconds. */
async function settled(stage: Stage, mostBytes: number) {
  let memory = await stage.memory();
  const peakBytes = memory.rssBytes;
  for (let second = 0; second < SETTLED_WITHIN_S && memory.rssBytes > mostBytes; second++) {
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    memory = await stage.memory();
  }
  return { ...memory, peakBytes };
}

const stage = await openStage("as a process");
try {
  try {
    await attackAll(stage);
  } finally {
    await stage.stop();
  }
} catch (error) {
  process.exitCode = 1;
  process.stdout.write(`VIOLATION: ${describeError(error)}\n`);
}
const latencies = stage.canary.latenciesMs.sort((a, b) => a - b);
const at = (share: number) => latencies[Math.floor((latencies.length - 1) * share)]?.toFixed(0);
process.stdout.write(
  `${account}\n${account.of()} inputs in all; the canary called ${latencies.length} times, all answered right: ` +
    `p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, longest ${at(1)} ms\n`,
);
