/** HTTP requests as bytes: well-formed ones that ask for nonsense, and ones that are no HTTP at all. */
import type { Rng } from "../support/rng.ts";
import { SMUGGLED } from "./stage.ts";
import { anyNumber, anyText } from "./words.ts";

export interface RawRequest {
  /** What it tries, for the account. */
  readonly kind: string;
  /** Written one after the other. */
  readonly parts: readonly Buffer[];
  /** Answers it should get, if it gets any; 0: it is never complete. */
  readonly answers: number;
  /** The writing side is closed behind it. */
  readonly halfClose: boolean;
}

export function anyRequest(rng: Rng): RawRequest {
  const halfClose = rng.chance(0.1);
  switch (rng.int(12)) {
    case 0:
      return { ...framing(rng), halfClose };
    case 1:
      return { ...smuggling(rng), halfClose };
    case 2:
      return { ...flood(rng), halfClose };
    case 3: {
      const count = 2 + rng.int(6);
      const parts = Array.from({ length: count }, () => plain(rng));
      return { kind: "pipelined", parts, answers: count, halfClose: false };
    }
    case 4: {
      const whole = plain(rng);
      const at = rng.int(whole.byteLength);
      return { kind: "cut off", parts: [whole.subarray(0, at)], answers: 0, halfClose };
    }
    case 5: {
      const whole = plain(rng);
      const at = rng.int(whole.byteLength);
      const parts = [whole.subarray(0, at), whole.subarray(at)];
      return { kind: "in two parts", parts, answers: 1, halfClose };
    }
    default:
      return { kind: "nonsense", parts: [plain(rng)], answers: 1, halfClose };
  }
}

/** Well-formed as HTTP, whatever it asks for. */
function plain(rng: Rng): Buffer {
  const [method, target] = anyTarget(rng);
  const body = anyBody(rng);
  const lines = [`${method} ${target} HTTP/1.1`, "host: node"];
  for (let headers = rng.int(4); headers > 0; headers--) lines.push(anyHeader(rng));
  if (rng.chance(0.7)) lines.push(`content-type: ${rng.pick(CONTENT_TYPES)}`);
  if (body.byteLength > 0 && rng.chance(0.2)) {
    lines.push("transfer-encoding: chunked");
    return Buffer.concat([head(lines), chunked(rng, body)]);
  }
  lines.push(`content-length: ${body.byteLength}`);
  return Buffer.concat([head(lines), body]);
}

function head(lines: readonly string[]): Buffer {
  return Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1");
}

function chunked(rng: Rng, body: Buffer): Buffer {
  const at = rng.int(body.byteLength);
  const pieces = [body.subarray(0, at), body.subarray(at)].filter((piece) => piece.byteLength > 0);
  const chunks = pieces.flatMap((piece) => [
    Buffer.from(`${piece.byteLength.toString(16)}${rng.chance(0.2) ? ";ext=1" : ""}\r\n`),
    piece,
    Buffer.from("\r\n"),
  ]);
  return Buffer.concat([
    ...chunks,
    Buffer.from(rng.chance(0.2) ? "0\r\nx-t: 1\r\n\r\n" : "0\r\n\r\n"),
  ]);
}

const METHODS = [
  "GET",
  "POST",
  "POST",
  "POST",
  "PUT",
  "DELETE",
  "HEAD",
  "OPTIONS",
  "PATCH",
  "TRACE",
];

/** Names that exist, so that some requests get past the first check. */
const TOPICS = ["hostile-in", "out", "a", "B.b"];
const LISTS = ["status", "partitions", "endpoints", "addresses", "timers", "parked", "dead"];

