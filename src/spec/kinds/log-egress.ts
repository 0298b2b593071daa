import { release } from "../parts/policies.ts";
import { object } from "../reader/object.ts";
import { optional, required } from "../reader/reader.ts";
import { typeName, unique } from "../reader/scalars.ts";
import type { Kind } from "./kind.ts";

/** The embedded topic log; each record names its topic. */
export const logEgress: Kind = {
  name: "io.statefold.log.v1/egress",
  part: "egress",
  spec: object({
    fields: {
      id: required(unique("egress", typeName("the id of the egress", "demo/audit"))),
      release: optional(release, "commit" as const),
    },
    build: (fields, at) => ({ kind: "log", place: at.place, ...fields }),
  }),
};
