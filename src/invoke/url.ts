import type { EndpointUrl } from "../spec/endpoint-url.ts";

/** Where a redirect leads, seen from where it was answered. Stays on a socket when it is relative. */
export function redirectedUrl(from: EndpointUrl, location: string): EndpointUrl {
  const base = `${from.origin}${from.path}`;
  if (!URL.canParse(location, base)) throw new Error(`${location} is not a URL`);
  const { protocol, origin, pathname, search } = new URL(location, base);
  if (protocol !== "http:" && protocol !== "https:") {
    throw new Error(
      `${location} has the scheme ${protocol.slice(0, -1)}, which is not spoken here`,
    );
  }
  const socketPath = origin === from.origin ? from.socketPath : undefined;
  return { origin, socketPath, path: `${pathname}${search}` };
}

/** For reasons and logs: without the query, which may hold a key. */
export function showUrl(url: EndpointUrl): string {
  const socket = url.socketPath === undefined ? "" : ` on ${url.socketPath}`;
  return `${url.origin}${url.path.split("?", 1)[0]}${socket}`;
}
