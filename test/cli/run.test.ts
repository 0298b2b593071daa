import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { deferred } from "../../src/base/deferred.ts";
import { StatefoldError } from "../../src/base/errors.ts";
import { allCommands } from "../../src/cli/commands.ts";
import type { NodeOptions, RunningNode } from "../../src/cli/starter.ts";
import { FakeIo } from "./fake-io.ts";

class FakeRunningNode implements RunningNode {
  readonly listening = [
    { name: "http", url: "http://127.0.0.1:8080" },
    { name: "playground", url: "http://127.0.0.1:8090" },
  ];
  readonly end = deferred<StatefoldError | undefined>();
  readonly ended = this.end.promise;
  readonly drained = deferred<void>();
  readonly done: string[] = [];

  async drain(graceMs: number): Promise<void> {
    this.done.push(`drain ${graceMs}`);
    await this.drained.promise;
  }

  stop(): Promise<void> {
    this.done.push("stop");
    return Promise.resolve();
  }
}

/** Starts `run`, and waits until it says that it is ready. */
async function start(args: readonly string[], env: Record<string, string> = {}) {
  const io = new FakeIo();
  io.env = env;
  const node = new FakeRunningNode();
  const started = deferred<NodeOptions>();
  const commands = allCommands((options) => {
    started.resolve(options);
    return Promise.resolve(node);
  });
  const ready = new Promise<void>((resolve) => {
    io.onOut = (all) => {
      if (all.endsWith("ready\n")) resolve();
    };
  });
  const finished = io.run(["run", ...args], commands);
  await ready;
  return { io, node, finished, options: await started.promise };
}

test("the first lines name every address, and then that it is ready", async () => {
  const { io, node, finished } = await start(["module.yaml"]);
  assert.equal(
    io.printed(),
    "http http://127.0.0.1:8080\nplayground http://127.0.0.1:8090\nready\n",
  );
  node.end.resolve(undefined);
  assert.equal((await finished).code, 0);
});

test("without options it is durable, on this machine alone", async () => {
  const { io, node, finished, options } = await start(["a.yaml", "b.yaml"]);
  const { logger, variables, ...rest } = options;
  assert.equal(logger.level, "info");
  assert.equal(variables.size, 0);
  assert.deepEqual(rest, {
    modules: [join(io.directory, "a.yaml"), join(io.directory, "b.yaml")],
    dataDir: join(io.directory, "statefold-data"),
    host: "127.0.0.1",
    port: 8080,
    embedded: false,
    partitions: undefined,
    threads: 1,
    acceptLoss: false,
    forkPublishes: false,
    topicRetention: {},
  });
  node.end.resolve(undefined);
  await finished;
});

test("options reach the node, and --set wins over the environment", async () => {
  const { io, node, finished, options } = await start(
    [
      ...["m.yaml", "--data", "/var/x", "--port", "0", "--host", "::1", "--embedded"],
      ...[
        "--partitions",
        "4",
        "--threads",
        "3",
        "--application",
        "shop",
        "--accept-loss",
        "--fork-publishes",
      ],
      ...["--set", "A=1=2"],
    ],
    { A: "environment", B: "b" },
  );
  assert.deepEqual(
    [options.dataDir, options.port, options.host, options.embedded],
    ["/var/x", 0, "::1", true],
  );
  assert.deepEqual(
    [
      options.partitions,
      options.threads,
      options.application,
      options.acceptLoss,
      options.forkPublishes,
    ],
    [4, 3, "shop", true, true],
  );
  assert.deepEqual([options.variables.get("A"), options.variables.get("B")], ["1=2", "b"]);
  node.end.resolve(undefined);
  await finished;
  assert.equal(io.signalled.size, 0);
});

test("the topic log's retention is a time, a size, or none", async () => {
  const { node, finished, options } = await start(
    ["m.yaml", "--topic-retention", "7d", "--topic-retention-bytes", "1000000"],
    {},
  );
  assert.deepEqual(options.topicRetention, { maxAgeMs: 7 * 86_400_000, maxBytes: 1_000_000 });
  node.end.resolve(undefined);
  await finished;
  const wrong = allCommands(() => Promise.reject(new Error("not in this test")));
  for (const time of ["soon", "0s"]) {
    const { code, err } = await new FakeIo().run(["run", "m", "--topic-retention", time], wrong);
    assert.equal(code, 2);
    assert.match(err, new RegExp(`--topic-retention is ${time}; it takes a duration such as`));
  }
});

test("in memory it keeps nothing", async () => {
  const { node, finished, options } = await start(["m.yaml", "--memory"]);
  assert.equal(options.dataDir, undefined);
  node.end.resolve(undefined);
  await finished;
});

test("a signal lets it finish what it is doing", async () => {
  const { io, node, finished } = await start(["m.yaml"]);
  io.signal();
  assert.deepEqual(node.done, ["drain 30000"]);
  node.drained.resolve();
  const { code, err } = await finished;
  assert.equal(code, 0);
  assert.match(err, /draining, for 30 s at most; once more to stop at once/);
});

test("a second signal ends it at once", async () => {
  const { io, node, finished } = await start(["m.yaml"]);
  io.signal();
  io.signal();
  assert.equal((await finished).code, 0);
  assert.deepEqual(node.done.slice(0, 2), ["drain 30000", "stop"]);
});

test("code that ends the process leaves a line that says so", async () => {
  const { io, node, finished } = await start(["m.yaml"]);
  for (const exit of io.exited) exit(3);
  node.end.resolve(undefined);
  assert.match((await finished).err, /an embedded function, has ended it with 3, by process.exit/);
  assert.equal(io.exited.size, 0);
});

test("a node that ends by itself is a failure, with its reason", async () => {
  const { node, finished } = await start(["m.yaml"]);
  node.end.resolve(new StatefoldError("STORE_WRITE_FAILED", "the disk of partition 2 is full"));
  const { code, err } = await finished;
  assert.equal(code, 1);
  assert.equal(err, "statefold: the disk of partition 2 is full [STORE_WRITE_FAILED]\n");
  assert.deepEqual(node.done, ["stop"]);
});

test("a node that does not start is a failure, with its reason", async () => {
  const commands = allCommands(() =>
    Promise.reject(new StatefoldError("STORE_LOCKED", "process 7 is using ./data")),
  );
  const { code, out, err } = await new FakeIo().run(["run", "m.yaml"], commands);
  assert.deepEqual([code, out], [1, ""]);
  assert.equal(err, "statefold: process 7 is using ./data [STORE_LOCKED]\n");
});
