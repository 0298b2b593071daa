import type { Exchange } from "./exchange.ts";
import { Problem } from "./problem.ts";

export function notFound(message: string): Problem {
  return new Problem("NOT_FOUND", message);
}

export function unknownRoute(exchange: Exchange): Problem {
  return notFound(
    `${exchange.path} is nothing here; there are /v1/send, /v1/call, /v1/calls, /v1/topics, /v1/admin, /health/live, /health/ready and /metrics`,
  );
}
