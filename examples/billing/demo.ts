/**
 * `npm run demo`: a thousand subscriptions are billed through crashes, and the bill is checked.
 *
 * It starts the runtime and the functions as processes of their own, plays the customers and the payment
 * provider itself, over HTTP, kills both processes again and again, and at the end draws the account from
 * the topics alone. Exit code 1 when the account does not come out.
 */
import { setMaxListeners } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { type Account, comesOut, drawAccount } from "./demo/account.ts";
import { killNowAndThen } from "./demo/chaos.ts";
import { Customers } from "./demo/customers.ts";
import { Payments } from "./demo/payments.ts";
import { type Order, planOrders } from "./demo/plan.ts";
import { view } from "./demo/progress.ts";
import { number, reportLines } from "./demo/report.ts";
import { paint, Screen } from "./demo/screen.ts";
import { type Stage, setStage } from "./demo/stage.ts";
import { RuntimeClient } from "./demo/topics.ts";
import type { PaymentRequest, PaymentResult } from "./messages.ts";
import { REQUESTS_TOPIC, RESULTS_TOPIC } from "./payment.ts";

const HELP = `npm run demo -- [--subscriptions 1000] [--seconds 24] [--seed 1]\n`;

/** It is over when the account has come out, and nothing has happened for so long. */
const QUIET_MS = 2_500;

/** Or when nothing at all has happened for so long. */
const STUCK_MS = 15_000;

interface Options {
  readonly subscriptions: number;
  readonly runMs: number;
  readonly seed: number;
}

class Interrupted extends Error {}

function say(text: string): void {
  process.stdout.write(text);
}

function readOptions(): Options {
  const { values } = parseArgs({
    options: {
      subscriptions: { type: "string", default: "1000" },
      seconds: { type: "string", default: "24" },
      seed: { type: "string", default: "1" },
    },
  });
  const count = (text: string, least: number) => {
    if (/^\d+$/.test(text) && Number(text) >= least) return Number(text);
    throw new Error(`${text} is no whole number from ${least}; ${HELP}`);
  };
  return {
    subscriptions: count(values.subscriptions, 1),
    runMs: count(values.seconds, 10) * 1000,
    seed: count(values.seed, 0),
  };
}

function introduction({ subscriptions, runMs }: Options): string {
  return `
${number(subscriptions)} customers pay for their subscriptions every few seconds, for ${runMs / 1000} seconds.

Two small functions bill them: one knows when each customer has to pay, the other asks a payment provider
for the money. They run in a process of their own and keep nothing in memory. The runtime, another process,
calls them over HTTP and keeps all they have to remember: state, messages, timers.

The provider answers late, or twice, or refuses. And both processes are killed, without warning, again and
again. Every period has to be billed all the same, at its date, and never twice.

`;
}

/** Everything that acts: until the customers have said all, the killing is over, and the topics are quiet. */
async function perform(stage: Stage, options: Options, signal: AbortSignal): Promise<Account> {
  const { subscriptions, runMs, seed } = options;
  const client = new RuntimeClient(stage.url, signal);
  await Promise.all([stage.runtime.start(), stage.functions.start()]);
  const beginsAt = Date.now();
  const orders = planOrders({ seed, subscriptions, runMs, beginsAt });
  const customers = new Customers(client, orders, signal);
  const payments = new Payments(client, signal);
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
    return await accountWhenQuiet(client, orders, payments, signal);
  } finally {
    screen.stop();
  }
}

async function accountWhenQuiet(
  client: RuntimeClient,
  orders: readonly Order[],
  payments: Payments,
  signal: AbortSignal,
): Promise<Account> {
  let [before, since] = [-1, Date.now()];
  for (;;) {
    const now = payments.requested + payments.answered;
    if (now !== before) [before, since] = [now, Date.now()];
    const quietMs = Date.now() - since;
    if (quietMs >= QUIET_MS) {
      const account = await readAccount(client, orders);
      if (comesOut(account) || quietMs >= STUCK_MS) return account;
    }
    await sleep(500, undefined, { signal });
  }
}

async function readAccount(client: RuntimeClient, orders: readonly Order[]): Promise<Account> {
  const requests = await client.read(REQUESTS_TOPIC);
  const results = await client.read(RESULTS_TOPIC);
  return drawAccount(orders, {
    requests: requests.map(({ value }) => value as PaymentRequest),
    results: results.map(({ value }) => value as PaymentResult),
  });
}

async function main(): Promise<number> {
  const options = readOptions();
  const directory = await mkdtemp(join(tmpdir(), "statefold-demo-"));
  const ending = new AbortController();
  setMaxListeners(0, ending.signal); // each customer waits for its own time
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => ending.abort(new Interrupted(`ended by ${signal}`)));
  }
  const stage = await setStage(directory, (error) => ending.abort(error));
  process.on("exit", () => {
    stage.runtime.abandon();
    stage.functions.abandon();
  });
  let interrupted = false;
  try {
    say(introduction(options));
    const account = await perform(stage, options, ending.signal);
    const kills = { runtime: stage.runtime.kills, functions: stage.functions.kills };
    say(`\nThe account, from the topics alone:\n\n${reportLines(account, kills).join("\n")}\n\n`);
    if (!comesOut(account)) {
      const verdict = paint(process.stdout, "red", "The account does not come out.");
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
    stage.runtime.abandon();
    stage.functions.abandon();
  }
  await rm(directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  return interrupted ? 130 : 0;
}

process.exitCode = await main();
process.exit();
