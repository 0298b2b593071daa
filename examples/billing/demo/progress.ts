/** What the screen shows while the demo runs. */
import type { Customers } from "./customers.ts";
import type { Payments } from "./payments.ts";
import type { Service, ServiceState } from "./processes.ts";
import { number } from "./report.ts";
import { bar, type View } from "./screen.ts";
import type { Stage } from "./stage.ts";

export interface Progress {
  readonly stage: Stage;
  readonly customers: Customers;
  readonly payments: Payments;
  readonly beginsAt: number;
  readonly runMs: number;
}

const WORDS: Readonly<Record<ServiceState, string>> = {
  starting: "starting",
  up: "up",
  killed: "killed",
  ended: "ended",
};

/** @param isQuieting the time is over, and only what is under way is waited for */
export function view(progress: Progress): View {
  const { stage, customers, payments, beginsAt, runMs } = progress;
  const { runtime, functions } = stage;
  const elapsedMs = Math.max(0, Date.now() - beginsAt);
  const seconds = Math.floor(elapsedMs / 1000);
  const isOver = elapsedMs > runMs;
  const clock = isOver ? `${seconds} s, finishing` : `${seconds} of ${runMs / 1000} s`;
  const said = `${number(customers.changed)} changed, ${number(customers.ended)} ended`;
  const paid = `${number(payments.answered)} answered, ${number(payments.refused)} refused`;
  return {
    lines: [
      `  ${bar(elapsedMs / runMs, 40)}  ${clock}`,
      `  subscriptions  ${cell(customers.subscribed)} begun       ${said}`,
      `  payments       ${cell(payments.requested)} requested   ${paid}`,
      `  runtime        ${service(runtime)}`,
      `  functions      ${service(functions)}`,
    ],
    line: `${`${seconds}`.padStart(3)} s: ${number(payments.requested)} payments requested, ${paid}; killed: runtime ${runtime.kills}, functions ${functions.kills} times`,
  };
}

function cell(count: number): string {
  return number(count).padStart(6);
}

function service({ state, kills }: Service): string {
  const often = kills === 1 ? "once" : `${kills} times`;
  return `${WORDS[state].padStart(8)}     kill -9 ${kills === 0 ? "not yet" : often}`;
}
