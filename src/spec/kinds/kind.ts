import type { Egress, Endpoint, Ingress } from "../module.ts";
import type { ObjectReader } from "../reader/object.ts";

/** What a document of one `kind` is called, what it makes, and the grammar of its `spec`. */
export type Kind =
  | { readonly name: string; readonly part: "endpoint"; readonly spec: ObjectReader<Endpoint> }
  | { readonly name: string; readonly part: "ingress"; readonly spec: ObjectReader<Ingress> }
  | { readonly name: string; readonly part: "egress"; readonly spec: ObjectReader<Egress> };
