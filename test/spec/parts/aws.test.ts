import assert from "node:assert/strict";
import { test } from "node:test";
import { egressOf, hints, mistakes } from "../loading.ts";

const KIND = "io.statefun.kinesis.v1/egress";

function aws(more: string): unknown {
  const egress = egressOf(KIND, `id: demo/out\n${more}`);
  assert(egress.kind === "kinesis");
  return egress.aws;
}

test("a region is the default, a specific one, or behind an endpoint", () => {
  const credentials = { type: "default" };
  assert.deepEqual(aws("awsRegion: {type: specific, id: us-west-2}"), {
    region: { type: "specific", id: "us-west-2" },
    credentials,
  });
  assert.deepEqual(
    aws("awsRegion: {type: custom-endpoint, endpoint: 'http://localhost:4567', id: us-east-1}"),
    {
      region: { type: "custom-endpoint", endpoint: "http://localhost:4567", id: "us-east-1" },
      credentials,
    },
  );
});

test("credentials are the default, a key, or a profile", () => {
  const region = { type: "default" };
  assert.deepEqual(aws("awsCredentials: {type: basic, accessKeyId: a, secretAccessKey: s}"), {
    region,
    credentials: { type: "basic", accessKeyId: "a", secretAccessKey: "s" },
  });
  assert.deepEqual(aws("awsCredentials: {type: profile, profileName: p}"), {
    region,
    credentials: { type: "profile", profileName: "p", profilePath: undefined },
  });
  assert.deepEqual(aws("awsCredentials: {type: profile, profileName: p, profilePath: /x}"), {
    region,
    credentials: { type: "profile", profileName: "p", profilePath: "/x" },
  });
});

test("unknown types and missing parts are told", () => {
  assert.deepEqual(
    mistakes(KIND, "id: demo/out\nawsRegion: {type: special}\nawsCredentials: {type: basics}"),
    [
      'spec.awsRegion.type: must be one of default, specific or custom-endpoint, not "special"',
      'spec.awsCredentials.type: must be one of default, basic or profile, not "basics"; did you mean "basic"?',
    ],
  );
  assert.deepEqual(
    mistakes(KIND, "id: demo/out\nawsRegion: {type: specific}\nawsCredentials: {type: basic}"),
    [
      "spec.awsRegion.id: is required: the region, such as us-west-2",
      "spec.awsCredentials.accessKeyId: is required: the id of the access key",
      "spec.awsCredentials.secretAccessKey: is required: the secret of the access key",
    ],
  );
});

test("a slip in the name of a section is recognised", () => {
  assert.deepEqual(hints(KIND, "id: demo/out\nawsRegions: {type: default}"), [
    'spec.awsRegions: unknown field, ignored; did you mean "awsRegion"?',
  ]);
});
