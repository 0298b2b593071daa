import { onInvalid } from "../parts/policies.ts";
import { topicRoutes } from "../parts/routes.ts";
import { logStartupPosition } from "../parts/startup-position.ts";
import { object } from "../reader/object.ts";
import { optional, required } from "../reader/reader.ts";
import { typeName, unique } from "../reader/scalars.ts";
import type { Kind } from "./kind.ts";

/** The embedded topic log. Its topics are the node's own, so by default nothing in them is passed over. */
export const logIngress: Kind = {
  name: "io.statefold.log.v1/ingress",
  part: "ingress",
  spec: object({
    fields: {
      id: required(unique("ingress", typeName("the id of the ingress", "demo/orders"))),
      topics: required(topicRoutes),
      startupPosition: optional(logStartupPosition, { type: "earliest" } as const),
      onInvalid: optional(onInvalid, "deadLetter" as const),
    },
    build: (fields, at) => ({ kind: "log", place: at.place, ...fields }),
  }),
};