function anyTarget(rng: Rng): [method: string, target: string] {
  const method = rng.pick(METHODS);
  switch (rng.int(8)) {
    case 0:
    case 1:
      return ["POST", `/v1/send/${anyAddress(rng)}${anyQuery(rng, ["delay"])}`];
    case 2:
      return ["POST", `/v1/call/${anyAddress(rng)}${anyQuery(rng, ["timeout"])}`];
    case 3:
      return [method, `/v1/calls/${part(rng)}?timeout=${rng.pick(["1ms", "0", "-1s", part(rng)])}`];
    case 4: {
      const topic = rng.chance(0.5) ? rng.pick(TOPICS) : `..${part(rng)}`;
      const names = ["partition", "offset", "limit", "values", "key"];
      return [rng.pick(["GET", "POST"]), `/v1/topics/${topic}${anyQuery(rng, names)}`];
    }
    case 5:
      return [method, `/v1/admin/${rng.pick(LISTS)}${anyQuery(rng, ["after", "limit", "type"])}`];
    case 6: {
      const verb = rng.pick(["", "/retry", "/skip", "/purge", "/", "/retry/retry"]);
      const thing = rng.pick([
        `parked/${anyAddress(rng)}`,
        `dead/${part(rng)}`,
        `state/${anyAddress(rng)}`,
      ]);
      return [method, `/v1/admin/${thing}${verb}`];
    }
    default:
      return [
        method,
        rng.pick([
          "/",
          "*",
          "//",
          "/v1",
          "/v1/",
          "/health/live",
          "/metrics",
          "/health/../v1/send",
          "http://node/metrics",
          `/${part(rng)}`,
        ]),
      ];
  }
}

function anyAddress(rng: Rng): string {
  const type = rng.chance(0.7) ? `hostile/t${rng.int(4)}` : `${part(rng)}/${part(rng)}`;
  return `${type}/${rng.chance(0.8) ? part(rng) : "id"}`;
}

/** Of a path: sometimes encoded as it should be, sometimes not at all. */
function part(rng: Rng): string {
  const text = anyText(rng).slice(0, 6_000);
  if (rng.chance(0.7)) return encodeURIComponent(text.replaceAll(/\p{Surrogate}/gu, ""));
  return text.replaceAll(/[\r\n ]/g, "");
}

function anyQuery(rng: Rng, names: readonly string[]): string {
  const pairs = Array.from({ length: rng.int(3) }, () => {
    const name = rng.chance(0.85) ? rng.pick(names) : part(rng);
    const good = ["1s", "0", "1", "earliest", "latest", "json"];
    const value = rng.chance(0.4)
      ? rng.pick(good)
      : rng.chance(0.5)
        ? String(anyNumber(rng))
        : part(rng);
    return `${name}=${value}`;
  });
  return pairs.length === 0 ? "" : `?${pairs.join("&")}`;
}

const CONTENT_TYPES = [
  ...["text/plain", "application/json", "application/x-ndjson", "application/vnd.hostile/T", ""],
  ...[
    "text/plain; charset=utf-16",
    "multipart/form-data",
    "application/vnd.__proto__/x",
    "x",
    ";;;",
  ],
  ...["application/vnd.%zz/x", "application/vnd.io.statefun.types/int", "application/vnd.a/b/c"],
];

const TYPE_NAMES = [
  ...[
    "io.statefun.types/int",
    "io.statefun.types/long",
    "io.statefun.types/double",
    "hostile/T",
    "x",
  ],
  ...[
    "io.statefun.types/bool",
    "io.statefun.types/string",
    "io.statefun.types/float",
    "__proto__/x",
  ],
  ...["io.statefun.types/constructor", "a/b/c", "%2F", "%zz", "/"],
];

