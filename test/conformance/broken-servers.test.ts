import assert from "node:assert/strict";
import type { IncomingMessage, ServerResponse } from "node:http";
import { type TestContext, test } from "node:test";
import { type FetchHandler, fetchHandler } from "@statefold/sdk";
import { io } from "@statefold/sdk/protocol";
import protobuf from "protobufjs/minimal.js";
import { bytesOf, FRAMES } from "../contracts/frames-asking.ts";
import { FRAMES_CHECKS } from "../contracts/frames-server.ts";
import { conformance, listening, relay } from "../contracts/frames-subject.ts";

const { ToFunctions } = io.statefun.sdk.reqreply;
const { Reader } = protobuf;

/** How a server differs from our own, in requests of frames. */
interface Twist {
  /** What its functions get for what came; what it throws is a 400. */
  readonly body?: (body: Buffer) => Uint8Array;
  /** Changes the headers of its answers. */
  readonly headers?: (headers: Headers) => void;
  /** An answer has neither length nor chunks: it ends when its connection does. */
  readonly endsByClosing?: boolean;
}

/** The titles of the checks that a server with this twist does not pass. */
async function missedBy(t: TestContext, twist: Twist): Promise<string[]> {
  const { endsByClosing = false } = twist;
  const own = fetchHandler([conformance]);
  const serve = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    const body = await bytesOf(incoming);
    if (incoming.headers["content-type"] !== FRAMES) return relay(own, incoming, body, outgoing);
    let seen: Uint8Array;
    try {
      seen = twist.body?.(body) ?? body;
    } catch {
      outgoing.writeHead(400).end();
      return;
    }
    if (endsByClosing) {
      outgoing.useChunkedEncodingByDefault = false;
      outgoing.shouldKeepAlive = false;
    }
    const twisted: FetchHandler = async (request) => {
      const { body: answer, status, headers } = await own(request);
      const changed = new Headers(headers);
      twist.headers?.(changed);
      return new Response(answer, { status, headers: changed });
    };
    await relay(twisted, incoming, seen, outgoing);
  };
  const url = await listening(t, (incoming, outgoing) => {
    serve(incoming, outgoing).catch(() => outgoing.destroy()); // who asked has left
  });
  const missed = FRAMES_CHECKS.map(({ title, run }) =>
    run(url).then(
      () => [],
      () => [title],
    ),
  );
  return (await Promise.all(missed)).flat();
}

/** The functions see what is left of the calls; a body that is none is passed on as it is. */
function eachCall(change: (call: io.statefun.sdk.reqreply.ToFunction) => void) {
  return (body: Buffer): Uint8Array => {
    let decoded: io.statefun.sdk.reqreply.ToFunctions;
    try {
      decoded = ToFunctions.decode(body);
    } catch {
      return body;
    }
    for (const call of decoded.calls) change(call as io.statefun.sdk.reqreply.ToFunction);
    return ToFunctions.encode(decoded).finish();
  };
}

/** Does not know how fields of a wire type go on. */
function strangerTo(unknown: number) {
  return (body: Buffer): Buffer => {
    const reader = Reader.create(body);
    try {
      while (reader.pos < reader.len) {
        const wireType = reader.uint32() & 7;
        if (wireType === unknown) break;
        reader.skipType(wireType);
      }
    } catch {
      return body; // broken anyway, which is for others to say
    }
    if (reader.pos < reader.len) throw new Error(`wire type ${unknown}`);
    return body;
  };
}

test("a server that is as ours passes", async (t) => {
  assert.deepEqual(await missedBy(t, {}), []);
});

test("a server that handles only the first message of a call does not pass", async (t) => {
  const body = eachCall(({ invocation }) => invocation?.invocations?.splice(1));
  const title = "the messages of a call are handled in order, each after the other's state";
  assert.deepEqual(await missedBy(t, { body }), [title]);
});

test("a server that falls over a message without caller does not pass", async (t) => {
  const body = eachCall(({ invocation }) => {
    const isStray = invocation?.invocations?.some(({ caller }) => caller == null);
    if (isStray === true) throw new Error("caller is null");
  });
  const title = "a message without caller, as from outside, is handled too";
  assert.deepEqual(await missedBy(t, { body }), [title]);
});

// Not of what is length-delimited, as the calls themselves are.
for (const [wireType, name] of [
  [0, "varint"],
  [1, "fixed64"],
  [5, "fixed32"],
] as const) {
  test(`a server that cannot skip a field of ${name} does not pass`, async (t) => {
    const missed = await missedBy(t, { body: strangerTo(wireType) });
    assert.deepEqual(missed, [`fields that are not known are skipped: ${name}`]);
  });
}

test("a server that names a content encoding does not pass, be it identity", async (t) => {
  const headers = (each: Headers): void => each.set("content-encoding", "identity");
  const title = "an answer names no content encoding, not even identity";
  assert.deepEqual(await missedBy(t, { headers }), [title]);
});

test("a server that names parameters, offers but once, or ends answers by closing, passes", async (t) => {
  const headers = (each: Headers): void => {
    each.delete("statefold-frames");
    each.set(
      "content-type",
      `${each.get("content-type")?.replace("application", "Application")}; v=1`,
    );
  };
  assert.deepEqual(await missedBy(t, { headers, endsByClosing: true }), []);
});
