import { port } from "../parts/port.ts";
import { object } from "../reader/object.ts";
import { required } from "../reader/reader.ts";
import { claim } from "../reader/scalars.ts";
import type { Kind } from "./kind.ts";

const ID = "io.statefun.playground/ingress";

export const playgroundIngress: Kind = {
  name: "io.statefun.playground.v1/ingress",
  part: "ingress",
  spec: object({
    fields: { port: required(port) },
    check: (_given, at) => void claim("ingress", ID, at),
    build: (fields, at) => ({ kind: "playground", place: at.place, id: ID, ...fields }),
  }),
};
