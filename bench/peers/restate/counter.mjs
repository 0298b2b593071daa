/**
 * The counter of bench/functions.ts as a virtual object of Restate: `POST /counter/{key}/add` with any bytes counts
 * one and answers the total. Given a port, it serves HTTP/2 there until its parent closes its standard input.
 */
import { argv, stdin, stdout } from "node:process";

// The SDK wants what Node has from 22 on.
Promise.withResolvers ??= () => {
  const parts = {};
  parts.promise = new Promise((resolve, reject) => Object.assign(parts, { resolve, reject }));
  return parts;
};

const { createEndpointHandler, handlers, object, serde } = await import("@restatedev/restate-sdk");
const { createServer } = await import("node:http2");

const counter = object({
  name: "counter",
  handlers: {
    add: handlers.object.exclusive({ input: serde.binary }, async (context) => {
      const total = ((await context.get("count")) ?? 0) + 1;
      context.set("count", total);
      return total;
    }),
  },
});

createServer(createEndpointHandler({ services: [counter] })).listen(
  Number(argv[2]),
  "127.0.0.1",
  () => stdout.write("ready\n"),
);
stdin.resume().on("close", () => process.exit());
