/** Every message of the billing demo. Records of Kafka topics are bare JSON, keyed by the subscription's id. */
import { types } from "@statefold/sdk";

export interface NewSubscription {
  readonly user: string;
  readonly periodMs: number;
  /** When the first period begins, in ms since the epoch. Default: when the message was accepted. */
  readonly startsAt?: number;
}

/** From topic `subscriptions`: begins a subscription, or takes up one that ended or was suspended. */
export const NewSubscription = types.json("demo/NewSubscription", (parsed): NewSubscription => {
  const { user } = parsed as Partial<NewSubscription>;
  if (typeof user !== "string" || user === "") throw new TypeError("user must be a text");
  return { user, periodMs: requirePeriod(parsed), ...optionalTime(parsed, "startsAt") };
});

export interface ChangeInterval {
  readonly periodMs: number;
  /** Periods that begin then or later have the new length. Default: the one that is waited for, too. */
  readonly from?: number;
}

/** Of two changes that are both still to come, the second counts. */
export const ChangeInterval = types.json("demo/ChangeInterval", (parsed): ChangeInterval => {
  return { periodMs: requirePeriod(parsed), ...optionalTime(parsed, "from") };
});

export interface Unsubscribe {
  /** Default: when the message was accepted. */
  readonly at?: number;
}

/**
 * Ends a subscription: what is due before `at` is still paid, what is due then or later is not. What was
 * requested already is not taken back.
 */
export const Unsubscribe = types.json("demo/Unsubscribe", (parsed): Unsubscribe => {
  return optionalTime(parsed, "at");
});

export interface Tick {
  readonly period: number;
  readonly due: number;
  readonly attempt: number;
}

/** From a subscription to itself: it is time to pay. */
export const Tick = types.json<Tick>("demo/Tick");

export interface Payment {
  readonly user: string;
  /** Periods of one subscription are numbered 1, 2, 3, … */
  readonly period: number;
  /** When the period was due, in ms since the epoch. */
  readonly due: number;
  /** 1, 2, … within the period. */
  readonly attempt: number;
}

/** From a subscription to its payment: get it paid. */
export const Payment = types.json<Payment>("demo/Payment");

export interface PaymentRequest extends Payment {
  readonly paymentId: string;
  readonly subscription: string;
}

/**
 * To topic `payment_requests`. With all of a subscription's requests at hand one can say which periods
 * were due, which were asked for twice (the same period and attempt), and which are missing (a number
 * left out).
 */
export const PaymentRequest = types.json<PaymentRequest>("demo/PaymentRequest");

export interface PaymentResult {
  readonly paymentId: string;
  readonly paid: boolean;
}

/** From topic `payment_results`: the provider's answer. It may come late, and more than once. */
export const PaymentResult = types.json("demo/PaymentResult", (parsed): PaymentResult => {
  const { paymentId, paid } = parsed as Partial<PaymentResult>;
  if (typeof paymentId !== "string") throw new TypeError("paymentId must be a text");
  if (typeof paid !== "boolean") throw new TypeError("paid must be true or false");
  return { paymentId, paid };
});

export interface PaymentSettled {
  readonly period: number;
  readonly attempt: number;
  readonly paid: boolean;
}

/** From a payment back to whoever wanted it; once for each. */
export const PaymentSettled = types.json<PaymentSettled>("demo/PaymentSettled");

function requirePeriod(parsed: unknown): number {
  const { periodMs } = parsed as Partial<ChangeInterval>;
  if (typeof periodMs === "number" && Number.isSafeInteger(periodMs) && periodMs > 0) {
    return periodMs;
  }
  throw new TypeError("periodMs must be a whole number above 0");
}

function optionalTime<N extends string>(parsed: unknown, name: N): { readonly [K in N]?: number } {
  const { [name]: time } = parsed as Readonly<Record<string, unknown>>;
  if (time === undefined) return {};
  if (typeof time === "number" && Number.isSafeInteger(time)) {
    return { [name]: time } as { readonly [K in N]?: number };
  }
  throw new TypeError(`${name} must be a time in ms since the epoch`);
}
