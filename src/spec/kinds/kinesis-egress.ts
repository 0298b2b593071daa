import { awsFields } from "../parts/aws.ts";
import { NO_PROPERTIES, properties } from "../parts/properties.ts";
import { object } from "../reader/object.ts";
import { optional, required } from "../reader/reader.ts";
import { integer, typeName, unique } from "../reader/scalars.ts";
import type { Kind } from "./kind.ts";

export const kinesisEgress: Kind = {
  name: "io.statefun.kinesis.v1/egress",
  part: "egress",
  spec: object({
    fields: {
      id: required(unique("egress", typeName("the id of the egress", "demo/kinesis"))),
      ...awsFields,
      maxOutstandingRecords: optional(integer({ atLeast: 1 }), 1000),
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
