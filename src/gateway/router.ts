import type { Admin } from "./admin-port.ts";
import { AdminRoutes } from "./admin-routes.ts";
import type { Exchange, Later } from "./exchange.ts";
import type { GatewayLimits } from "./limits.ts";
import { MessageRoutes } from "./message-routes.ts";
import { unknownRoute } from "./not-found.ts";
import type { Health, Messages, Topics } from "./ports.ts";
import { Seats } from "./seats.ts";
import { TopicRoutes } from "./topic-routes.ts";

export interface Ports {
  readonly messages: Messages;
  readonly topics: Topics;
  readonly admin: Admin;
  readonly health: Health;
}

/** A request's way, also the label of its metrics. */
export type RouteName =
  | "call"
  | "send"
  | "calls"
  | "topics"
  | "admin"
  | "health"
  | "metrics"
  | "unknown";

export const ROUTE_NAMES: readonly RouteName[] = [
  ...(["call", "send", "calls", "topics", "admin", "health", "metrics", "unknown"] as const),
];

export interface Route {
  readonly name: RouteName;
  /** Asked by machines about the node itself: answered also while it drains, and beside the bounds. */
  readonly always: boolean;
  /** @param rest the path behind the route's own part, without a leading '/' */
  readonly handle: (exchange: Exchange, rest: string) => Promise<void> | Later | void;
}

/** Which route takes a path: by its beginning, the busiest first. */
export class Router {
  readonly #prefixes: readonly (readonly [string, Route])[];
  readonly #unknown: Route;

  constructor(ports: Ports, limits: GatewayLimits) {
    const messages = new MessageRoutes(ports.messages, limits);
    const reads = new Seats("lists and topics are being read", limits.maxReads);
    const topics = new TopicRoutes(ports.topics, reads, limits);
    const admin = new AdminRoutes(ports.admin, reads);
    const route = (name: RouteName, handle: Route["handle"], always = false): Route => ({
      name,
      always,
      handle,
    });
    const listTopics = route("topics", (exchange, rest) => topics.handle(exchange, rest));
    this.#prefixes = [
      ["/v1/call/", route("call", (exchange, rest) => messages.call(exchange, rest))],
      ["/v1/send/", route("send", (exchange, rest) => messages.send(exchange, rest))],
      ["/v1/calls/", route("calls", (exchange, rest) => messages.fetch(exchange, rest))],
      ["/v1/topics/", listTopics],
      ["/v1/topics", listTopics],
      ["/v1/admin/", route("admin", (exchange, rest) => admin.handle(exchange, rest))],
      ["/health/live", route("health", exact(ports.health, live), true)],
      ["/health/ready", route("health", exact(ports.health, ready), true)],
      ["/metrics", route("metrics", exact(ports.health, metrics), true)],
    ];
    this.#unknown = route("unknown", (exchange) => {
      throw unknownRoute(exchange);
    });
  }

  find(path: string): { readonly route: Route; readonly rest: string } {
    for (const [prefix, route] of this.#prefixes) {
      if (!path.startsWith(prefix)) continue;
      const rest = path.slice(prefix.length);
      // Without its closing '/', a beginning is a whole path.
      if (rest !== "" && !prefix.endsWith("/")) continue;
      return { route, rest };
    }
    return { route: this.#unknown, rest: path };
  }
}

function exact(health: Health, answer: (exchange: Exchange, health: Health) => void) {
  return (exchange: Exchange) => {
    exchange.allow("GET");
    answer(exchange, health);
  };
}

function live(exchange: Exchange, health: Health): void {
  const isLive = health.live();
  exchange.json(isLive ? 200 : 503, { live: isLive });
}

function ready(exchange: Exchange, health: Health): void {
  const readiness = exchange.draining.aborted
    ? { ready: false, reason: "the node is draining" }
    : health.ready();
  exchange.json(readiness.ready ? 200 : 503, readiness);
}

function metrics(exchange: Exchange, health: Health): void {
  exchange.send(200, "text/plain; version=0.0.4; charset=utf-8", health.metrics());
}
