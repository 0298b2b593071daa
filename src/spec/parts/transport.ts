import type { TlsSettings, Transport } from "../module.ts";
import type { Cursor } from "../reader/cursor.ts";
import { object } from "../reader/object.ts";
import { optional } from "../reader/reader.ts";
import { duration, integer } from "../reader/scalars.ts";
import { variants } from "../reader/variants.ts";
import { resource } from "./resource.ts";

/** The names that a module gives the transports. */
export const ASYNC_TRANSPORT = "io.statefun.transports.v1/async";
export const OKHTTP_TRANSPORT = "io.statefun.transports.v1/okhttp";
export const FRAMES_TRANSPORT = "io.statefold.transports.v1/frames";

const POOL_SIZE = 1024;
const PAYLOAD_MAX_BYTES = 33_554_432;

const NO_TLS: TlsSettings = {
  trustCaCerts: undefined,
  clientCert: undefined,
  clientKey: undefined,
  clientKeyPassword: undefined,
};

const IGNORED = "ignored by this transport: only call and connect count here";

/** The older spelling; when it is there it wins, and what it leaves out has its own defaults. */
const asyncTimeouts = object({
  fields: {
    call: optional(duration(), 60_000),
    connect: optional(duration(), 10_000),
  },
  advice: { read: IGNORED, write: IGNORED },
  build: (timeouts) => timeouts,
});

const asyncLike = (type: "async" | "frames") =>
  object({
    fields: {
      call: optional(duration(), 120_000),
      connect: optional(duration(), 20_000),
      pool_ttl: optional(duration({ mayBeZero: true }), 15_000),
      pool_size: optional(integer({ atLeast: 1 }), POOL_SIZE),
      payload_max_bytes: optional(
        integer({ atLeast: 1, atMost: 2_147_483_647 }),
        PAYLOAD_MAX_BYTES,
      ),
      trust_cacerts: optional(resource("a PEM file of certificates to trust")),
      client_cert: optional(resource("a PEM file with the client's certificate")),
      client_key: optional(resource("a PEM file with the client's PKCS8 key")),
      client_key_password: optional(resource("a file that holds the key's password")),
      timeouts: optional(asyncTimeouts),
    },
    check(_given, at) {
      checkClientKey(at);
      if (!at.member("timeouts").isGiven) return;
      for (const name of ["call", "connect"]) {
        if (at.member(name).isGiven) at.member(name).warning("ignored: timeouts is there and wins");
      }
    },
    build(given): Transport {
      const { call: callMs, connect: connectMs } = given.timeouts ?? given;
      return {
        ...{ type, callMs, connectMs, readMs: callMs, writeMs: callMs },
        poolTtlMs: given.pool_ttl,
        poolSize: given.pool_size,
        payloadMaxBytes: given.payload_max_bytes,
        tls: {
          trustCaCerts: given.trust_cacerts,
          clientCert: given.client_cert,
          clientKey: given.client_key,
          clientKeyPassword: given.client_key_password,
        },
      };
    },
  });

function checkClientKey(at: Cursor): void {
  const [cert, key] = [at.member("client_cert"), at.member("client_key")];
  const reason = "mutual TLS needs client_cert and client_key, both or neither";
  if (cert.isGiven && !key.isGiven) key.problem(`is required with client_cert: ${reason}`);
  if (key.isGiven && !cert.isGiven) cert.problem(`is required with client_key: ${reason}`);
  const password = at.member("client_key_password");
  if (password.isGiven && !key.isGiven) password.warning("ignored: there is no client_key");
}

/** The part of the okhttp transport that has settings; also the `timeouts` of a v1 endpoint. */
export const okhttpTimeouts = object({
  fields: {
    call: optional(duration(), 60_000),
    connect: optional(duration()),
    read: optional(duration()),
    write: optional(duration()),
  },
  check({ call, ...parts }, at) {
    for (const [name, milliseconds] of Object.entries(parts)) {
      if (call === undefined || milliseconds === undefined || milliseconds <= call) continue;
      const limit = at.member("call").isGiven ? "call" : "call, whose default is 1min";
      at.member(name).problem(`must not be longer than ${limit}`);
    }
  },
  // StateFun refuses a short `call` beside an unwritten part, because that part's default is longer:
  // nobody's mistake, so here the default gives way.
  build: ({ call, connect, read, write }): OkhttpTimeouts => ({
    callMs: call,
    connectMs: connect ?? Math.min(call, 10_000),
    readMs: read ?? Math.min(call, 10_000),
    writeMs: write ?? Math.min(call, 10_000),
  }),
});

export type OkhttpTimeouts = Pick<Transport, "callMs" | "connectMs" | "readMs" | "writeMs">;

export const DEFAULT_OKHTTP_TIMEOUTS: OkhttpTimeouts = {
  ...{ callMs: 60_000, connectMs: 10_000, readMs: 10_000, writeMs: 10_000 },
};

export function okhttpTransport(timeouts: OkhttpTimeouts): Transport {
  return {
    type: "okhttp",
    ...timeouts,
    poolTtlMs: 0,
    poolSize: POOL_SIZE,
    payloadMaxBytes: PAYLOAD_MAX_BYTES,
    tls: NO_TLS,
  };
}

const okhttp = object({
  fields: { timeouts: optional(okhttpTimeouts, DEFAULT_OKHTTP_TIMEOUTS) },
  advice: {
    call: "ignored by this transport: write it under timeouts",
    connect: "ignored by this transport: write it under timeouts",
  },
  build: ({ timeouts }) => okhttpTransport(timeouts),
});

export const transport = variants(
  {
    [ASYNC_TRANSPORT]: asyncLike("async"),
    [OKHTTP_TRANSPORT]: okhttp,
    [FRAMES_TRANSPORT]: asyncLike("frames"),
  },
  ASYNC_TRANSPORT,
);

export const DEFAULT_TRANSPORT: Transport = {
  ...{ type: "async", callMs: 120_000, connectMs: 20_000, readMs: 120_000, writeMs: 120_000 },
  poolTtlMs: 15_000,
  poolSize: POOL_SIZE,
  payloadMaxBytes: PAYLOAD_MAX_BYTES,
  tls: NO_TLS,
};
