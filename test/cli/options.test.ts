import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { parseCommandLine } from "../../src/cli/command-line.ts";
import type { OptionSpec } from "../../src/cli/option-spec.ts";
import { Options } from "../../src/cli/options.ts";
import { readSettings, type Settings } from "../../src/cli/settings-file.ts";
import { FakeIo, temporaryDirectory } from "./fake-io.ts";

const SPECS: readonly OptionSpec[] = [
  { name: "port", kind: "text", description: "", fallback: "8080", setting: true },
  { name: "data-dir", kind: "text", description: "", setting: true },
  { name: "embedded", kind: "flag", description: "", setting: true },
  { name: "set", kind: "list", description: "", setting: true },
  { name: "key", kind: "text", description: "" },
];

const none: Settings = { file: "statefold.yaml", values: new Map() };

function options(args: string[], env: Record<string, string> = {}, settings = none): Options {
  return new Options(SPECS, parseCommandLine(args, SPECS).given, env, settings);
}

test("the command line wins over the environment, that over the file, that over the default", () => {
  const settings = { file: "statefold.yaml", values: new Map([["port", ["3"]]]) };
  const env = { STATEFOLD_PORT: "2" };
  assert.equal(options(["--port", "1"], env, settings).text("port"), "1");
  assert.equal(options([], env, settings).text("port"), "2");
  assert.equal(options([], {}, settings).text("port"), "3");
  assert.equal(options([]).text("port"), "8080");
});

test("what is no setting comes from the command line alone", () => {
  assert.equal(options([], { STATEFOLD_KEY: "a" }).text("key"), undefined);
});

test("a setting of two words is two words in the environment", () => {
  assert.equal(options([], { STATEFOLD_DATA_DIR: "x" }).text("data-dir"), "x");
});

test("an empty variable says nothing", () => {
  assert.equal(options([], { STATEFOLD_PORT: "" }).text("port"), "8080");
});

test("the address that Kubernetes puts into STATEFOLD_PORT is no port", () => {
  assert.equal(options([], { STATEFOLD_PORT: "tcp://10.0.0.1:80" }).text("port"), "8080");
});

test("a flag can be taken back, and has several words in the environment", () => {
  assert(options(["--embedded"]).flag("embedded"));
  assert(!options(["--no-embedded"], { STATEFOLD_EMBEDDED: "true" }).flag("embedded"));
  for (const yes of ["1", "true", "YES"]) {
    assert(options([], { STATEFOLD_EMBEDDED: yes }).flag("embedded"));
  }
  const unclear = options([], { STATEFOLD_EMBEDDED: "maybe" });
  assert.throws(
    () => unclear.flag("embedded"),
    /STATEFOLD_EMBEDDED is maybe; it takes true or false/,
  );
});

test("a negative number is a value, and what follows two dashes is too", () => {
  assert.deepEqual(parseCommandLine(["a", "-5", "-1.25"], SPECS).args, ["a", "-5", "-1.25"]);
  assert.deepEqual(parseCommandLine(["a", "--", "--port"], SPECS).args, ["a", "--port"]);
});

test("a list takes what it is given several times", () => {
  assert.deepEqual(options(["--set", "A=1", "--set=B=2"]).list("set"), ["A=1", "B=2"]);
});

test("the file gives settings by their names, lists as mappings too", async (t) => {
  const io = new FakeIo();
  io.directory = temporaryDirectory(t);
  const file = join(io.directory, "statefold.yaml");
  writeFileSync(file, "port: 9090\nembedded: true\nset: {A: 1, B: two}\n");
  const found = options([], {}, { ...none, ...(await readSettings(undefined, io, SPECS)), file });
  assert.deepEqual([found.text("port"), found.flag("embedded")], ["9090", true]);
  assert.deepEqual(found.list("set"), ["A=1", "B=two"]);
});

test("a file that is not right is refused with what would be", async (t) => {
  const io = new FakeIo();
  io.directory = temporaryDirectory(t);
  const wrong: [string, RegExp][] = [
    ["prot: 1", /there is no setting prot; did you mean "port"/],
    ["key: 1", /there is no setting key/],
    ["port: [1]", /port takes one value/],
    ["- port", /holds no settings/],
    ["a: [", /is no YAML/],
  ];
  for (const [text, message] of wrong) {
    writeFileSync(join(io.directory, "statefold.yaml"), text);
    await assert.rejects(readSettings(undefined, io, SPECS), { code: "CONFIG_INVALID", message });
  }
});

test("a file is only missed when it was named", async (t) => {
  const io = new FakeIo();
  io.directory = temporaryDirectory(t);
  assert.equal((await readSettings(undefined, io, SPECS)).values.size, 0);
  await assert.rejects(readSettings("other.yaml", io, SPECS), /other.yaml cannot be read/);
});
