import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createServer } from "node:http";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { listen } from "../../src/base/listen.ts";
import { allCommands } from "../../src/cli/commands.ts";
import { atEnd } from "../support/cleanup.ts";
import { FakeIo } from "./fake-io.ts";

const COMMANDS = allCommands(() => Promise.reject(new Error("not in this test")));

function run(...args: string[]) {
  return new FakeIo().run(args, COMMANDS);
}

test("without a command it says what there is", async () => {
  for (const args of [[], ["--help"], ["help"]]) {
    const { code, out, err } = await run(...args);
    assert.deepEqual([code, err], [0, ""]);
    for (const { name } of COMMANDS) assert(out.includes(name.split(" ")[0] ?? ""), name);
  }
});

test("every command explains itself, with examples of its own", async () => {
  for (const { name } of COMMANDS) {
    for (const args of [
      [...name.split(" "), "--help"],
      ["help", ...name.split(" ")],
    ]) {
      const { code, out } = await run(...args);
      assert.equal(code, 0, name);
      assert(out.startsWith(`statefold ${name}: `), name);
      assert.match(out, new RegExp(`^Usage: statefold ${name} .*\\[OPTIONS\\]$`, "m"));
      assert.match(out, new RegExp(`^  .*statefold ${name}`, "m"));
    }
  }
});

test("lines of help fit a screen", async () => {
  for (const { name } of COMMANDS) {
    const { out } = await run(...name.split(" "), "--help");
    for (const line of out.split("\n")) assert(line.length <= 120, `${name}: ${line}`);
  }
});

test("a group of commands lists its members", async () => {
  const { code, out } = await run("topic", "--help");
  assert.equal(code, 0);
  assert.match(out, /topic list .*\n.*topic write TOPIC .*\n.*topic read TOPIC /);
  assert.equal((await run("topic")).code, 2);
});

test("what is mistyped is told what is near, and exits with 2", async () => {
  const wrong: [string[], RegExp][] = [
    [["sned"], /no command sned; did you mean "send"/],
    [
      ["topic", "lst"],
      /no command topic lst; did you mean "topic list".*\nSee: statefold topic --help/,
    ],
    [["xyzzy"], /no command xyzzy\nSee: statefold --help/],
    [["send", "demo/a", "1", "--dealy", "5s"], /no option --dealy; did you mean "--delay"/],
    [["send", "demo/a"], /"send" lacks arguments; it takes TYPE ID \[VALUE\]/],
    [["status", "now"], /"status" has too many arguments: now; it takes none/],
    [["send", "demo/a", "1", "--type"], /--type needs a value: --type TYPE/],
    [["status", "--json=yes"], /--json takes no value/],
    [["send", "a", "b", "--type", "int", "--type", "long"], /--type is there 2 times/],
    [["send", "demo", "1"], /demo is no function type; it looks like demo\/counter/],
    [["send", "demo/a", ""], /the id is empty/],
    [["send", "demo/a", "1", "--type", "integer"], /--type integer is none of bool, int/],
    [["status", "--url", "localhost"], /--url localhost is no address/],
    [["addresses", "--limit", "all"], /--limit is all; it takes a whole number/],
    [["dead", "retry"], /it takes ID…, or conditions .*, or --all/],
    [["parked", "retry", "demo/a", "1", "--all"], /: one of the three/],
    [["topic", "read", "t", "--from", "5"], /an offset belongs to a partition/],
    [["topic", "write", "t", "--json", "--key", "k"], /with --json key and partition/],
    [["run", "x.yaml", "--set", "A"], /--set A is not NAME=VALUE/],
    [
      ["run", "x.yaml", "--port", "70000"],
      /--port is 70000; it takes a whole number from 0 to 65535/,
    ],
    [["run", "x.yaml", "--log-level", "loud"], /--log-level loud is none of/],
    [["--verbose"], /no command --verbose/],
  ];
  for (const [args, message] of wrong) {
    const { code, out, err } = await run(...args);
    assert.deepEqual([code, out], [2, ""], args.join(" "));
    assert.match(err, message);
    assert.match(err, /^statefold: /);
  }
});

test("a node that does not answer is named, with what to do, and exits with 1", async () => {
  const { code, err } = await run("status", "--url", "http://127.0.0.1:1");
  assert.equal(code, 1);
  assert.match(err, /no node answers at http:\/\/127.0.0.1:1 \(ECONNREFUSED\); start one with/);
  assert.match(err, /\[UNAVAILABLE\]\n$/);
});

test("a node that breaks off is not said to be away: what it was sent may have been taken", async (t) => {
  const server = createServer((request) => request.socket.destroy());
  atEnd(t, async () => void server.close());
  const url = `http://127.0.0.1:${await listen(server, "127.0.0.1", 0)}`;
  const { code, err } = await run("send", "test/x", "a", "hello", "--url", url);
  assert.equal(code, 1);
  assert.match(
    err,
    /broke off before it answered \(ECONNRESET\); whether it has taken this is not/,
  );
});

test("the compiled program runs by itself", async () => {
  const main = fileURLToPath(new URL("../../src/cli/main.js", import.meta.url));
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [main, "--version"]);
  assert.match(stdout, /^\d+\.\d+\.\d+\n$/);
  assert.equal(stderr, "");
});

test("an argument that is no Unicode text is wrong usage, not a mistake of ours", async () => {
  const { code, err } = await new FakeIo().run(["topic", "write", "a\udfff", "x"]);
  assert.deepEqual([code, err.split("\n")[0]], [2, 'statefold: "a\\udfff" is no Unicode text']);
});
