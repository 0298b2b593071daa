import type { KafkaEgress } from "../module.ts";
import { release } from "../parts/policies.ts";
import { demandEither, NO_PROPERTIES, properties, without } from "../parts/properties.ts";
import { object } from "../reader/object.ts";
import { optional, required } from "../reader/reader.ts";
import { duration, scalar, text, typeName, unique } from "../reader/scalars.ts";
import { variants } from "../reader/variants.ts";
import type { Kind } from "./kind.ts";

type Delivery = KafkaEgress["delivery"];

const ADDRESS = {
  field: "address",
  property: "bootstrap.servers",
  message: "the brokers, such as kafka:9092",
};

const OWN_PROPERTIES = ["bootstrap.servers", "transaction.timeout.ms"];

/** StateFun takes anything that is no number for 0, and then refuses that. */
const positiveMilliseconds = scalar(
  "a number of milliseconds larger than 0 (a duration such as 15min belongs in transactionTimeout)",
  (value) => {
    const milliseconds = /^\d{1,10}$/.test(value) ? Number(value) : 0;
    return milliseconds > 0 && milliseconds <= 2_147_483_647 ? milliseconds : undefined;
  },
);

const exactlyOnce = object({
  fields: {
    transactionTimeout: optional(duration()),
    transactionTimeoutMillis: optional(positiveMilliseconds),
  },
  check(_given, at) {
    const [timeout, milliseconds] = [
      at.member("transactionTimeout"),
      at.member("transactionTimeoutMillis"),
    ];
    if (milliseconds.isGiven) {
      const wins = timeout.isGiven ? "; as it is there, it wins" : "";
      milliseconds.warning(`is deprecated: write transactionTimeout, a duration${wins}`);
    } else if (!timeout.isGiven) {
      const limit = "at most the broker's transaction.max.timeout.ms, which is 15min by default";
      timeout.problem(`is required with exactly-once: a duration such as 15min, ${limit}`);
    }
  },
  build: ({ transactionTimeout, transactionTimeoutMillis }): Delivery => ({
    type: "exactly-once",
    transactionTimeoutMs: transactionTimeoutMillis ?? transactionTimeout ?? 0,
  }),
});

const deliverySemantic = variants<Delivery>({
  none: object({ fields: {}, build: () => ({ type: "none" }) }),
  "at-least-once": object({ fields: {}, build: () => ({ type: "at-least-once" }) }),
  "exactly-once": exactlyOnce,
});

export const kafkaEgress: Kind = {
  name: "io.statefun.kafka.v1/egress",
  part: "egress",
  spec: object({
    fields: {
      id: required(unique("egress", typeName("the id of the egress", "demo/kafka"))),
      address: optional(text(ADDRESS.message)),
      deliverySemantic: optional(deliverySemantic, { type: "at-least-once" } as const),
      properties: optional(properties, NO_PROPERTIES),
      release: optional(release, "commit" as const),
    },
    check({ properties: given }, at) {
      demandEither(at, given, ADDRESS);
      if (!at.member("address").isGiven && given?.has("bootstrap.servers")) {
        at.member("properties").warning(
          "bootstrap.servers is taken for the address; StateFun itself demands the field address",
        );
      }
    },
    build: ({ address, deliverySemantic: delivery, properties: given, ...rest }, at) => ({
      kind: "kafka",
      place: at.place,
      address: address ?? given.get("bootstrap.servers") ?? "",
      delivery,
      properties: without(
        given,
        delivery.type === "exactly-once" ? OWN_PROPERTIES : ["bootstrap.servers"],
      ),
      ...rest,
    }),
  }),
};
