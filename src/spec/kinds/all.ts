import { embeddedFunctions } from "./embedded-functions.ts";
import { httpEndpointV1 } from "./http-endpoint-v1.ts";
import { httpEndpointV2 } from "./http-endpoint-v2.ts";
import { kafkaEgress } from "./kafka-egress.ts";
import { kafkaIngress } from "./kafka-ingress.ts";
import type { Kind } from "./kind.ts";
import { kinesisEgress } from "./kinesis-egress.ts";
import { kinesisIngress } from "./kinesis-ingress.ts";
import { logEgress } from "./log-egress.ts";
import { logIngress } from "./log-ingress.ts";
import { playgroundEgress } from "./playground-egress.ts";
import { playgroundIngress } from "./playground-ingress.ts";

/** Every kind a document may have, by its name. */
export const KINDS: ReadonlyMap<string, Kind> = new Map(
  [
    ...[httpEndpointV2, httpEndpointV1, embeddedFunctions],
    ...[kafkaIngress, kinesisIngress, logIngress, playgroundIngress],
    ...[kafkaEgress, kinesisEgress, logEgress, playgroundEgress],
  ].map((kind) => [kind.name, kind]),
);
