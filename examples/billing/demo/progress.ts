/** What the screen shows while the demo runs. */
import type { Customers } from "./customers.ts";
import type { Payments } from "./payments.ts";
import type { Service } from "./processes.ts";
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

export function view(progress: Progress): View {
  const { stage, customers, payments, beginsAt, runMs } = progress;
  const { runtime, functions } = stage;
  const elapsedMs = Math.max(0, Date.now() - beginsAt);
  const seconds = Math.floor(elapsedMs / 1000);
  const clock = elapsedMs < runMs ? `${seconds} of ${runMs / 1000} s` : `${seconds} s: finishing`;
  const said = `${number(customers.changed)} changed, ${number(customers.ended)} ended`;
  const answers = `${number(payments.answered)} answers`;
  const kills = `runtime ${times(runtime)}, functions ${times(functions)}`;
  return {
    lines: [
      `  ${bar(elapsedMs / runMs, 40)}  ${clock}`,
      `  subscriptions   ${cell(customers.subscribed)} begun       ${said}`,
      `  payments        ${cell(payments.requested)} requested   ${answers}`,
      `  runtime         ${service(runtime)}`,
      `  functions       ${service(functions)}`,
    ],
    line: `  ${String(seconds).padStart(2)} s   ${cell(payments.requested)} payments requested, ${answers}; killed: ${kills}`,
  };
}

function cell(count: number): string {
  return number(count).padStart(6);
}

function service(each: Service): string {
  return `${each.state.padStart(8)}             killed ${times(each)}`;
}

function times({ kills }: Service): string {
  return kills === 1 ? "once" : `${kills} times`;
}
