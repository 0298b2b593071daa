import { StatefoldError } from "../base/errors.ts";
import type { Address } from "../model/address.ts";
import type {
  Admin,
  DeadDetail,
  MessageView,
  NewTarget,
  Page,
  ParkedDetail,
  StuckQuery,
} from "./admin-port.ts";
import type { Exchange } from "./exchange.ts";
import { notFound, unknownRoute } from "./not-found.ts";
import { invalid } from "./problem.ts";
import { decodeSegment, parseAddress, parseQuery } from "./request-path.ts";
import type { Seats } from "./seats.ts";
import { bulkCursor, bulkQuery, listQuery } from "./stuck-query.ts";
import { viewHeader, viewValue } from "./value-view.ts";

/**
 * What a person does about stuck work: parked addresses and dead letters.
 *
 *     GET  parked, dead                       ?type= &code= &reason= &olderThan=    in pages
 *     POST parked/retry, /skip, /purge        the same conditions, or ?all          a page of them
 *     POST dead/retry, /purge                 the same
 *     GET  parked/{namespace}/{name}/{id}     POST …/retry, …/skip, …/purge
 *     GET  dead/{id}     POST …/retry ?to=    DELETE dead/{id}
 */
export class StuckRoutes {
  readonly #admin: Admin;
  readonly #reads: Seats;

  /** @param reads shared with whatever else reads much at once */
  constructor(admin: Admin, reads: Seats) {
    this.#admin = admin;
    this.#reads = reads;
  }

  async parked(exchange: Exchange, object: string | undefined): Promise<void> {
    const admin = this.#admin;
    if (object === undefined) {
      exchange.allow("GET");
      return exchange.json(200, await this.#reads.use(() => admin.parked(listQuery(exchange))));
    }
    if (!object.includes("/")) return await this.#manyParked(exchange, object);
    const { name, verb } = splitVerb(object, 3);
    const address = parseAddress(name);
    exchange.allow(verb === undefined ? "GET" : "POST");
    switch (verb) {
      case undefined: {
        const detail = await this.#reads.use(() => admin.parkedDetail(address));
        if (detail === undefined) throw notParked(address);
        return exchange.json(200, viewParked(detail));
      }
      case "retry":
        if (!(await admin.parkedRetry(address))) throw notParked(address);
        return exchange.json(200, { retried: address });
      case "skip": {
        const skipped = await admin.parkedSkip(address);
        if (skipped === undefined) throw notParked(address);
        return exchange.json(200, skipped);
      }
      case "purge": {
        const messages = await admin.parkedPurge(address);
        if (messages === undefined) throw notParked(address);
        return exchange.json(200, { purged: address, messages });
      }
      default:
        throw unknownRoute(exchange);
    }
  }

  async dead(exchange: Exchange, object: string | undefined): Promise<void> {
    const admin = this.#admin;
    if (object === undefined) {
      exchange.allow("GET");
      return exchange.json(200, await this.#reads.use(() => admin.dead(listQuery(exchange))));
    }
    if (exchange.request.method === "POST" && !object.includes("/")) {
      return await this.#manyDead(exchange, object);
    }
    const { name, verb } = splitVerb(object, 1);
    if (name.includes("/") || (verb !== undefined && verb !== "retry"))
      throw unknownRoute(exchange);
    const id = decodeSegment(name);
    if (verb === "retry") {
      exchange.allow("POST");
      const to = newTarget(parseQuery(exchange.query, ["to"]).get("to"));
      if (!(await admin.deadRetry(id, to))) throw noDeadLetter(id);
      return exchange.json(200, { retried: id });
    }
    exchange.allow("GET", "DELETE");
    if (exchange.request.method === "DELETE") {
      if (!(await admin.deadPurge(id))) throw noDeadLetter(id);
      return exchange.json(200, { purged: id });
    }
    const detail = await this.#reads.use(() => admin.deadDetail(id));
    if (detail === undefined) throw noDeadLetter(id);
    exchange.json(200, viewDead(detail));
  }

  async #manyParked(exchange: Exchange, verb: string): Promise<void> {
    const admin = this.#admin;
    const decisions: Readonly<Record<string, (address: Address) => Promise<unknown>>> = {
      retry: (address) => admin.parkedRetry(address),
      skip: (address) => admin.parkedSkip(address),
      purge: (address) => admin.parkedPurge(address),
    };
    const decide = Object.hasOwn(decisions, verb) ? decisions[verb] : undefined;
    if (decide === undefined) throw unknownRoute(exchange);
    await decideMany(
      exchange,
      (query) => this.#reads.use(() => admin.parked(query)),
      ({ address }) => decide(address),
    );
  }

  async #manyDead(exchange: Exchange, verb: string): Promise<void> {
    const admin = this.#admin;
    if (verb !== "retry" && verb !== "purge") throw unknownRoute(exchange);
    await decideMany(
      exchange,
      (query) => this.#reads.use(() => admin.dead(query)),
      ({ id }) => (verb === "retry" ? admin.deadRetry(id, undefined) : admin.deadPurge(id)),
    );
  }
}

