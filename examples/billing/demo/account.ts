/**
 * The account: what was due by the calendar, beside what was asked for and answered in the topics.
 *
 * A subscription's periods are due at dates that follow from its order alone: start, interval, change, end.
 * A period is billed by requests 1, 2, … until one is paid; one that is refused MAX_ATTEMPTS times suspends
 * the subscription, and nothing is due after it. Whatever was not asked for is missing, whatever was asked
 * for twice is a duplicate, and whatever should not have been asked for is not due.
 */
import type { PaymentRequest, PaymentResult } from "../messages.ts";
import { MAX_ATTEMPTS } from "../subscription.ts";
import type { Order } from "./plan.ts";

/** What the topics hold, each subscription's records in their order. */
export interface Records {
  readonly requests: readonly PaymentRequest[];
  readonly results: readonly PaymentResult[];
}

export interface Account {
  readonly subscriptions: number;
  /** Not among them, nor in anything below: what they owe cannot be said from outside. */
  readonly leftOut: number;
  readonly changed: number;
  readonly left: number;
  readonly suspended: number;
  /** By the calendar. */
  readonly periodsDue: number;
  readonly periodsPaid: number;
  readonly requests: number;
  /** Requests that answer a refusal. */
  readonly retries: number;
  readonly results: number;
  readonly resultsTwice: number;
  readonly refused: number;
  /** All of these are zero when the account comes out. */
  readonly duplicates: number;
  readonly missing: number;
  readonly notDue: number;
  readonly wrongDate: number;
  readonly outOfOrder: number;
  readonly unanswered: number;
  /** What is wrong, in words: the first few. */
  readonly findings: readonly string[];
}

const MAX_FINDINGS = 10;

type Counts = { -readonly [K in keyof Omit<Account, "findings">]: number };

/** When the periods of a subscription are due, in ms since the epoch. */
export function dueDates({ begin, change, end }: Order): number[] {
  const dates: number[] = [];
  let begins = begin.startsAt;
  for (;;) {
    const isChanged = change !== undefined && begins >= change.message.from;
    const due = begins + (isChanged ? change.message.periodMs : begin.periodMs);
    if (due >= end.message.at) return dates;
    dates.push(due);
    begins = due;
  }
}

export function drawAccount(orders: readonly Order[], records: Records, leftOut = 0): Account {
  return new Audit(records, leftOut).of(orders);
}

/** It leaves out as many as it holds. */
export function saysNothing(account: Account): boolean {
  return account.leftOut >= account.subscriptions;
}

export function comesOut(account: Account): boolean {
  if (saysNothing(account)) return false;
  const { duplicates, missing, notDue, wrongDate, outOfOrder, unanswered } = account;
  return duplicates + missing + notDue + wrongDate + outOfOrder + unanswered === 0;
}

class Audit {
  readonly #paid = new Map<string, boolean>();
  readonly #requests: ReadonlyMap<string, readonly PaymentRequest[]>;
  readonly #paymentIds = new Set<string>();
  readonly #findings: string[] = [];
  readonly #counts: Counts;

  constructor({ requests, results }: Records, leftOut: number) {
    for (const { paymentId, paid } of results) this.#paid.set(paymentId, paid);
    this.#requests = groupBy(requests, ({ subscription }) => subscription);
    this.#counts = {
      ...{
        subscriptions: 0,
        leftOut,
        changed: 0,
        left: 0,
        suspended: 0,
        periodsDue: 0,
        periodsPaid: 0,
      },
      ...{ requests: requests.length, retries: 0, results: results.length },
      ...{ resultsTwice: results.length - this.#paid.size, refused: 0 },
      ...{ duplicates: 0, missing: 0, notDue: 0, wrongDate: 0, outOfOrder: 0, unanswered: 0 },
    };
  }

  of(orders: readonly Order[]): Account {
    for (const order of orders) this.#subscription(order);
    const known = new Set(orders.map(({ id }) => id));
    for (const [id, requests] of this.#requests) {
      if (!known.has(id)) this.#found("notDue", `${id} was never ordered`, requests.length);
    }
    return { ...this.#counts, findings: this.#findings };
  }

  #subscription(order: Order): void {
    const counts = this.#counts;
    counts.subscriptions++;
    if (order.change !== undefined) counts.changed++;
    if (order.leaves) counts.left++;
    const requests = this.#requests.get(order.id) ?? [];
    this.#order(order.id, requests);
    const periods = groupBy(requests, ({ period }) => period);
    for (const [index, due] of dueDates(order).entries()) {
      const period = index + 1;
      counts.periodsDue++;
      const isSuspended = this.#period(`${order.id} period ${period}`, due, periods.get(period));
      periods.delete(period);
      if (!isSuspended) continue;
      counts.suspended++;
      break;
    }
    for (const [period, surplus] of periods) {
      this.#found("notDue", `${order.id} period ${period} was never due`, surplus.length);
    }
  }

  /** One period's requests, from the first to the paid one; true when it suspends the subscription. */
  #period(name: string, due: number, requests: readonly PaymentRequest[] = []): boolean {
    const attempts = groupBy(requests, ({ attempt }) => attempt);
    let isSuspended = false;
    for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
      const [request, ...again] = attempts.get(attempt) ?? [];
      attempts.delete(attempt);
      const which = `${name} attempt ${attempt}`;
      if (request === undefined) {
        this.#found("missing", `${which} was due and not requested`);
        break;
      }
      this.#request(which, due, request, again.length);
      const paid = this.#paid.get(request.paymentId);
      if (paid === undefined) this.#found("unanswered", `${which} was not answered`);
      if (paid === true) this.#counts.periodsPaid++;
      if (paid !== false) break;
      this.#counts.refused++;
      isSuspended = attempt === MAX_ATTEMPTS;
    }
    for (const [attempt, surplus] of attempts) {
      this.#found("notDue", `${name} attempt ${attempt} was not called for`, surplus.length);
    }
    return isSuspended;
  }

  #request(which: string, due: number, request: PaymentRequest, again: number): void {
    if (request.attempt > 1) this.#counts.retries++;
    if (again > 0) this.#found("duplicates", `${which} was requested ${again + 1} times`, again);
    if (this.#paymentIds.has(request.paymentId)) {
      this.#found("duplicates", `${which} has another one's payment id`);
    }
    this.#paymentIds.add(request.paymentId);
    if (request.due === due) return;
    this.#found("wrongDate", `${which} says it was due at ${request.due}, not ${due}`);
  }

  #order(id: string, requests: readonly PaymentRequest[]): void {
    for (const [index, { period, attempt }] of requests.entries()) {
      const before = requests[index - 1];
      if (before === undefined || before.period < period) continue;
      if (before.period === period && before.attempt <= attempt) continue;
      this.#found("outOfOrder", `${id} period ${period} came after ${before.period}`);
    }
  }

  #found(what: keyof Counts, finding: string, count = 1): void {
    this.#counts[what] += count;
    if (this.#findings.length < MAX_FINDINGS) this.#findings.push(finding);
  }
}

function groupBy<T, K>(items: readonly T[], key: (item: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>();
  for (const item of items) {
    const group = groups.get(key(item));
    if (group === undefined) groups.set(key(item), [item]);
    else group.push(item);
  }
  return groups;
}
