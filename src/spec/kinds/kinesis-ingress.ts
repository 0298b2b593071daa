import { awsFields } from "../parts/aws.ts";
import { NO_PROPERTIES, properties } from "../parts/properties.ts";
import { streamRoutes } from "../parts/routes.ts";
import { kinesisStartupPosition, LATEST } from "../parts/startup-position.ts";
import { object } from "../reader/object.ts";
import { optional, required } from "../reader/reader.ts";
import { typeName, unique } from "../reader/scalars.ts";
import type { Kind } from "./kind.ts";

export const kinesisIngress: Kind = {
  name: "io.statefun.kinesis.v1/ingress",
  part: "ingress",
  spec: object({
    fields: {
      id: required(unique("ingress", typeName("the id of the ingress", "demo/orders"))),
      ...awsFields,
      startupPosition: optional(kinesisStartupPosition, LATEST),
      streams: required(streamRoutes),
      clientConfigProperties: optional(properties, NO_PROPERTIES),
    },
    build: ({ awsRegion, awsCredentials, ...rest }, at) => ({
      kind: "kinesis",
      place: at.place,
      aws: { region: awsRegion, credentials: awsCredentials },
      ...rest,
    }),
  }),
};
