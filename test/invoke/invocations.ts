import { utf8 } from "../../src/base/bytes.ts";
import type { Invocation } from "../../src/model/invocation.ts";
import type { Message } from "../../src/model/message.ts";

/** A message and a call with everything in them that a test does not care about. */
export function aMessage(differences: Partial<Message> = {}): Message {
  return {
    target: { type: "demo/greeter", id: "ada" },
    caller: undefined,
    value: { typename: "demo/Greeting", hasValue: true, value: utf8("hello") },
    id: "m-1",
    causeId: undefined,
    acceptedAtMs: 1_700_000_000_000,
    traceparent: undefined,
    headers: [],
    recordAtMs: undefined,
    ...differences,
  };
}

export function anInvocation(differences: Partial<Invocation> = {}): Invocation {
  return {
    target: { type: "demo/greeter", id: "ada" },
    endpoint: "demo/*",
    state: [],
    messages: [aMessage()],
    attempt: 1,
    ...differences,
  };
}

/** Bytes from a picture of them: hex in pairs, "text" in quotes, anything else ignored: `0a 05 "state"`. */
export function wire(picture: string): Buffer {
  const parts = [...picture.matchAll(/"([^"]*)"|([0-9a-f]{2})/g)];
  return Buffer.concat(
    parts.map(([, text, hex]) =>
      text === undefined ? Buffer.from(hex ?? "", "hex") : Buffer.from(text),
    ),
  );
}
