import assert from "node:assert/strict";
import { test } from "node:test";
import { parseS3Url } from "../../src/blob/s3-location.ts";

test("a URL names bucket, prefix, and what the SDK is not to find by itself", () => {
  assert.deepEqual(parseS3Url("s3://my-bucket"), {
    ...{ bucket: "my-bucket", prefix: "", region: undefined, endpoint: undefined },
    isPathStyle: false,
  });
  const whole =
    "s3://b.c-d/a/b/?region=eu-west-1&endpoint=https%3A%2F%2Fs3.example.com%3A9000&pathStyle=true";
  assert.deepEqual(parseS3Url(whole), {
    ...{ bucket: "b.c-d", prefix: "a/b/", region: "eu-west-1" },
    ...{ endpoint: "https://s3.example.com:9000", isPathStyle: true },
  });
  const plain = parseS3Url("s3://bucket/p?endpoint=http://127.0.0.1:9000&pathStyle=false");
  assert.deepEqual([plain.region, plain.endpoint], ["us-east-1", "http://127.0.0.1:9000"]);
});

test("what is wrong in a URL is named", () => {
  const wrong: readonly (readonly [string, RegExp])[] = [
    ["s3:", /the form|no URL|no name of a bucket/],
    ["s3://", /no name of a bucket|no URL/],
    ["s3://Bucket_/x", /"Bucket_" is no name of a bucket/],
    ["s3://bucket:9000/x", /the form is s3:/],
    ["s3://bucket/a//b", /"a\/\/b" is no prefix/],
    ["s3://bucket/.a", /is no prefix/],
    ["s3://bucket/a?regio=x", /"regio" is unknown; there are region, endpoint, pathStyle/],
    ["s3://bucket/a?endpoint=localhost:9000", /the endpoint "localhost:9000" is no URL/],
    ["s3://bucket/a?pathStyle=yes", /pathStyle is true or false, not "yes"/],
  ];
  for (const [url, message] of wrong) {
    assert.throws(() => parseS3Url(url), { code: "CONFIG_INVALID", message }, url);
  }
});

test("credentials in a URL are refused, and not repeated", () => {
  assert.throws(
    () => parseS3Url("s3://key:secret@bucket/x"),
    (error: Error) =>
      /credentials do not belong/.test(error.message) && !/secret/.test(error.message),
  );
});
