/**
 * `npm run demo`: a thousand subscriptions are billed through crashes, and the bill is checked.
 *
 * It starts the runtime and the functions as processes of their own, plays the customers and the payment
 * provider itself, over HTTP, kills both processes again and again, and at the end draws the account from
 * the topics alone. With `--kafka` the topics are Kafka's. Exit code 1 when the account does not come out.
 */
import { setMaxListeners } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Account, comesOut, drawAccount, saysNothing } from "./demo/account.ts";
import { killNowAndThen } from "./demo/chaos.ts";
import { Customers, type Doors } from "./demo/customers.ts";
import { KafkaPart } from "./demo/kafka.ts";
import { type Options, readOptions, USAGE } from "./demo/options.ts";
import { Payments } from "./demo/payments.ts";
import { type Order, planOrders } from "./demo/plan.ts";
import { view } from "./demo/progress.ts";
import { number, reportLines } from "./demo/report.ts";
import { paint, Screen } from "./demo/screen.ts";
import { type Stage, setStage } from "./demo/stage.ts";
import { RuntimeClient, type Topics } from "./demo/topics.ts";
import type { PaymentRequest, PaymentResult } from "./messages.ts";
import { REQUESTS_TOPIC, RESULTS_TOPIC } from "./payment.ts";

/** It is over when the account has come out, and nothing has happened for so long. */
const QUIET_MS = 2_500;

/** A machine that is slow to start the processes gets more time than it was told: so many times as long. */
const RUN_OF_STARTS = 6;

/** Or when nothing at all has happened for so long. */
const STUCK_MS = 30_000;

class Interrupted extends Error {}

function say(text: string): void {
  process.stdout.write(text);
}

function introduction({ subscriptions, runMs, kafka }: Options): string {
  const topics = kafka === undefined ? "the runtime's own log" : "Kafka";
  return `
${number(subscriptions)} customers pay for their subscriptions every few seconds, for ${runMs / 1000} seconds.

Two small functions bill them: one knows when each customer has to pay, the other asks a payment provider
for the money. They run in a process of their own and keep nothing in memory. The runtime, another process,
calls them over HTTP and keeps all they have to remember: state, messages, timers. Orders, requests and
answers go through topics of ${topics}.

The provider answers late, or twice, or refuses. And both processes are killed, without warning, again and
again. Every period has to be billed all the same, at its date, and never twice.

`;
}

/** Everything that acts: until the customers have said all, the killing is over, and the topics are quiet. */
async function perform(
  stage: Stage,
  doors: Doors,
  options: Options,
  signal: AbortSignal,
): Promise<Account> {
  const { subscriptions, seed } = options;
  const startedMs = performance.now();
  await Promise.all([stage.runtime.start(), stage.functions.start()]);
  const seconds = Math.ceil((RUN_OF_STARTS * (performance.now() - startedMs)) / 1000);
  const runMs = Math.max(options.runMs, seconds * 1000);
  const beginsAt = Date.now();
  const orders = planOrders({ seed, subscriptions, runMs, beginsAt });
  const customers = new Customers(doors, orders, signal);
  const payments = new Payments(doors.topics, signal);
  const screen = new Screen(process.stdout, () => {
    return view({ stage, customers, payments, beginsAt, runMs });
  });
  const until = beginsAt + runMs;
  screen.start();
  try {
    await Promise.race([
      payments.run(seed), // never resolves before the signal
      Promise.all([
        customers.run(),
        killNowAndThen(stage.runtime, { seed: `${seed} runtime`, everyMs: 3_000, until, signal }),
        killNowAndThen(stage.functions, {
          seed: `${seed} functions`,
          everyMs: 3_500,
          until,
          signal,
        }),
        sleep(runMs, undefined, { signal }),
      ]),
    ]);
    return await accountWhenQuiet(doors.topics, orders, customers.late, payments, signal);
  } finally {
    screen.stop();
  }
}

async function accountWhenQuiet(
  topics: Topics,
  orders: readonly Order[],
  late: ReadonlySet<string>,
  payments: Payments,
  signal: AbortSignal,
): Promise<Account> {
  let [before, since] = [-1, Date.now()];
  for (;;) {
    const now = payments.requested + payments.answered;
    if (now !== before) [before, since] = [now, Date.now()];
    const quietMs = Date.now() - since;
    if (quietMs >= QUIET_MS) {
      const account = await readAccount(topics, orders, late);
      if (comesOut(account) || saysNothing(account) || quietMs >= STUCK_MS) return account;
    }
    await sleep(500, undefined, { signal });
  }
}

async function readAccount(
  topics: Topics,
  orders: readonly Order[],
  late: ReadonlySet<string>,
): Promise<Account> {
  const read = async <T>(topic: string) =>
    (await topics.read(topic)).filter(({ key }) => !late.has(key)).map(({ value }) => value as T);
  return drawAccount(
    orders.filter(({ id }) => !late.has(id)),
    {
      requests: await read<PaymentRequest>(REQUESTS_TOPIC),
      results: await read<PaymentResult>(RESULTS_TOPIC),
    },
    late.size,
  );
}

function optionsOrUsage(): Options | undefined {
  try {
    return readOptions(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n${USAGE}\n`);
    return undefined;
  }
}

async function main(): Promise<number> {
  const options = optionsOrUsage();
  if (options === undefined) return 2;
  const directory = await mkdtemp(join(tmpdir(), "statefold-demo-"));
  const ending = new AbortController();
  setMaxListeners(0, ending.signal); // each customer waits for its own time
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => ending.abort(new Interrupted(`ended by ${signal}`)));
  }
  const kafka = new KafkaPart();
  let stage: Stage | undefined;
  const abandon = () => {
    stage?.runtime.abandon();
    stage?.functions.abandon();
    kafka.abandon();
  };
  // What is being started is not waited for either.
  ending.signal.addEventListener("abort", abandon);
  process.on("exit", abandon);
  let interrupted = false;
  try {
    say(introduction(options));
    const onFailure = (error: Error) => ending.abort(error);
    const { signal } = ending;
    const outside =
      options.kafka && (await kafka.open({ ...options.kafka, directory, say, onFailure, signal }));
    stage = await setStage({ directory, brokers: outside?.brokers, onFailure });
    signal.throwIfAborted();
    const client = new RuntimeClient(stage.url, signal);
    const doors = { client, topics: outside?.topics ?? client };
    const account = await perform(stage, doors, options, signal);
    const kills = { runtime: stage.runtime.kills, functions: stage.functions.kills };
    say(`\nThe account, from the topics alone:\n\n${reportLines(account, kills).join("\n")}\n\n`);
    if (!comesOut(account)) {
      const why = saysNothing(account)
        ? "The machine is too slow to say: try --seconds 60."
        : "The account does not come out.";
      const verdict = paint(process.stdout, "red", why);
      say(`${verdict} Data and logs are in ${directory}\n`);
      return 1;
    }
    say(`${paint(process.stdout, "green", "Every period was billed exactly once.")}\n\n`);
    await Promise.all([stage.runtime.stop(), stage.functions.stop()]);
  } catch (error) {
    // What fails after the end was decided fails because of it.
    const reason: unknown = ending.signal.aborted ? ending.signal.reason : error;
    interrupted = reason instanceof Interrupted;
    if (!interrupted) {
      const message = reason instanceof Error ? reason.message : String(reason);
      say(`\nThe demo failed: ${message}\nData and logs are in ${directory}\n`);
      return 1;
    }
  } finally {
    ending.abort(new Interrupted("over"));
    await kafka.close();
  }
  await rm(directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  return interrupted ? 130 : 0;
}

process.exitCode = await main();
process.exit();