function anyHeader(rng: Rng): string {
  const value = anyText(rng)
    .replaceAll(/[^\x20-\xff]/g, "")
    .slice(0, 3_000);
  switch (rng.int(9)) {
    case 0:
    case 1:
    case 2:
      return `statefold-type: ${rng.pick(TYPE_NAMES)}`;
    case 3:
      return `idempotency-key: ${rng.chance(0.5) ? `k${rng.int(50)}` : value}`;
    case 4:
      return `traceparent: ${value}`;
    case 5:
      return `statefold-header-${rng.pick(["x", "__proto__", "constructor", "", "a b"]).replace(" ", "-")}: ${value}`;
    case 6:
      return `accept: ${rng.pick(["application/json", "*/*", "application/octet-stream", value])}`;
    case 7:
      return `origin: ${rng.pick(["http://node", "http://evil", "null", value])}`;
    default:
      return `${rng.pick(["x", "cookie", "range", "content-encoding", "expect", "te", "connection"])}: ${rng.pick(["gzip", "100-continue", "close", "upgrade", value])}`;
  }
}

const JSONS = [
  ...[
    '{"value":1}',
    "[1",
    "{}",
    "null",
    "1e999",
    '"\\ud800"',
    "9".repeat(400),
    "-0",
    "true",
    '"a"',
  ],
  ...[
    '{"key":"k","value":{"__proto__":1}}\n',
    '{"keyBase64":"%%%"}\n',
    '{"partition":-1}\n',
    "[]\n",
  ],
  ...['{"key":"k","headers":{"__proto__":"x","a":"b"},"value":"v"}\n', '{"timestamp":1e300}\n'],
  ...[
    '{"key":"k","value":null}\n{"value":"no key"}\n{"key":"","value":"x"}\n',
    '{"valueBase64":"AA="}\n',
  ],
  ...[
    `${"[".repeat(5_000)}`,
    `{"key":"${"k".repeat(70_000)}","value":"v"}\n`,
    '{"headers":[{"key":1}]}\n',
  ],
];

function anyBody(rng: Rng): Buffer {
  switch (rng.int(5)) {
    case 0:
      return Buffer.alloc(0);
    case 1:
      return Buffer.from(rng.bytes(rng.int(60)));
    case 2:
      return Buffer.from(anyText(rng));
    default:
      return Buffer.from(rng.pick(JSONS));
  }
}

type Raw = Omit<RawRequest, "halfClose">;

const SEND =
  "POST /v1/send/hostile/t0/framing HTTP/1.1\r\nhost: node\r\nstatefold-type: hostile/T\r\n";

