import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { loadModules, type ModuleFiles } from "../../src/node/load-modules.ts";
import { createLogger } from "../../src/telemetry/logger.ts";
import { tempDir } from "../support/temp.ts";
import { SILENT } from "./a-node.ts";

const ENDPOINT = `
kind: io.statefun.endpoints.v2/http
spec: {functions: demo/*, urlPathTemplate: "http://localhost:9000/"}
`;

const KAFKA = `
kind: io.statefun.kafka.v1/ingress
spec:
  id: demo/in
  address: kafka:9092
  consumerGroupId: g
  topics: [{topic: orders, valueType: demo/Order, targets: [demo/order]}]
---
kind: io.statefun.kafka.v1/egress
spec: {id: demo/out, address: "kafka:9092"}
---${ENDPOINT}`;

function files(t: TestContext, ...texts: string[]): ModuleFiles {
  const dir = tempDir(t);
  const modules = texts.map((text, i) => {
    const path = join(dir, `m${i}.yaml`);
    writeFileSync(path, text);
    return path;
  });
  return { modules, variables: new Map(), embedded: false };
}

test("several files are one module, with variables and warnings", async (t) => {
  const lines: string[] = [];
  const logger = createLogger({ level: "warn", readable: true, write: (line) => lines.push(line) });
  const given = files(
    t,
    ENDPOINT.replace("9000", "$" + "{PORT}").replace("}\n", ", typo: 1}\n"),
    KAFKA.slice(0, KAFKA.lastIndexOf("---")),
  );
  const variables = new Map([["PORT", "9001"]]);
  const module = await loadModules({ ...given, variables, embedded: true }, logger);
  assert.deepEqual(
    [module.endpoints.length, module.ingresses[0]?.kind, module.egresses[0]?.kind],
    [1, "log", "log"],
  );
  const [endpoint] = module.endpoints;
  assert(endpoint?.kind === "http");
  assert.equal(endpoint.urlPathTemplate, "http://localhost:9001/");
  assert.match(lines.join(""), /m0\.yaml:3:\d+ spec\.typo: .*ignored/);
});

test("every mistake of every file is told at once", async (t) => {
  const given = files(
    t,
    "kind: io.statefun.endpoints.v2/http\nspec: {functions: demo}\n",
    "kind: io.statefun.kafka.v1/egress\nspec: {id: out}\n",
  );
  await assert.rejects(loadModules(given, SILENT), (error: Error & { code: string }) => {
    assert.equal(error.code, "MODULE_INVALID");
    assert.match(error.message, /m0\.yaml:2:\d+ spec\.functions: /);
    assert.match(error.message, /m1\.yaml:2:\d+ spec\.id: /);
    return true;
  });
});

test("a file that is not there is named", async (t) => {
  const modules = [join(tempDir(t), "none.yaml")];
  await assert.rejects(loadModules({ modules, variables: new Map(), embedded: false }, SILENT), {
    code: "MODULE_INVALID",
    message: /the module .*none\.yaml cannot be read: ENOENT/,
  });
});

test("what cannot be run yet is refused by name and place, all at once", async (t) => {
  const kinesis = `
kind: io.statefun.kinesis.v1/egress
spec: {id: demo/stream}
---
kind: io.statefun.kinesis.v1/egress
spec: {id: demo/other}
---${KAFKA}`;
  await assert.rejects(
    loadModules(files(t, kinesis), SILENT),
    (error: Error & { code: string }) => {
      assert.equal(error.code, "MODULE_UNSUPPORTED");
      const [first = "", second = "", ...more] = error.message.split("\n");
      assert.match(first, /Kinesis \(demo\/stream\) cannot be run yet; leave it out/);
      assert.match(second, /Kinesis \(demo\/other\) cannot be run yet/);
      assert.deepEqual(more, []); // Kafka can be run
      return true;
    },
  );
});

test("release: snapshot takes snapshots, with --embedded as well", async (t) => {
  const given = files(t, KAFKA.replace('"kafka:9092"}', '"kafka:9092", release: snapshot}'));
  for (const embedded of [true, false]) {
    await assert.rejects(loadModules({ ...given, embedded }, SILENT), {
      code: "CONFIG_INVALID",
      message: /^\S+ demo\/out: with release: snapshot .* none are kept; add --snapshots URL/,
    });
    const snapshots = { url: "./snapshots", everyMs: undefined };
    const module = await loadModules({ ...given, embedded, snapshots }, SILENT);
    const [egress] = module.egresses;
    assert(egress?.kind === "kafka" || egress?.kind === "log");
    assert.equal(egress.release, "snapshot");
  }
});
