import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type Context, kafkaEgressMessage, messageBuilder, StateFun } from "apache-flink-statefun";
import { OFFICIAL, pathOf } from "./kafka/paths.ts";
import { serveParent } from "./support/processes.ts";

/*
 * The functions of the benchmarks that others run too, with the Apache project's JavaScript SDK, unchanged: the counter of
 * bench/functions.ts, and for each way between two topics the function of bench/kafka/functions.ts.
 */
const INT = StateFun.intType();
const RAW = StateFun.customType<Buffer>(
  "bench/Raw",
  (bytes) => Buffer.from(bytes),
  (bytes) => Buffer.from(bytes),
);
const SPECS = [{ name: "count", type: INT }];

const statefun = new StateFun();

function countOne({ storage }: Context): number {
  storage.count = ((storage.count ?? 0) + 1) | 0;
  return storage.count;
}

statefun.bind({
  typename: "bench/counter",
  specs: SPECS,
  fn(context) {
    const value = countOne(context);
    const { caller } = context;
    if (caller === null) return;
    context.send(messageBuilder({ ...caller, value, valueType: INT }));
  },
});

for (const name of OFFICIAL) {
  const { functionName, egress, to } = pathOf(name);
  statefun.bind({
    typename: functionName,
    specs: SPECS,
    fn(context, message) {
      countOne(context);
      const record = { topic: to, key: context.self.id, value: message.as(RAW), valueType: RAW };
      context.send(kafkaEgressMessage({ typename: egress, ...record }));
    },
  });
}

const server = createServer((request, response) => {
  void statefun.handle(request, response);
}).listen(0, "127.0.0.1");
const listening = new Promise((resolve) => server.once("listening", resolve));

serveParent(async () => {
  await listening;
  return { port: (server.address() as AddressInfo).port };
});
