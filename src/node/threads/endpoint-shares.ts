import type { Endpoint } from "../../spec/module.ts";

/**
 * Each thread calls functions by itself, and no thread knows how many calls the others make: so each has its share of
 * what the module allows, one at least.
 */
export function endpointShares(endpoints: readonly Endpoint[], threads: number): Endpoint[] {
  const share = (count: number): number => Math.max(1, Math.floor(count / threads));
  return endpoints.map((endpoint) => {
    const concurrency = share(endpoint.concurrency);
    if (endpoint.kind !== "http") return { ...endpoint, concurrency };
    const { transport } = endpoint;
    return {
      ...{ ...endpoint, concurrency },
      transport: { ...transport, poolSize: share(transport.poolSize) },
    };
  });
}