/**
 * Decides about one page of them, and says how many. What somebody else has decided meanwhile is counted
 * as gone, what cannot be decided about so as refused. When one fails, those before and beside it are done: to
 * ask again is safe.
 */
async function decideMany<T>(
  exchange: Exchange,
  list: (query: StuckQuery) => Promise<Page<T>>,
  decide: (item: T) => Promise<unknown>,
): Promise<void> {
  exchange.allow("POST");
  const { query, startedAtMs } = bulkQuery(exchange);
  const { items, next } = await list(query);
  const results = await Promise.allSettled(items.map(decide));
  let done = 0;
  let refusals = 0;
  for (const result of results) {
    if (result.status === "fulfilled") {
      if (result.value !== undefined && result.value !== false) done++;
    } else if (isRefusal(result.reason)) refusals++;
    else throw result.reason;
  }
  const gone = items.length - done - refusals;
  const refused = refusals === 0 ? undefined : refusals;
  exchange.json(200, { done, gone, refused, next: bulkCursor(startedAtMs, next) });
}

const isRefusal = (error: unknown): boolean =>
  error instanceof StatefoldError && error.code === "REQUEST_INVALID";

/** `{namespace}/{name}`, or `{namespace}/{name}/{id}`, whose id may hold more of '/'. */
function newTarget(text: string | undefined): NewTarget | undefined {
  if (text === undefined) return undefined;
  const [, type, id] = /^([^/]+\/[^/]+)(?:\/(.+))?$/s.exec(text) ?? [];
  if (type !== undefined) return { type, id };
  throw invalid(`to=${text} is neither {namespace}/{name} nor {namespace}/{name}/{id}`);
}

/** What follows the `parts` parts of a name, as the thing to do with it. */
function splitVerb(object: string, parts: number): { name: string; verb: string | undefined } {
  const all = object.split("/");
  if (all.length !== parts + 1) return { name: object, verb: undefined };
  return { name: all.slice(0, parts).join("/"), verb: all[parts] };
}

function viewParked(detail: ParkedDetail) {
  return { ...detail, messages: detail.messages.map(viewMessage) };
}

function viewDead(detail: DeadDetail) {
  const message = detail.message === undefined ? undefined : viewMessage(detail.message);
  return { ...detail, value: viewValue(detail.value), message };
}

function viewMessage(message: MessageView) {
  const { headers, value, ...rest } = message;
  const shown = headers.length === 0 ? undefined : headers.map(viewHeader);
  return { ...rest, headers: shown, value: viewValue(value) };
}

function notParked({ type, id }: Address) {
  return notFound(`${type} ${id} is not parked`);
}

function noDeadLetter(id: string) {
  return notFound(`there is no dead letter ${id}`);
}
