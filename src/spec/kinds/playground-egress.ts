import { port } from "../parts/port.ts";
import { list } from "../reader/lists.ts";
import { object } from "../reader/object.ts";
import { required } from "../reader/reader.ts";
import { claim, text } from "../reader/scalars.ts";
import type { Kind } from "./kind.ts";

const ID = "io.statefun.playground/egress";

export const playgroundEgress: Kind = {
  name: "io.statefun.playground.v1/egress",
  part: "egress",
  spec: object({
    fields: {
      port: required(port),
      topics: required(list("topics, such as greetings", text("the name of a topic"))),
    },
    check: (_given, at) => void claim("egress", ID, at),
    build: (fields, at) => ({ kind: "playground", place: at.place, id: ID, ...fields }),
  }),
};
