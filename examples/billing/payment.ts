/**
 * Payments: asks the provider over the egress, and tells whoever wanted the payment how it ended, once,
 * however often and late the provider answers.
 */
import { type Address, kafka, statefulFunction, types, value } from "@statefold/sdk";
import { Payment, PaymentRequest, PaymentResult, PaymentSettled } from "./messages.ts";

export const KAFKA = "demo/kafka";
export const REQUESTS_TOPIC = "payment_requests";
export const RESULTS_TOPIC = "payment_results";

export interface PaymentState {
  readonly payment: Payment;
  /** Not chosen by chance: handled again, the same message has the same id, so nothing is paid twice. */
  readonly paymentId: string;
  readonly settled: boolean;
  /** Who wants to know. Results come from outside and have no caller. */
  readonly wantedBy: Address | null;
}

export const PaymentState = types.json<PaymentState>("demo/PaymentState");

export const payment = statefulFunction("demo/payment", {
  state: { payment: value(PaymentState) },
})
  .on(Payment, (ctx, wanted) => {
    const paymentId = ctx.uuid();
    const wantedBy = ctx.caller ?? null;
    ctx.state.payment = { payment: wanted, paymentId, settled: false, wantedBy };
    const request = { ...wanted, paymentId, subscription: ctx.self.id };
    ctx.egress(
      KAFKA,
      kafka({
        topic: REQUESTS_TOPIC,
        key: ctx.self.id,
        valueType: PaymentRequest,
        value: request,
      }),
    );
  })
  .on(PaymentResult, (ctx, { paymentId, paid }) => {
    const known = ctx.state.payment;
    if (known === undefined || known.paymentId !== paymentId) return; // late: another is under way
    if (known.settled) return; // a duplicate
    ctx.state.payment = { ...known, settled: true };
    if (known.wantedBy === null) return;
    const { period, attempt } = known.payment;
    ctx.send(known.wantedBy, PaymentSettled, { period, attempt, paid });
  });
