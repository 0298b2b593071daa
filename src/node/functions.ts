/** The endpoints of a module at run time: which function type is served where, and how it is called. */
import { assert } from "../base/assert.ts";
import { describeError } from "../base/errors.ts";
import type { Invoker } from "../invoke/contract.ts";
import type { Invocation, Outcome } from "../model/invocation.ts";
import type { FunctionBinding } from "../partition/ports.ts";
import { endpointLookup, type LoadedFunctions } from "../spec/endpoint-lookup.ts";
import type { Endpoint } from "../spec/module.ts";

/** Messages of one address sent in one request at most, where the module sets no bound. */
const BATCH_MESSAGES_MAX = 10_000;
/** Types looked up by their exact name are remembered; wildcards may be asked for any name. */
const BINDINGS_MAX = 10_000;

interface Served {
  readonly endpoint: Endpoint;
  readonly name: string;
  readonly invoker: Invoker;
}

/** An endpoint, and what it is called in metrics and lists. */
export interface NamedEndpoint {
  readonly name: string;
  readonly endpoint: Endpoint;
}

export function named(endpoints: readonly Endpoint[]): NamedEndpoint[] {
  return endpoints.map((endpoint) => ({ name: endpointName(endpoint), endpoint }));
}

export class Functions {
  readonly #served: readonly Served[];
  readonly #byName: ReadonlyMap<string, Served>;
  readonly #lookup: (type: string) => Endpoint | undefined;
  readonly #bindings = new Map<string, FunctionBinding | undefined>();

  private constructor(served: readonly Served[], loaded: readonly LoadedFunctions[]) {
    this.#served = served;
    this.#byName = new Map(served.map((each) => [each.name, each]));
    this.#lookup = endpointLookup(
      served.map(({ endpoint }) => endpoint),
      loaded,
    );
  }

  /** Opens an invoker for each endpoint; what was opened is closed again when one fails. */
  static async open(endpoints: readonly Endpoint[]): Promise<Functions> {
    const served: Served[] = [];
    const loaded: LoadedFunctions[] = [];
    try {
      for (const endpoint of endpoints) {
        const name = endpointName(endpoint);
        if (endpoint.kind === "http") {
          const { openHttpInvoker } = await import("../invoke/http.ts");
          const invoker = await openHttpInvoker(endpoint, Math.random);
          served.push({ endpoint, name, invoker });
        } else {
          const { openEmbeddedInvoker } = await import("../invoke/embedded.ts");
          const invoker = await openEmbeddedInvoker(endpoint);
          served.push({ endpoint, name, invoker });
          loaded.push({ endpoint, functionTypes: invoker.functionTypes });
        }
      }
      return new Functions(served, loaded);
    } catch (error) {
      await Promise.all(served.map(({ invoker }) => invoker.close()));
      throw error;
    }
  }

  binding(type: string): FunctionBinding | undefined {
    if (this.#bindings.has(type)) return this.#bindings.get(type);
    const endpoint = this.#lookup(type);
    const binding = endpoint === undefined ? undefined : bindingOf(endpoint);
    if (this.#bindings.size < BINDINGS_MAX) this.#bindings.set(type, binding);
    return binding;
  }

  /** As {@link Invoker.invoke}. */
  invoke(invocation: Invocation, signal: AbortSignal, end: (outcome: Outcome) => void): void {
    const served = this.#byName.get(invocation.endpoint);
    assert(served !== undefined, `no endpoint is called ${invocation.endpoint}`);
    try {
      served.invoker.invoke(invocation, signal, end);
    } catch (error) {
      end({ kind: "failed", reason: describeError(error) });
    }
  }

  /** The names of the endpoints that take many calls in a request at the moment. */
  onFrames(): string[] {
    return this.#served.filter(({ invoker }) => invoker.isOnFrames).map(({ name }) => name);
  }

  async close(): Promise<void> {
    await Promise.all(this.#served.map(({ invoker }) => invoker.close()));
  }
}

function bindingOf(endpoint: Endpoint): FunctionBinding {
  const { onFailure, retry, concurrency, delivery, maxNumBatchRequests } = endpoint;
  return {
    endpoint: endpointName(endpoint),
    ...{ onFailure, retry, concurrency, delivery },
    maxBatchMessages: Math.min(maxNumBatchRequests, BATCH_MESSAGES_MAX),
  };
}

/** What an endpoint is called in metrics and lists: its functions, or its file. */
export function endpointName(endpoint: Endpoint): string {
  if (endpoint.kind === "embedded") return endpoint.module;
  const { namespace, name } = endpoint.functions;
  return `${namespace}/${name ?? "*"}`;
}
