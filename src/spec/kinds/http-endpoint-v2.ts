import { deliveryFields } from "../parts/delivery.ts";
import { functionPattern } from "../parts/functions.ts";
import { DEFAULT_TRANSPORT, transport } from "../parts/transport.ts";
import { urlPathTemplate } from "../parts/url-template.ts";
import { object } from "../reader/object.ts";
import { optional, required } from "../reader/reader.ts";
import type { Kind } from "./kind.ts";

const TLS_FIELDS = ["trust_cacerts", "client_cert", "client_key", "client_key_password"];

export const httpEndpointV2: Kind = {
  name: "io.statefun.endpoints.v2/http",
  part: "endpoint",
  spec: object({
    fields: {
      functions: required(functionPattern),
      urlPathTemplate: required(urlPathTemplate),
      transport: optional(transport, DEFAULT_TRANSPORT),
      ...deliveryFields,
    },
    advice: { timeouts: "ignored: in v2 the timeouts stand under transport" },
    check({ urlPathTemplate: template }, at) {
      if (template === undefined || /^https/i.test(template)) return;
      for (const name of TLS_FIELDS) {
        const field = at.member("transport").member(name);
        if (field.isGiven) field.warning("ignored: the URL is not https, so there is no TLS");
      }
    },
    build: ({ functions, ...rest }, at) => ({ kind: "http", place: at.place, functions, ...rest }),
  }),
};
