import type { ServerResponse } from "node:http";
import type { ArrivingRequest } from "./arriving-request.ts";
import { Exchange, type ExchangeHouse } from "./exchange.ts";
import type { Route, Router } from "./router.ts";

/** What a gateway does about its requests. */
export interface VisitHouse extends ExchangeHouse {
  readonly router: Router;
  readonly served: (visit: Visit) => void;
  readonly failed: (visit: Visit, error: unknown) => void;
  readonly closed: (visit: Visit) => void;
}

/** A request on its way to its route. */
export class Visit extends Exchange {
  readonly route: Route;
  /** Of the path, for the route. */
  readonly rest: string;
  readonly cameAtMs = performance.now();
  readonly #house: VisitHouse;

  constructor(request: ArrivingRequest, response: ServerResponse, house: VisitHouse) {
    super(request, response, house);
    const { route, rest } = house.router.find(this.path);
    this.route = route;
    this.rest = rest;
    this.#house = house;
  }

  served(): void {
    this.#house.served(this);
  }

  failed(error: unknown): void {
    this.#house.failed(this, error);
  }

  protected closed(): void {
    this.#house.closed(this);
  }
}
