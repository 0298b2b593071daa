import type { Address } from "../model/address.ts";
import type {
  AddressDetail,
  Admin,
  DeadDetail,
  MessageView,
  Page,
  PageQuery,
  ParkedDetail,
} from "./admin-port.ts";
import type { Exchange } from "./exchange.ts";
import { invalid, Problem } from "./problem.ts";
import { decodeSegment, parseAddress, parseCount, parseQuery } from "./request-path.ts";
import type { Seats } from "./seats.ts";
import { viewValue } from "./value-view.ts";

const DEFAULT_PAGE = 100;
export const MAX_PAGE = 1_000;

/**
 * `/v1/admin`: what a person sees and does; the command line and the console use nothing else.
 *
 *     GET  status | partitions | endpoints
 *     GET  addresses ?type= | timers | parked ?type= | dead          in pages: ?after= &limit=
 *     GET  state/{namespace}/{name}/{id}
 *     GET  parked/{namespace}/{name}/{id}      POST …/retry, …/skip
 *     GET  dead/{id}      POST …/retry      DELETE dead/{id}
 */
export class AdminRoutes {
  readonly #admin: Admin;
  readonly #reads: Seats;

  /** @param reads shared with whatever else reads much at once */
  constructor(admin: Admin, reads: Seats) {
    this.#admin = admin;
    this.#reads = reads;
  }

  async handle(exchange: Exchange, rest: string): Promise<void> {
    const slash = rest.indexOf("/");
    const subject = slash < 0 ? rest : rest.slice(0, slash);
    const object = slash < 0 ? undefined : rest.slice(slash + 1);
    if (object === undefined) await this.#list(exchange, subject);
    else if (subject === "state") await this.#state(exchange, object);
    else if (subject === "parked") await this.#parked(exchange, object);
    else if (subject === "dead") await this.#dead(exchange, object);
    else throw unknownRoute(exchange);
  }

  async #list(exchange: Exchange, subject: string): Promise<void> {
    exchange.allow("GET");
    const admin = this.#admin;
    switch (subject) {
      case "status":
        return exchange.json(200, await admin.status());
      case "partitions":
        return exchange.json(200, { items: await admin.partitions() });
      case "endpoints":
        return exchange.json(200, { items: await admin.endpoints() });
      case "addresses":
        return this.#page(exchange, () => admin.addresses(addressQuery(exchange)));
      case "timers":
        return this.#page(exchange, () => admin.timers(pageQuery(exchange)));
      case "parked":
        return this.#page(exchange, () => admin.parked(addressQuery(exchange)));
      case "dead":
        return this.#page(exchange, () => admin.dead(pageQuery(exchange)));
      default:
        throw unknownRoute(exchange);
    }
  }

  async #page(exchange: Exchange, list: () => Promise<Page<unknown>>): Promise<void> {
    exchange.json(200, await this.#reads.use(list));
  }

  async #state(exchange: Exchange, object: string): Promise<void> {
    exchange.allow("GET");
    const address = parseAddress(object);
    const detail = await this.#reads.use(() => this.#admin.address(address));
    if (detail === undefined) throw notFound(`nothing is known of ${shown(address)}`);
    exchange.json(200, viewAddress(detail));
  }

  async #parked(exchange: Exchange, object: string): Promise<void> {
    const { name, verb } = splitVerb(object, 3);
    const address = parseAddress(name);
    if (verb === undefined) {
      exchange.allow("GET");
      const detail = await this.#reads.use(() => this.#admin.parkedDetail(address));
      if (detail === undefined) throw notParked(address);
      exchange.json(200, viewParked(detail));
      return;
    }
    exchange.allow("POST");
    if (verb === "retry") {
      if (!(await this.#admin.parkedRetry(address))) throw notParked(address);
      exchange.json(200, { retried: address });
    } else if (verb === "skip") {
      const skipped = await this.#admin.parkedSkip(address);
      if (skipped === undefined) throw notParked(address);
      exchange.json(200, skipped);
    } else throw unknownRoute(exchange);
  }

  async #dead(exchange: Exchange, object: string): Promise<void> {
    const { name, verb } = splitVerb(object, 1);
    if (name.includes("/")) throw unknownRoute(exchange);
    const id = decodeSegment(name);
    if (verb === "retry") {
      exchange.allow("POST");
      if (!(await this.#admin.deadRetry(id))) throw noDeadLetter(id);
      exchange.json(200, { retried: id });
    } else if (verb !== undefined) throw unknownRoute(exchange);
    else if (exchange.request.method === "DELETE") {
      if (!(await this.#admin.deadPurge(id))) throw noDeadLetter(id);
      exchange.json(200, { purged: id });
    } else {
      exchange.allow("GET", "DELETE");
      const detail = await this.#reads.use(() => this.#admin.deadDetail(id));
      if (detail === undefined) throw noDeadLetter(id);
      exchange.json(200, viewDead(detail));
    }
  }
}

/** What follows the `parts` parts of a name, as the thing to do with it. */
function splitVerb(object: string, parts: number): { name: string; verb: string | undefined } {
  const all = object.split("/");
  if (all.length !== parts + 1) return { name: object, verb: undefined };
  return { name: all.slice(0, parts).join("/"), verb: all[parts] };
}

function pageQuery(exchange: Exchange): PageQuery {
  return pageOf(parseQuery(exchange.query, ["after", "limit"]));
}

function addressQuery(exchange: Exchange): PageQuery & { readonly type: string | undefined } {
  const query = parseQuery(exchange.query, ["type", "after", "limit"]);
  return { ...pageOf(query), type: query.get("type") };
}

function pageOf(query: ReadonlyMap<string, string>): PageQuery {
  const limit = parseCount("limit", query.get("limit") ?? String(DEFAULT_PAGE), MAX_PAGE);
  if (limit === 0) throw invalid("limit=0 would show nothing; it is 1 to 1000");
  return { after: query.get("after"), limit };
}

function viewAddress(detail: AddressDetail) {
  const states = detail.states.map((state) => ({ ...state, value: viewValue(state.value) }));
  return { ...detail, states };
}

function viewParked(detail: ParkedDetail) {
  return { ...detail, messages: detail.messages.map(viewMessage) };
}

function viewDead(detail: DeadDetail) {
  const message = detail.message === undefined ? undefined : viewMessage(detail.message);
  return { ...detail, value: viewValue(detail.value), message };
}

function viewMessage(message: MessageView) {
  return { ...message, value: viewValue(message.value) };
}

function shown(address: Address): string {
  return `${address.type} ${address.id}`;
}

function notFound(message: string): Problem {
  return new Problem("NOT_FOUND", message);
}

function notParked(address: Address): Problem {
  return notFound(`${shown(address)} is not parked`);
}

function noDeadLetter(id: string): Problem {
  return notFound(`there is no dead letter ${id}`);
}

export function unknownRoute(exchange: Exchange): Problem {
  return notFound(
    `${exchange.path} is nothing here; there are /v1/send, /v1/call, /v1/calls, /v1/topics, /v1/admin, /health/live, /health/ready and /metrics`,
  );
}
