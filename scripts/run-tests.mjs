/**
 * Runs the compiled tests: all of them, or those whose path contains one of the words given.
 * `--test` with globs behaves differently on Node 20 and 24, so the files are listed here.
 */
import { mkdtempSync, readdirSync, rmSync, writeSync } from "node:fs";
import { createServer } from "node:net";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { env as environment } from "node:process";
import { run } from "node:test";
import { spec } from "node:test/reporters";
import { fileURLToPath } from "node:url";

const root = new URL("../dist/test/", import.meta.url);
const words = process.argv.slice(2);
const files = readdirSync(root, { recursive: true })
  .filter((name) => name.endsWith(".test.js"))
  .filter((name) => words.length === 0 || words.some((word) => name.includes(word)))
  .map((name) => fileURLToPath(new URL(name, root)));

if (files.length === 0) {
  process.stderr.write(`no test's path contains ${words.join(" or ")}\n`);
  process.exit(1);
}

/**
 * Whoever connects is told where the broker is that the files share; the first makes it start. It ends with
 * the run. See test/support/kafka/shared-broker.ts.
 */
const folder = mkdtempSync(join(tmpdir(), "statefold-tests-"));
let broker;
let stopBroker = async () => {};
const services = createServer((socket) => {
  broker ??= startBroker();
  broker.then(
    (address) => socket.end(JSON.stringify(address)),
    (error) => socket.end(`the shared broker does not start: ${error}`), // no JSON: the tests fail with it
  );
});
services.listen(join(folder, "services")).unref();
Object.assign(environment, { STATEFOLD_TEST_SERVICES: join(folder, "services") });

async function startBroker() {
  const { brokerIn } = await import(new URL("support/kafka/broker.js", root));
  const { address, host, port, script } = await brokerIn(folder);
  await script.start();
  stopBroker = () => script.kill();
  return { address, host, port };
}

/** What was not tested, and why: a skipped test must not go unseen among the others. */
const skipped = [];

// Many of them wait for processes; `true` would leave a core idle, which on two is half of the time.
run({ files, concurrency: Math.max(2, availableParallelism()) })
  .on("test:pass", ({ name, skip }) => {
    if (skip !== undefined) skipped.push(skip === true ? name : `${name}: ${skip}`);
  })
  .on("test:fail", () => {
    process.exitCode = 1;
  })
  .once("end", () => void stopBroker())
  .compose(new spec())
  .pipe(process.stdout);

process.on("exit", () => {
  rmSync(folder, { recursive: true, force: true });
  if (skipped.length > 0)
    writeSync(1, `\nnot tested:\n${skipped.map((each) => `  ${each}\n`).join("")}`);
});
