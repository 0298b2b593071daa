/**
 * What is ordered, and when: drawn from the seed before anything runs. Every date that a bill depends on is
 * in the orders, so the account can say what was due without asking anyone who took part.
 */
import type { ChangeInterval, NewSubscription, Unsubscribe } from "../messages.ts";
import { share } from "./share.ts";

export interface PlanOptions {
  readonly seed: number;
  readonly subscriptions: number;
  /** From the first subscription's start to the end of all of them. */
  readonly runMs: number;
  /** When it begins, in ms since the epoch. */
  readonly beginsAt: number;
}

/** One subscription, with all that its customer will ever say. */
export interface Order {
  readonly id: string;
  readonly begin: Required<NewSubscription>;
  readonly change: Timed<Required<ChangeInterval>> | undefined;
  readonly end: Timed<Required<Unsubscribe>>;
  /** Its customer left before the others. */
  readonly leaves: boolean;
}

export interface Timed<M> {
  readonly message: M;
  /** When it is sent: so long before the date it speaks of that it is there in time through any crash. */
  readonly sendAt: number;
}

/** Shares of all subscriptions; who leaves changes nothing. */
const CHANGING = 0.15;
const LEAVING = 0.15;

/** From what is said to the date it speaks of: longer than a crash and a new start take. */
const MIN_LEAD_MS = 4_000;

const PERIOD_MS = { from: 3_000, to: 6_000 };

export function planOrders(options: PlanOptions): Order[] {
  return Array.from({ length: options.subscriptions }, (_, index) => planOrder(index, options));
}

function planOrder(index: number, { seed, runMs, beginsAt }: PlanOptions): Order {
  const draw = (what: string) => share(`${seed} ${what} ${index}`);
  const between = (what: string, from: number, to: number) =>
    Math.round(from + draw(what) * (to - from));
  /** At a part of the run. */
  const at = (part: number) => beginsAt + Math.round(part * runMs);
  const period = (what: string) => between(what, PERIOD_MS.from, PERIOD_MS.to);
  const leadMs = Math.max(MIN_LEAD_MS, Math.round(runMs / 5));

  const id = `s-${String(index + 1).padStart(4, "0")}`;
  const begin = {
    user: `user-${index + 1}`,
    periodMs: period("period"),
    startsAt: between("start", beginsAt, at(0.1)),
  };
  const changeAt = between("change at", at(0.25), at(0.45));
  const changed = { periodMs: period("new period"), from: changeAt + leadMs };
  const fate = draw("fate");
  const leaves = fate < LEAVING;
  const changes = !leaves && fate < LEAVING + CHANGING;
  const leaveAt = between("leave at", at(0.3), at(0.45));
  // All that stay end on one day, and say so at about the same time.
  const goodbyeAt = between("goodbye at", at(0.95) - leadMs, at(1) - leadMs);
  return {
    id,
    begin,
    change: changes ? { message: changed, sendAt: changeAt } : undefined,
    end: leaves
      ? { message: { at: leaveAt + leadMs }, sendAt: leaveAt }
      : { message: { at: at(1) }, sendAt: goodbyeAt },
    leaves,
  };
}
