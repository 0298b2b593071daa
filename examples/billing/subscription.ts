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
  /** A new length for the periods that begin `from` then on, if one was asked for. */
  readonly change?: { readonly periodMs: number; readonly from: number };
  /** What is due then or later is not paid any more. */
  readonly endsAt?: number;
}

export const Subscription = types.json<Subscription>("demo/Subscription");

const state = { subscription: value(Subscription) };

export const subscription = statefulFunction("demo/subscription", { state })
  .on(NewSubscription, (ctx, { user, periodMs, startsAt = ctx.now() }) => {
    const known = ctx.state.subscription;
    if (known?.status === "active") return;
    const period = (known?.period ?? 0) + 1; // a number is never used twice, whatever happened before
    const begun = { user, periodMs, status: "active", period, due: startsAt, attempt: 0 } as const;
    waitFor(ctx, periodFrom(startsAt, begun));
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
      waitFor(ctx, periodFrom(known.due, { ...known, period: period + 1, attempt: 0 }));
    } else if (attempt < MAX_ATTEMPTS) {
      const next = { period, due: known.due, attempt: attempt + 1 };
      ctx.sendAfter(RETRY_DELAY_MS, ctx.self, Tick, next, { token: TIMER });
    } else {
      ctx.state.subscription = { ...known, status: "suspended" };
    }
  })
  .on(ChangeInterval, (ctx, { periodMs, from = 0 }) => {
    const known = ctx.state.subscription;
    if (known?.status !== "active") return;
    const changed = { ...known, change: { periodMs, from } };
    const begins = known.due - known.periodMs;
    if (known.attempt > 0 || begins < from) {
      ctx.state.subscription = changed; // the period that is due next keeps its date
      return;
    }
    ctx.cancel(TIMER);
    waitFor(ctx, periodFrom(begins, changed));
  })
  .on(Unsubscribe, (ctx, { at = ctx.now() }) => {
    const known = ctx.state.subscription;
    if (known === undefined || known.status === "ended") return;
    if (known.status === "active" && known.due < at) {
      ctx.state.subscription = { ...known, endsAt: at };
      return;
    }
    ctx.cancel(TIMER);
    ctx.state.subscription = { ...known, status: "ended" };
  });

type SubscriptionContext = Context<typeof state>;

/** The period that begins at `begins`: its length is the one asked for at that time. */
function periodFrom(begins: number, known: Subscription): Subscription {
  const { change, ...rest } = known;
  if (change === undefined || begins < change.from) {
    return { ...known, due: begins + known.periodMs };
  }
  return { ...rest, periodMs: change.periodMs, due: begins + change.periodMs };
}

/** Waits for the period to become due; at once if it is overdue, and not at all behind the end. */
function waitFor(ctx: SubscriptionContext, next: Subscription): void {
  const { due, period, endsAt } = next;
  if (endsAt !== undefined && due >= endsAt) {
    ctx.state.subscription = { ...next, status: "ended" };
    return;
  }
  ctx.state.subscription = next;
  ctx.sendAfter(due - ctx.now(), ctx.self, Tick, { period, due, attempt: 1 }, { token: TIMER });
}

/** The subscription, if it is active and `period` is the one that matters; else the message came too late. */
function activeAt(ctx: SubscriptionContext, period: number): Subscription | undefined {
  const known = ctx.state.subscription;
  return known?.status === "active" && known.period === period ? known : undefined;
}
