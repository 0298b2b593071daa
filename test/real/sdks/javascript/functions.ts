/** The program of ../program.ts with the Apache project's JavaScript SDK. */
import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { createRequire } from "node:module";
import { join } from "node:path";
import {
  type Address,
  type Context,
  kafkaEgressMessage,
  type Message,
  messageBuilder,
  StateFun,
} from "apache-flink-statefun";
import type { Order } from "../program.ts";

const { Duration } = createRequire(import.meta.url)(
  "google-protobuf/google/protobuf/duration_pb.js",
) as { Duration: unknown };

const ORDER = StateFun.jsonType<Order>("sdk/Order");
const INT = StateFun.intType();

/** It has no types for long and double. */
const VALUES = {
  flag: StateFun.booleanType(),
  small: INT,
  single: StateFun.floatType(),
  text: StateFun.stringType(),
  point: StateFun.jsonType("sdk/Point"),
  lasting: StateFun.protoType("type.googleapis.com/google.protobuf.Duration", Duration),
  raw: StateFun.customType<Buffer>(
    "sdk/Bytes",
    (bytes) => Buffer.from(bytes),
    (bytes) => Buffer.from(bytes),
  ),
};

const statefun = new StateFun();

function stringTo({ typename, id }: Address, value: string): Message {
  return messageBuilder({ typename, id, value });
}

function orderTo(typename: string, id: string, act: string): Message {
  const value: Order = { act, to: "", ms: 0, token: "" };
  return messageBuilder({ typename, id, value, valueType: ORDER });
}

function say(context: Context, value: string): void {
  const key = context.self.id;
  context.send(kafkaEgressMessage({ typename: "sdk/kafka", topic: "said", key, value }));
}

function callerOf({ caller }: Context): Address {
  if (caller === null) throw new Error("nobody called");
  return caller;
}

statefun.bind({
  typename: "sdk/values",
  specs: Object.entries(VALUES).map(([name, type]) => ({ name, type })),
  fn(context, message) {
    const caller = callerOf(context);
    if (message.is(ORDER)) {
      for (const name of Object.keys(VALUES)) context.storage[name] = null;
      context.send(stringTo(caller, "forgotten"));
      return;
    }
    for (const [name, type] of Object.entries(VALUES)) {
      if (message.valueTypeName !== type.typename) continue;
      const before: unknown = context.storage[name];
      context.storage[name] = message.as(type as typeof ORDER);
      const { typename, id } = caller;
      context.send(
        before === null
          ? stringTo(caller, "none")
          : messageBuilder({ typename, id, value: before, valueType: type }),
      );
    }
  },
});

const failed = new Set<string>();

function countOne({ storage }: Context): number {
  storage.total = (storage.total ?? 0) + 1;
  return storage.total;
}

statefun.bind({
  typename: "sdk/worker",
  specs: [{ name: "total", type: INT }],
  fn(context, message) {
    if (message.isString()) {
      say(context, message.asString() ?? "");
      return;
    }
    const { self, caller } = context;
    const { act, to, ms, token } = message.as(ORDER) as Order;
    if (act === "nothing") return;
    const total = countOne(context);
    say(context, `${act} ${total}`);
    if (act === "tell" || act === "fail") context.send(orderTo("sdk/worker", to, "told"));
    if (act === "ask") {
      context.send(messageBuilder({ typename: "sdk/peer", id: to, value: "who?" }));
    }
    if (act === "remind") {
      const reminder = orderTo(self.typename, self.id, "reminded");
      if (token === "") context.sendAfter(ms, reminder);
      else context.sendAfter(ms, reminder, token);
    }
    if (act === "cancel") context.cancelDelayedMessage(token);
    if (act === "note") {
      const record = { typename: "sdk/log", topic: "notes", value: total, valueType: INT };
      context.send(kafkaEgressMessage(record));
    }
    if (caller !== null && caller.typename !== self.typename) {
      context.send(stringTo(caller, `${act} ${total}`));
    }
    if (act === "fail" && !failed.has(self.id)) {
      failed.add(self.id);
      throw new Error("half-way");
    }
  },
});

statefun.bind({
  typename: "sdk/peer",
  fn(context, message) {
    const caller = callerOf(context);
    const who = `${caller.typename}/${caller.id}`;
    context.send(stringTo(caller, `${who} asked ${context.self.id} ${message.asString()}`));
  },
});

const SESSION = ["written", "called", "lasting"];

statefun.bind({
  typename: "sdk/session",
  specs: [
    { name: "written", type: INT, expireAfterWrite: 1_000 },
    { name: "called", type: INT, expireAfterCall: 2_000 },
    { name: "lasting", type: INT, expireAfterWrite: 3_600_000 },
  ],
  fn(context, message) {
    const { act } = message.as(ORDER) as Order;
    const { storage } = context;
    if (act === "begin") for (const name of SESSION) storage[name] = 1;
    say(context, [act, ...SESSION.filter((name) => storage[name] !== null)].join(" "));
  },
});

statefun.bind({
  typename: "sdk/sealed",
  specs: [{ name: "total", type: INT }],
  fn(context) {
    context.send(stringTo(callerOf(context), `sealed ${countOne(context)}`));
  },
});

const [port, tlsPort, folder = ""] = process.argv.slice(2);
const certificate = (name: string): Buffer => readFileSync(join(folder, name));
const handle = (request: IncomingMessage, response: ServerResponse): void => {
  void statefun.handle(request, response);
};
createTlsServer(
  {
    ca: certificate("ca.pem"),
    cert: certificate("server.pem"),
    key: certificate("server-key.pem"),
    requestCert: true,
  },
  handle,
).listen(Number(tlsPort), "127.0.0.1", () => {
  createServer(handle).listen(Number(port), "127.0.0.1", () => {
    process.stdout.write("serving\n");
  });
});
