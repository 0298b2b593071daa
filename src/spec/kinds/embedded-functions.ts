import { deliveryFields } from "../parts/delivery.ts";
import { resource } from "../parts/resource.ts";
import { object } from "../reader/object.ts";
import { required } from "../reader/reader.ts";
import type { Kind } from "./kind.ts";

/** SDK functions that run inside the node. */
export const embeddedFunctions: Kind = {
  name: "io.statefold.embedded.v1/functions",
  part: "endpoint",
  spec: object({
    fields: {
      module: required(
        resource("a JavaScript file that exports functions, such as ./functions.js"),
      ),
      ...deliveryFields,
    },
    build: (fields, at) => ({ kind: "embedded", place: at.place, ...fields }),
  }),
};
