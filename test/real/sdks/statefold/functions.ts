/** The program of ../program.ts with our own SDK. */
import { readFileSync } from "node:fs";
import { createServer } from "node:https";
import { join } from "node:path";
import {
  kafka,
  nodeHandler,
  serve,
  statefulFunction,
  type TypeOf,
  types,
  type ValueType,
  value,
} from "@statefold/sdk";
import protobuf from "protobufjs";
import { type Order as OrderShape, order as orderOf } from "../program.ts";

const Order = types.json<OrderShape>("sdk/Order");

const DURATION = "google.protobuf.Duration";
const Duration = protobuf.Root.fromJSON(
  protobuf.common.get("google/protobuf/duration.proto") ?? {},
).lookupType(DURATION);

const VALUES = {
  flag: types.boolean,
  small: types.int,
  large: types.long,
  single: types.float,
  precise: types.double,
  text: types.string,
  point: types.json<{ x: number; name: string }>("sdk/Point"),
  lasting: types.protobuf(`type.googleapis.com/${DURATION}`, Duration),
  raw: types.raw("sdk/Bytes"),
};

type Values = typeof VALUES;

const values = statefulFunction("sdk/values", {
  state: {
    flag: value(VALUES.flag),
    small: value(VALUES.small),
    large: value(VALUES.large),
    single: value(VALUES.single),
    precise: value(VALUES.precise),
    text: value(VALUES.text),
    point: value(VALUES.point),
    lasting: value(VALUES.lasting),
    raw: value(VALUES.raw),
  },
});

values.on(Order, (ctx) => {
  for (const name of Object.keys(VALUES) as (keyof Values)[]) ctx.state[name] = undefined;
  ctx.reply(types.string, "forgotten");
});

function keep<Name extends keyof Values>(name: Name, type: ValueType<TypeOf<Values[Name]>>): void {
  values.on(type, (ctx, now) => {
    const state = ctx.state as Record<Name, TypeOf<Values[Name]> | undefined>;
    const before = state[name];
    state[name] = now;
    if (before === undefined) ctx.reply(types.string, "none");
    else ctx.reply(type, before);
  });
}

keep("flag", VALUES.flag);
keep("small", VALUES.small);
keep("large", VALUES.large);
keep("single", VALUES.single);
keep("precise", VALUES.precise);
keep("text", VALUES.text);
keep("point", VALUES.point);
keep("lasting", VALUES.lasting);
keep("raw", VALUES.raw);

interface Sayer {
  readonly self: { readonly id: string };
  egress(id: string, record: ReturnType<typeof kafka>): void;
}

function say(ctx: Sayer, text: string): void {
  ctx.egress("sdk/kafka", kafka({ topic: "said", key: ctx.self.id, value: text }));
}

const failed = new Set<string>();

const worker = statefulFunction("sdk/worker", { state: { total: value(types.int) } });

worker.on(types.string, say);

worker.on(Order, (ctx, { act, to, ms, token }) => {
  if (act === "nothing") return;
  const { self, caller, state } = ctx;
  const total = (state.total ?? 0) + 1;
  state.total = total;
  say(ctx, `${act} ${total}`);
  if (act === "tell" || act === "fail") ctx.send(worker.at(to), Order, orderOf("told"));
  if (act === "ask") ctx.send(peer.at(to), types.string, "who?");
  if (act === "remind") {
    ctx.sendAfter(ms, self, Order, orderOf("reminded"), token === "" ? {} : { token });
  }
  if (act === "cancel") ctx.cancel(token);
  if (act === "note") {
    ctx.egress("sdk/log", kafka({ topic: "notes", valueType: types.int, value: total }));
  }
  if (caller?.type !== self.type) ctx.reply(types.string, `${act} ${total}`);
  if (act === "fail" && !failed.has(self.id)) {
    failed.add(self.id);
    throw new Error("half-way");
  }
});

const peer = statefulFunction("sdk/peer").on(types.string, (ctx, text) => {
  const who = `${ctx.caller?.type}/${ctx.caller?.id}`;
  ctx.reply(types.string, `${who} asked ${ctx.self.id} ${text}`);
});

const session = statefulFunction("sdk/session", {
  state: {
    written: value(types.int, { expireAfterWrite: "1s" }),
    called: value(types.int, { expireAfterCall: "2s" }),
    lasting: value(types.int, { expireAfterWrite: "1h" }),
  },
}).on(Order, (ctx, { act }) => {
  const names = ["written", "called", "lasting"] as const;
  if (act === "begin") for (const name of names) ctx.state[name] = 1;
  say(ctx, [act, ...names.filter((name) => ctx.state[name] !== undefined)].join(" "));
});

const sealed = statefulFunction("sdk/sealed", { state: { total: value(types.int) } }).onAny(
  (ctx) => {
    const total = (ctx.state.total ?? 0) + 1;
    ctx.state.total = total;
    ctx.reply(types.string, `sealed ${total}`);
  },
);

const functions = [values, worker, peer, session, sealed];
const [port, tlsPort, folder = ""] = process.argv.slice(2);
const certificate = (name: string): Buffer => readFileSync(join(folder, name));
const secure = createServer(
  {
    ca: certificate("ca.pem"),
    cert: certificate("server.pem"),
    key: certificate("server-key.pem"),
    requestCert: true,
  },
  nodeHandler(functions),
);
secure.listen(Number(tlsPort), "127.0.0.1", () => {
  void serve(functions, { port: Number(port) }).then(() => process.stdout.write("serving\n"));
});
