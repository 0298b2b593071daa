import type { AwsSettings } from "../module.ts";
import { object } from "../reader/object.ts";
import { optional, required } from "../reader/reader.ts";
import { text } from "../reader/scalars.ts";
import { variants } from "../reader/variants.ts";

type Region = AwsSettings["region"];
type Credentials = AwsSettings["credentials"];

const region = variants<Region>({
  default: object({ fields: {}, build: () => ({ type: "default" }) }),
  specific: object({
    fields: { id: required(text("the region, such as us-west-2")) },
    build: ({ id }) => ({ type: "specific", id }),
  }),
  "custom-endpoint": object({
    fields: {
      endpoint: required(text("the address of the service, such as http://localhost:4567")),
      id: required(text("the region, such as us-west-2")),
    },
    build: ({ endpoint, id }) => ({ type: "custom-endpoint", endpoint, id }),
  }),
});

const credentials = variants<Credentials>({
  default: object({ fields: {}, build: () => ({ type: "default" }) }),
  basic: object({
    fields: {
      accessKeyId: required(text("the id of the access key")),
      secretAccessKey: required(text("the secret of the access key")),
    },
    build: ({ accessKeyId, secretAccessKey }) => ({ type: "basic", accessKeyId, secretAccessKey }),
  }),
  profile: object({
    fields: {
      profileName: required(text("the name of the profile")),
      profilePath: optional(text("the file that holds the profiles")),
    },
    build: ({ profileName, profilePath }) => ({ type: "profile", profileName, profilePath }),
  }),
});

export const awsFields = {
  awsRegion: optional(region, { type: "default" } as const),
  awsCredentials: optional(credentials, { type: "default" } as const),
};
