import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { startScript } from "../support/process.ts";
import { tempDir } from "../support/temp.ts";

/* What examples/greeter/README.md says, word by word, on ports that are free. */

const README = readFileSync("examples/greeter/README.md", "utf8");

/** The commands of its shell block, without comments. */
const commands = (/```sh\n([\s\S]*?)```/.exec(README)?.[1] ?? "")
  .trim()
  .split("\n")
  .map((line) => line.replace(/\s+#.*$/, ""));

test("the greeter does what its README says, and counts on when both processes were killed", async (t) => {
  const [startFunctions = "", startRuntime = "", call = "", ...more] = commands;
  assert.deepEqual(more, []);

  const script = /^node (\S+)$/.exec(startFunctions)?.[1];
  assert(script !== undefined, startFunctions);
  const functions = await startScript(t, {
    script,
    args: (port) => [String(port)],
    ready: /serving the greeter/,
  });

  const path = /^npx statefold run (\S+)$/.exec(startRuntime)?.[1];
  assert(path !== undefined, startRuntime);
  const directory = tempDir(t);
  const module = join(directory, "module.yaml");
  writeFileSync(module, readFileSync(path, "utf8").replace(":9000/", `:${functions.port}/`));
  const { bin } = JSON.parse(readFileSync("package.json", "utf8")) as {
    bin: { statefold: string };
  };
  const runtime = await startScript(t, {
    script: bin.statefold,
    args: (port) => ["run", module, "--data", join(directory, "data"), "--port", String(port)],
    ready: /^ready$/m,
  });

  const answer = /`(Hello, Ada![^`]*)`/.exec(README)?.[1];
  assert.equal(await curl(call, runtime.url), answer);
  await Promise.all([functions.restart(), runtime.restart()]);
  assert.equal(await curl(call, runtime.url), answer?.replace("1 times", "2 times"));

  const status = await (await fetch(`${runtime.url}/v1/admin/status`)).json();
  const { endpoints } = status as { endpoints: { frames: boolean }[] };
  assert.deepEqual(
    endpoints.map(({ frames }) => frames),
    [true],
  );
});

/** Does what `curl -X POST localhost:8080/PATH -H 'NAME: VALUE' -d BODY` would do. */
async function curl(command: string, url: string): Promise<string> {
  const words = /^curl -X POST localhost:8080(\S+) -H '(\S+): (\S+)' -d (\S+)$/.exec(command);
  assert(words !== null, command);
  const [, path, name = "", value = "", body = ""] = words;
  const response = await fetch(url + path, { method: "POST", headers: { [name]: value }, body });
  assert.equal(response.status, 200);
  return await response.text();
}
