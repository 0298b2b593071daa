import { deliveryFieldsV1 } from "../parts/delivery.ts";
import { functionPattern } from "../parts/functions.ts";
import { DEFAULT_OKHTTP_TIMEOUTS, okhttpTimeouts, okhttpTransport } from "../parts/transport.ts";
import { urlPathTemplate } from "../parts/url-template.ts";
import { object } from "../reader/object.ts";
import { optional, required } from "../reader/reader.ts";
import type { Kind } from "./kind.ts";

/** The older endpoint: always the okhttp transport, its timeouts directly in the spec. */
export const httpEndpointV1: Kind = {
  name: "io.statefun.endpoints.v1/http",
  part: "endpoint",
  spec: object({
    fields: {
      functions: required(functionPattern),
      urlPathTemplate: required(urlPathTemplate),
      timeouts: optional(okhttpTimeouts, DEFAULT_OKHTTP_TIMEOUTS),
      ...deliveryFieldsV1,
    },
    advice: { transport: "ignored: only io.statefun.endpoints.v2/http has a transport" },
    build: ({ timeouts, ...rest }, at) => ({
      kind: "http",
      place: at.place,
      transport: okhttpTransport(timeouts),
      ...rest,
    }),
  }),
};
