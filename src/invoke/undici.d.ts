/**
 * The part of undici that this project stands on: one client for one connection, and its errors. What else the
 * package brings (fetch, WebSocket, caches, mocks) takes three times as long to load, at every start. These files
 * come without types and are no public interface of the package, whose version is pinned for that.
 */
declare module "undici/lib/dispatcher/client.js" {
  import { Client } from "undici";
  export = Client;
}

declare module "undici/lib/core/errors.js" {
  import { errors } from "undici";
  export = errors;
}
