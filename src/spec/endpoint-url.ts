import { StatefoldError } from "../base/errors.ts";
import { splitTypeName } from "../model/type-name.ts";
import type { HttpEndpoint } from "./module.ts";

/**
 * A URL template is StateFun's: `{function.name}` is replaced by the function's name, everywhere.
 *
 *     template = ("http" | "https") "://" authority path-and-query
 *              | ("http+unix" | "https+unix") "://" socket path-and-query
 *     socket   = an absolute path up to and with the first element that ends in ".sock"
 *
 * StateFun replaces plainly. Names come out of messages, so here one can neither leave its path element
 * nor choose another host or socket: in the path it is percent-encoded, elsewhere it must be harmless.
 */
export interface EndpointUrl {
  /** `http://host:port`; for a socket `http://localhost`. */
  readonly origin: string;
  /** Path and query, beginning with `/`. */
  readonly path: string;
  /** The file of a Unix domain socket. */
  readonly socketPath: string | undefined;
}

const PLACEHOLDER = "{function.name}";
export const UNKNOWN_PLACEHOLDER = /\{(?!function\.name\})[^{}]*\}/;

const TEMPLATE = /^(https?)(\+unix)?:\/\/([^/?#]*)([^?#]*)(\?[^#]*)?(#.*)?$/i;
const PLAIN_NAME = /^[A-Za-z0-9._-]+$/;

/**
 * Where the messages of one function type go.
 * @throws StatefoldError TARGET_INVALID when the function's name cannot stand in the URL.
 */
export function urlFor(
  endpoint: Pick<HttpEndpoint, "urlPathTemplate">,
  functionType: string,
): EndpointUrl {
  const name = splitTypeName(functionType)?.name;
  const url =
    name === undefined
      ? "it is not written <namespace>/<name>"
      : expandUrlTemplate(endpoint.urlPathTemplate, name);
  if (typeof url !== "string") return url;
  const where = `no URL for function type ${JSON.stringify(functionType)}`;
  // Without the query, which may hold a key.
  const template = endpoint.urlPathTemplate.split("?", 1)[0];
  throw new StatefoldError("TARGET_INVALID", `${where} from ${template}: ${url}`);
}

/** The URL, or what is wrong with the template or the name. */
export function expandUrlTemplate(template: string, name: string): EndpointUrl | string {
  const match = TEMPLATE.exec(template);
  if (match === null) {
    const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(template)?.[1];
    const found = scheme === undefined ? "has no scheme" : `has the scheme ${scheme}`;
    return `${found}; a URL begins with http://, https://, http+unix:// or https+unix://`;
  }
  const [, scheme = "", unix, authority = "", path = "", query = ""] = match;
  const usesName = template.includes(PLACEHOLDER);
  if (usesName && (name === "." || name === ".." || /\p{Surrogate}/u.test(name))) {
    return `the name ${JSON.stringify(name)} cannot be part of a URL`;
  }
  const isPlain = PLAIN_NAME.test(name);
  if (unix !== undefined) {
    if (authority !== "")
      return `has a host; a socket has three slashes: ${scheme}+unix:///path/x.sock/url`;
    return unixUrl({ scheme, path, query, name, isPlain });
  }
  if (authority === "") return "has no host";
  if (authority.includes("@")) return "must not hold a user name or a password";
  if (authority.includes(PLACEHOLDER) && !isPlain) return notPlain(name, "host");
  return parsed(`${scheme}://${authority.replaceAll(PLACEHOLDER, name)}`, path + query, name);
}

interface UnixParts {
  readonly scheme: string;
  readonly path: string;
  readonly query: string;
  readonly name: string;
  readonly isPlain: boolean;
}

function unixUrl({ scheme, path, query, name, isPlain }: UnixParts): EndpointUrl | string {
  const elements = path.split("/").filter((element) => element !== "");
  const last = elements.findIndex((element) => element.endsWith(".sock"));
  if (last === -1) return 'names no socket: one element of the path must end in ".sock"';
  const socket = `/${elements.slice(0, last + 1).join("/")}`;
  if (socket.includes(PLACEHOLDER) && !isPlain) return notPlain(name, "socket");
  const url = parsed(
    `${scheme}://localhost`,
    `/${elements.slice(last + 1).join("/")}${query}`,
    name,
  );
  if (typeof url === "string") return url;
  try {
    return { ...url, socketPath: decodeURIComponent(socket).replaceAll(PLACEHOLDER, name) };
  } catch {
    return 'has a "%" that begins no escape; write %25 for the character itself';
  }
}

function parsed(origin: string, pathAndQuery: string, name: string): EndpointUrl | string {
  const path = pathAndQuery.replaceAll(PLACEHOLDER, () => encodeURIComponent(name));
  const text = `${origin}${path.startsWith("/") ? "" : "/"}${path}`;
  if (!URL.canParse(text)) return "is not a URL: its host or port is malformed";
  const url = new URL(text);
  return { origin: url.origin, path: url.pathname + url.search, socketPath: undefined };
}

function notPlain(name: string, part: string): string {
  const allowed = 'letters, digits, ".", "_" and "-"';
  return `the name ${JSON.stringify(name)} would be part of the ${part} and may hold only ${allowed}`;
}
