import { splitTypeName } from "../model/type-name.ts";

/** Where a function type is served. */
export interface FunctionUrl {
  /** `http://host:port` or `https://host:port`; the host means nothing when there is a socket. */
  readonly origin: string;
  /** Path of a Unix domain socket; undefined: TCP. */
  readonly socketPath: string | undefined;
  /** Path and query. */
  readonly path: string;
}

const PLACEHOLDER = "{function.name}";
const UNIX_SCHEME = /^(https?)\+unix:\/\/(.*)$/;

/**
 * The template of an endpoint with the function's name in the place of `{function.name}`. The name comes
 * from whoever sends a message, so it is escaped: it cannot lead to another host or out of its path.
 *
 * `http+unix:///run/x.sock/path`: the first element ending in `.sock` ends the socket's file.
 *
 * @throws Error with a readable message when no URL comes of it
 */
export function functionUrl(template: string, functionType: string): FunctionUrl {
  const name = splitTypeName(functionType)?.name ?? "";
  if (template.includes(PLACEHOLDER) && (name === "." || name === ".." || name === "")) {
    throw new Error(`"${name}" cannot be a part of a URL`);
  }
  const text = template.replaceAll(PLACEHOLDER, () => encodeURIComponent(name));
  const unix = UNIX_SCHEME.exec(text);
  if (unix === null) return urlOf(text, undefined);
  const [, scheme = "", rest = ""] = unix;
  const socket = /^(.*?\.sock)(?=[/?]|$)/.exec(rest)?.[1];
  if (socket === undefined) throw new Error(`${text} names no file that ends in .sock`);
  const path = rest.slice(socket.length);
  return urlOf(`${scheme}://localhost${path === "" ? "/" : path}`, decodeURIComponent(socket));
}

/** Where a redirect leads, seen from where it was answered. Stays on a socket when it is relative. */
export function redirectedUrl(from: FunctionUrl, location: string): FunctionUrl {
  const url = new URL(location, `${from.origin}${from.path}`);
  return urlOf(url.href, url.origin === from.origin ? from.socketPath : undefined);
}

function urlOf(text: string, socketPath: string | undefined): FunctionUrl {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined) throw new Error(`${text} is not a URL`);
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    throw new Error(
      `${text} has the scheme ${url.protocol.slice(0, -1)}, which is not spoken here`,
    );
  }
  return { origin: url.origin, socketPath, path: `${url.pathname}${url.search}` };
}

/** For reasons and logs: without the query, which may hold a key. */
export function showUrl(url: FunctionUrl): string {
  const socket = url.socketPath === undefined ? "" : ` on ${url.socketPath}`;
  return `${url.origin}${url.path.split("?", 1)[0]}${socket}`;
}
