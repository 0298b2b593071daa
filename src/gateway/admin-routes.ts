import type { AddressDetail, Admin, Page, PageQuery } from "./admin-port.ts";
import type { Exchange } from "./exchange.ts";
import { notFound, unknownRoute } from "./not-found.ts";
import { pageOf } from "./pages.ts";
import { parseAddress, parseQuery } from "./request-path.ts";
import type { Seats } from "./seats.ts";
import { StuckRoutes } from "./stuck-routes.ts";
import { viewValue } from "./value-view.ts";

/**
 * `/v1/admin`: what a person sees and does; the command line and the console use nothing else.
 *
 *     GET  status | partitions | endpoints
 *     GET  addresses ?type= | timers          in pages: ?after= &limit=
 *     GET  state/{namespace}/{name}/{id}
 *     POST snapshots                          takes one
 *     parked, dead                            stuck-routes.ts
 */
export class AdminRoutes {
  readonly #admin: Admin;
  readonly #reads: Seats;
  readonly #stuck: StuckRoutes;

  /** @param reads shared with whatever else reads much at once */
  constructor(admin: Admin, reads: Seats) {
    this.#admin = admin;
    this.#reads = reads;
    this.#stuck = new StuckRoutes(admin, reads);
  }

  async handle(exchange: Exchange, rest: string): Promise<void> {
    const slash = rest.indexOf("/");
    const subject = slash < 0 ? rest : rest.slice(0, slash);
    const object = slash < 0 ? undefined : rest.slice(slash + 1);
    if (subject === "parked") await this.#stuck.parked(exchange, object);
    else if (subject === "dead") await this.#stuck.dead(exchange, object);
    else if (subject === "snapshots" && object === undefined) await this.#snapshot(exchange);
    else if (object === undefined) await this.#list(exchange, subject);
    else if (subject === "state") await this.#state(exchange, object);
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
      default:
        throw unknownRoute(exchange);
    }
  }

  async #snapshot(exchange: Exchange): Promise<void> {
    exchange.allow("POST");
    exchange.json(200, await this.#admin.snapshotNow());
  }

  async #page(exchange: Exchange, list: () => Promise<Page<unknown>>): Promise<void> {
    exchange.json(200, await this.#reads.use(list));
  }

  async #state(exchange: Exchange, object: string): Promise<void> {
    exchange.allow("GET");
    const address = parseAddress(object);
    const detail = await this.#reads.use(() => this.#admin.address(address));
    if (detail === undefined) {
      throw notFound(`nothing is known of ${address.type} ${address.id}`);
    }
    exchange.json(200, viewAddress(detail));
  }
}

function pageQuery(exchange: Exchange): PageQuery {
  return pageOf(parseQuery(exchange.query, ["after", "limit"]));
}

function addressQuery(exchange: Exchange): PageQuery & { readonly type: string | undefined } {
  const query = parseQuery(exchange.query, ["type", "after", "limit"]);
  return { ...pageOf(query), type: query.get("type") };
}

function viewAddress(detail: AddressDetail) {
  const states = detail.states.map((state) => ({ ...state, value: viewValue(state.value) }));
  return { ...detail, states };
}
