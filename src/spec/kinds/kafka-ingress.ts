import { onInvalid } from "../parts/policies.ts";
import { demandEither, NO_PROPERTIES, properties, without } from "../parts/properties.ts";
import { topicRoutes } from "../parts/routes.ts";
import { kafkaStartupPosition, LATEST } from "../parts/startup-position.ts";
import { object } from "../reader/object.ts";
import { optional, required } from "../reader/reader.ts";
import { oneOf, text, typeName, unique } from "../reader/scalars.ts";
import type { Kind } from "./kind.ts";

const ADDRESS = {
  field: "address",
  property: "bootstrap.servers",
  message: "the brokers, such as kafka:9092",
};

const GROUP = {
  field: "consumerGroupId",
  property: "group.id",
  message: "the consumer group, such as billing",
};

/** Named by fields, which win. */
const OWN_PROPERTIES = ["bootstrap.servers", "group.id", "auto.offset.reset"];

export const kafkaIngress: Kind = {
  name: "io.statefun.kafka.v1/ingress",
  part: "ingress",
  spec: object({
    fields: {
      id: required(unique("ingress", typeName("the id of the ingress", "demo/orders"))),
      address: optional(text(ADDRESS.message)),
      consumerGroupId: optional(text(GROUP.message)),
      topics: required(topicRoutes),
      autoOffsetResetPosition: optional(
        oneOf(["earliest", "latest"], { ignoreCase: true }),
        "latest" as const,
      ),
      startupPosition: optional(kafkaStartupPosition, LATEST),
      properties: optional(properties, NO_PROPERTIES),
      onInvalid: optional(onInvalid, "deadLetter" as const),
    },
    check({ properties: given, startupPosition, topics }, at) {
      demandEither(at, given, ADDRESS);
      demandEither(at, given, GROUP);
      if (given?.has("auto.offset.reset")) {
        const winner = "autoOffsetResetPosition (latest when left out) always wins";
        at.member("properties").warning(`auto.offset.reset is ignored: ${winner}`);
      }
      if (startupPosition?.type !== "specific-offsets" || topics === undefined) return;
      const read = new Set(topics.map(({ topic }) => topic));
      const unread = startupPosition.offsets.map(({ topic }) => topic).filter((t) => !read.has(t));
      for (const topic of new Set(unread)) {
        const offsets = at.member("startupPosition").member("offsets");
        offsets.warning(`names the topic ${topic}, which this ingress does not read`);
      }
    },
    build: ({ address, consumerGroupId, properties: given, ...rest }, at) => ({
      kind: "kafka",
      place: at.place,
      address: address ?? given.get("bootstrap.servers") ?? "",
      consumerGroupId: consumerGroupId ?? given.get("group.id") ?? "",
      properties: without(given, OWN_PROPERTIES),
      ...rest,
    }),
  }),
};
