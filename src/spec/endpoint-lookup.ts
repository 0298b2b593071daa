import { StatefoldError } from "../base/errors.ts";
import type { EmbeddedEndpoint, Endpoint, HttpEndpoint } from "./module.ts";
import { formatPlace } from "./problem.ts";

/** An embedded endpoint that has been loaded, and the function types its file turned out to hold. */
export interface LoadedFunctions {
  readonly endpoint: EmbeddedEndpoint;
  readonly functionTypes: readonly string[];
}

export type ResolveEndpoint = (functionType: string) => Endpoint | undefined;

/**
 * A lookup from a function type to the endpoint that serves it: the exact type first, then the wildcard
 * of its namespace.
 * @throws StatefoldError MODULE_INVALID when an embedded function is also served by something else.
 */
export function endpointLookup(
  endpoints: readonly Endpoint[],
  embedded: readonly LoadedFunctions[] = [],
): ResolveEndpoint {
  const byType = new Map<string, Endpoint>();
  const byNamespace = new Map<string, HttpEndpoint>();
  for (const endpoint of endpoints) {
    if (endpoint.kind === "embedded") continue;
    const { namespace, name } = endpoint.functions;
    if (name === undefined) byNamespace.set(namespace, endpoint);
    else byType.set(`${namespace}/${name}`, endpoint);
  }
  for (const { endpoint, functionTypes } of embedded) {
    for (const type of functionTypes) {
      const other = byType.get(type);
      if (other !== undefined) {
        const places = `${formatPlace(other.place)} and ${formatPlace(endpoint.place)}`;
        throw new StatefoldError("MODULE_INVALID", `function ${type} is served twice: ${places}`);
      }
      byType.set(type, endpoint);
    }
  }
  return (functionType) =>
    byType.get(functionType) ??
    byNamespace.get(functionType.slice(0, Math.max(0, functionType.indexOf("/"))));
}

/** The same for a single question; for many, keep an {@link endpointLookup}. */
export function resolveEndpoint(
  endpoints: readonly Endpoint[],
  functionType: string,
): Endpoint | undefined {
  return endpointLookup(endpoints)(functionType);
}
