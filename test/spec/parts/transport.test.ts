import assert from "node:assert/strict";
import { test } from "node:test";
import type { Transport } from "../../../src/spec/module.ts";
import { endpointOf, hints, type LoadOptions, mistakes } from "../loading.ts";

const KIND = "io.statefun.endpoints.v2/http";
const spec = (transport: string, url = "https://h") =>
  `functions: shop/cart\nurlPathTemplate: ${url}\ntransport:\n  ${transport.replaceAll("\n", "\n  ")}`;

function transportOf(text: string, options?: LoadOptions): Transport {
  const endpoint = endpointOf(KIND, spec(text), options);
  assert(endpoint.kind === "http");
  return endpoint.transport;
}

const OKHTTP = "type: io.statefun.transports.v1/okhttp";

test("a transport without type is async, with every setting of StateFun's", () => {
  assert.deepEqual(
    transportOf(
      `call: 30s
connect: 1s
pool_ttl: 0
pool_size: 8
payload_max_bytes: 1000
trust_cacerts: classpath:certs/ca.pem
client_cert: ./client.pem
client_key: /etc/keys/client.key
client_key_password: file:///etc/keys/password`,
    ),
    {
      type: "async",
      ...{ callMs: 30_000, connectMs: 1000, readMs: 30_000, writeMs: 30_000 },
      ...{ poolTtlMs: 0, poolSize: 8, payloadMaxBytes: 1000 },
      tls: {
        trustCaCerts: "/app/certs/ca.pem",
        clientCert: "/app/client.pem",
        clientKey: "/etc/keys/client.key",
        clientKeyPassword: "/etc/keys/password",
      },
    },
  );
});

test("frames has the settings of async", () => {
  const frames = transportOf("type: io.statefold.transports.v1/frames\npool_size: 2");
  assert.deepEqual(
    { ...frames, type: "async", poolSize: 1024 },
    transportOf("type: io.statefun.transports.v1/async"),
  );
  assert.equal(frames.type, "frames");
  assert.equal(frames.poolSize, 2);
});

test("the older timeouts of async win, and bring their own defaults", () => {
  const { callMs, connectMs } = transportOf("call: 30s\nconnect: 1s\ntimeouts: {connect: 2s}");
  assert.deepEqual([callMs, connectMs], [60_000, 2000]);
  const other = transportOf("timeouts: {call: 5s}");
  assert.deepEqual([other.callMs, other.connectMs], [5000, 10_000]);
  assert.deepEqual(hints(KIND, spec("call: 30s\ntimeouts: {read: 2s}")), [
    "spec.transport.call: ignored: timeouts is there and wins",
    "spec.transport.timeouts.read: ignored by this transport: only call and connect count here",
  ]);
});

test("okhttp has four timeouts, and nothing else", () => {
  const { callMs, connectMs, readMs, writeMs } = transportOf(
    `${OKHTTP}\ntimeouts: {call: 20s, connect: 1s, read: 2s, write: 3s}`,
  );
  assert.deepEqual([callMs, connectMs, readMs, writeMs], [20_000, 1000, 2000, 3000]);
  assert.equal(transportOf(OKHTTP).callMs, 60_000);
  assert.deepEqual(hints(KIND, spec(`${OKHTTP}\ncall: 3s\nclient_cert: x\ntimeout: 1`)), [
    "spec.transport.call: ignored: it has a meaning only with type io.statefun.transports.v1/async or io.statefold.transports.v1/frames",
    "spec.transport.client_cert: ignored: it has a meaning only with type io.statefun.transports.v1/async or io.statefold.transports.v1/frames",
    'spec.transport.timeout: unknown field, ignored; did you mean "timeouts"?',
  ]);
});

test("no part of an okhttp call may take longer than the call, but a default gives way", () => {
  const { connectMs, readMs, writeMs } = transportOf(`${OKHTTP}\ntimeouts: {call: 5s, read: 1s}`);
  assert.deepEqual([connectMs, readMs, writeMs], [5000, 1000, 5000]);
  assert.deepEqual(
    mistakes(KIND, spec(`${OKHTTP}\ntimeouts: {call: 5s, connect: 6s, write: 7s}`)),
    [
      "spec.transport.timeouts.connect: must not be longer than call",
      "spec.transport.timeouts.write: must not be longer than call",
    ],
  );
  assert.deepEqual(mistakes(KIND, spec(`${OKHTTP}\ntimeouts: {read: 2min}`)), [
    "spec.transport.timeouts.read: must not be longer than call, whose default is 1min",
  ]);
});

test("a timeout is longer than nothing, and short enough for a timer", () => {
  for (const field of ["call", "connect", "timeouts: {call", "timeouts: {connect"]) {
    const end = field.includes("{") ? "}" : "";
    assert.match(
      mistakes(KIND, spec(`${field}: 0s${end}`))[0] ?? "none",
      /must be a duration longer than 0, /,
    );
    assert.match(
      mistakes(KIND, spec(`${field}: 25d${end}`))[0] ?? "none",
      /must not be longer than 24 days$/,
    );
  }
});

test("sizes are whole numbers", () => {
  assert.deepEqual(mistakes(KIND, spec("pool_size: 0\npayload_max_bytes: 32MB\npool_ttl: -1s")), [
    'spec.transport.pool_size: must be a whole number of at least 1, not "0"',
    'spec.transport.payload_max_bytes: must be a whole number between 1 and 2147483647, not "32MB"',
    'spec.transport.pool_ttl: must be a duration such as 500ms, 10s, 2min, 1h or 3d (a bare number is milliseconds), not "-1s"',
  ]);
});

test("a client certificate and its key come together", () => {
  const reason = "mutual TLS needs client_cert and client_key, both or neither";
  assert.deepEqual(mistakes(KIND, spec("client_cert: a.pem")), [
    `spec.transport.client_key: is required with client_cert: ${reason}`,
  ]);
  assert.deepEqual(mistakes(KIND, spec("client_key: a.key")), [
    `spec.transport.client_cert: is required with client_key: ${reason}`,
  ]);
  assert.deepEqual(hints(KIND, spec("client_key_password: pw")), [
    "spec.transport.client_key_password: ignored: there is no client_key",
  ]);
});

test("TLS settings without https are pointless, and told so", () => {
  assert.deepEqual(hints(KIND, spec("trust_cacerts: ca.pem", "http://h")), [
    "spec.transport.trust_cacerts: ignored: the URL is not https, so there is no TLS",
  ]);
  assert.deepEqual(hints(KIND, spec("trust_cacerts: ca.pem")), []);
});

test("an unknown type names the known ones", () => {
  assert.deepEqual(mistakes(KIND, spec("type: io.statefun.transports.v1/okhtp")), [
    'spec.transport.type: must be one of io.statefun.transports.v1/async, io.statefun.transports.v1/okhttp or io.statefold.transports.v1/frames, not "io.statefun.transports.v1/okhtp"; did you mean "io.statefun.transports.v1/okhttp"?',
  ]);
  assert.match(
    mistakes(KIND, spec("type: {x: 1}"))[0] ?? "none",
    /^spec\.transport\.type: must be one of .*, not a mapping$/,
  );
  assert.match(
    mistakes(KIND, spec("- type"))[0] ?? "none",
    /^spec\.transport: must be a mapping with a type \(.*\), not a list$/,
  );
});