/** Bytes that are no HTTP/1.1, or lie about their own length. */
function framing(rng: Rng): Raw {
  const kind = "framing";
  const raw = (text: string, answers = 1): Raw => ({
    ...{ kind, answers },
    parts: [Buffer.from(text, "latin1")],
  });
  switch (rng.int(14)) {
    case 0:
      return { kind, answers: 1, parts: [Buffer.from(rng.bytes(1 + rng.int(200)))] };
    case 1:
      return raw(`${anyText(rng)} ${anyText(rng)} ${anyText(rng)}\r\n\r\n`);
    case 2:
      return raw("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    case 3:
      return { kind, answers: 1, parts: [Buffer.from("160301020001000100", "hex")] };
    case 4:
      return raw(
        `GET /health/live HTTP/${rng.pick(["0.9", "1.0", "1.2", "2", "9.9", "x"])}\r\n\r\n`,
      );
    case 5:
      return raw(
        `${SEND}content-length: ${rng.pick(["-1", "+5", "0x5", "5,5", "1e3", "9".repeat(30), " ", "5 5"])}\r\n\r\nhello`,
      );
    case 6:
      return raw(`${SEND}content-length: ${10 + rng.int(1_000)}\r\n\r\nhello`, 0);
    case 7:
      return raw(`${SEND}content-length: 3\r\n\r\nhello${"x".repeat(rng.int(50))}`);
    case 8:
      return raw(
        `${SEND}transfer-encoding: chunked\r\n\r\n${rng.pick(["zz\r\n", "-1\r\n", "ffffffffffffffffff\r\n", "5\r\nhelloXX", "5;\0\r\nhello\r\n0\r\n\r\n", `${"0".repeat(400)}5\r\nhello\r\n0\r\n\r\n`, "5\nhello\n0\n\n", `5;${"x".repeat(20_000)}\r\nhello\r\n`])}`,
      );
    case 9:
      return raw(
        `GET /health/live HTTP/1.1\r\nhost: node\r\n${rng.pick(["no colon", ": no name", "a b: c", "x\0: y", "x: \0", " folded: 1", "x: 1\r\n folded", "\x80: 1"])}\r\n\r\n`,
      );
    case 10:
      return raw(
        `GET /health/live HTTP/1.1${rng.pick(["\n\n", "\r\r", "\nhost: x\n\n", "\r\nhost: a\r\nhost: b\r\n\r\n", "\r\n\r\n"])}`,
      );
    case 11:
      return raw(
        `CONNECT ${rng.pick(["example.org:443", "/v1/send", "*"])} HTTP/1.1\r\nhost: node\r\n\r\n`,
        0,
      );
    case 12:
      return raw(
        `GET /health/live HTTP/1.1\r\nhost: node\r\nconnection: upgrade\r\nupgrade: ${rng.pick(["websocket", "h2c", "x"])}\r\nsec-websocket-key: x\r\n\r\n`,
      );
    default:
      return raw(
        `${SEND}content-length: 5\r\nexpect: ${rng.pick(["100-continue", "200-ok", "100-continue, x"])}\r\n\r\nhello`,
      );
  }
}

/** A request hidden in the body of another, for whoever reads lengths another way than a proxy before it. */
function smuggling(rng: Rng): Raw {
  const hidden = `POST /v1/send/hostile/t0/${SMUGGLED} HTTP/1.1\r\nhost: node\r\nstatefold-type: hostile/T\r\ncontent-length: 0\r\n\r\n`;
  const codings = [
    "chunked",
    "Chunked",
    "chunked, identity",
    "identity, chunked",
    "xchunked",
    "\tchunked",
    "chunked\r\ntransfer-encoding: x",
    "gzip, chunked",
  ];
  const lengths = [
    `content-length: ${hidden.length + 5}`,
    "content-length: 5",
    "content-length: 0",
  ];
  const both = [`transfer-encoding: ${rng.pick(codings)}`, rng.pick(lengths)];
  const twice = [lengths[0] ?? "", "content-length: 5"];
  const headers = rng.shuffle(rng.chance(0.7) ? both : twice);
  const text = `${SEND}${headers.join("\r\n")}\r\n\r\n0\r\n\r\n${hidden}`;
  return { kind: "smuggling", answers: 1, parts: [Buffer.from(text, "latin1")] };
}

/** Too much of something. */
function flood(rng: Rng): Raw {
  const start = "GET /health/live HTTP/1.1\r\nhost: node\r\n";
  const raw = (text: string): Raw => ({
    ...{ kind: "flood", answers: 1 },
    parts: [Buffer.from(text, "latin1")],
  });
  switch (rng.int(6)) {
    case 0:
      return raw(`${start}${"x: y\r\n".repeat(rng.int(6_000))}\r\n`);
    case 1:
      return raw(`${start}x: ${"y".repeat(rng.int(60_000))}\r\n\r\n`);
    case 2:
      return raw(`${start}${"y".repeat(rng.int(60_000))}: x\r\n\r\n`);
    case 3:
      return raw(`GET /${"a/".repeat(rng.int(30_000))} HTTP/1.1\r\nhost: node\r\n\r\n`);
    case 4:
      return raw(
        `${SEND}content-length: ${rng.pick([10_485_761, 2 ** 31, 2 ** 40])}\r\n\r\n${"x".repeat(rng.int(5_000))}`,
      );
    default:
      return raw(
        `${SEND}transfer-encoding: chunked\r\n\r\n${`100\r\n${"x".repeat(256)}\r\n`.repeat(rng.int(200))}0\r\n\r\n`,
      );
  }
}
