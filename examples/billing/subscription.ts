/**
 * A subscription: knows when its next period is due, has it paid, and gives up after a few refusals.
 *
 * The next due date follows from the last one, never from the clock, so that no delay adds up: what was
 * late is simply caught up with.
 */
import { type Context, statefulFunction, types, value } from "@statefold/sdk";
import {
  ChangeInterval,
  NewSubscription,
  Payment,
  PaymentSettled,
  Tick,
  Unsubscribe,
} from "./messages.ts";
import { payment } from "./payment.ts";

/** A period that was refused so often suspends its subscription. */
export const MAX_ATTEMPTS = 3;

/** How long after a refusal the next attempt is made. */
export const RETRY_DELAY_MS = 500;

/** Tokens are shared by all functions of one id, so this one names its function. */
const TIMER = "subscription-timer";

export interface Subscription {
  readonly user: string;
  readonly periodMs: number;
  readonly status: "active" | "suspended" | "ended";
  /** The period that is waited for, or being paid. */
  readonly period: number;
  /** When it is due, in ms since the epoch. */
  readonly due: number;
  /** The attempt to pay it that is under way; 0 before the first. */
  readonly attempt: number;
}

export const Subscription = types.json<Subscription>("demo/Subscription");

const state = { subscription: value(Subscription) };

export const subscription = statefulFunction("demo/subscription", { state })
  .on(NewSubscription, (ctx, { user, periodMs }) => {
    const known = ctx.state.subscription;
    if (known?.status === "active") return;
    waitFor(ctx, {
      user,
      periodMs,
      status: "active",
      period: (known?.period ?? 0) + 1, // a number is never used twice, whatever happened before
      due: ctx.now() + periodMs,
      attempt: 0,
    });
  })
  .on(Tick, (ctx, { period, due, attempt }) => {
    const known = activeAt(ctx, period);
    if (known === undefined || attempt !== known.attempt + 1) return;
    if (due !== known.due) return; // it was on its way when the interval changed
    const { user } = known;
    ctx.state.subscription = { ...known, attempt };
    ctx.send(payment.at(ctx.self.id), Payment, { user, period, due, attempt });
  })
  .on(PaymentSettled, (ctx, { period, attempt, paid }) => {
    const known = activeAt(ctx, period);
    if (known === undefined || attempt !== known.attempt) return;
    if (paid) {
      waitFor(ctx, { ...known, period: period + 1, due: known.due + known.periodMs, attempt: 0 });
    } else if (attempt < MAX_ATTEMPTS) {
      const next = { period, due: known.due, attempt: attempt + 1 };
      ctx.sendAfter(RETRY_DELAY_MS, ctx.self, Tick, next, { token: TIMER });
    } else {
      ctx.state.subscription = { ...known, status: "suspended" };
    }
  })
  .on(ChangeInterval, (ctx, { periodMs }) => {
    const known = ctx.state.subscription;
    if (known === undefined) return;
    const changed = { ...known, periodMs };
    if (known.status !== "active" || known.attempt > 0) {
      ctx.state.subscription = changed; // it counts from the period that is being paid
      return;
    }
    ctx.cancel(TIMER);
    waitFor(ctx, { ...changed, due: known.due - known.periodMs + periodMs });
  })
  .on(Unsubscribe, (ctx) => {
    const known = ctx.state.subscription;
    if (known === undefined || known.status === "ended") return;
    ctx.cancel(TIMER);
    ctx.state.subscription = { ...known, status: "ended" };
  });

type SubscriptionContext = Context<typeof state>;

/** Waits for the period to become due; at once if it is overdue. */
function waitFor(ctx: SubscriptionContext, next: Subscription): void {
  ctx.state.subscription = next;
  const { due, period } = next;
  ctx.sendAfter(due - ctx.now(), ctx.self, Tick, { period, due, attempt: 1 }, { token: TIMER });
}

/** The subscription, if it is active and `period` is the one that matters; else the message came too late. */
function activeAt(ctx: SubscriptionContext, period: number): Subscription | undefined {
  const known = ctx.state.subscription;
  return known?.status === "active" && known.period === period ? known : undefined;
}
