/** Serves the billing functions: `functions.js [PORT]`, 9000 without one. */
import { serve } from "@statefold/sdk";
import { payment } from "./payment.ts";
import { subscription } from "./subscription.ts";

const server = await serve([subscription, payment], { port: Number(process.argv[2] ?? 9000) });
process.stdout.write(`serving demo/subscription and demo/payment at ${server.url}\n`);

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => void server.close());
}
