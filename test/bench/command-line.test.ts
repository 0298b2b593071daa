import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { type CommandLine, readCommandLine } from "../../bench/support/command-line.ts";
import { tempDir } from "../support/temp.ts";

const ONLY = {
  call: { numbers: "connections" },
  kafka: { numbers: "rates", words: ["drain"] },
  isolation: { words: ["hot", "slow"] },
  codec: undefined,
};

function asked(...args: readonly string[]): CommandLine {
  return readCommandLine(args, ONLY);
}

function wrong(...args: readonly string[]): string {
  const found = asked(...args);
  return found.kind === "wrong" ? found.message : found.kind;
}

test("without a word all is measured, with what the documents speak of", () => {
  assert.deepEqual(asked(), {
    ...{ kind: "measure", names: ["call", "kafka", "isolation", "codec"] },
    options: { rounds: 3, seconds: 2, scale: 1, profile: false, only: [] },
    ...{ json: undefined, picture: undefined },
  });
});

test("names, numbers and what is picked are taken", () => {
  const found = asked(
    "kafka",
    "call",
    "--only",
    "16",
    "--only=256",
    "--seconds",
    "0.5",
    "--profile",
  );
  assert(found.kind === "measure");
  assert.deepEqual(found.names, ["kafka", "call"]);
  assert.deepEqual(found.options.only, ["16", "256"]);
  assert.deepEqual([found.options.seconds, found.options.profile], [0.5, true]);
});

test("help is help, whatever else is there", () => {
  assert.equal(asked("--help").kind, "help");
  assert.equal(asked("nonsense", "-h").kind, "help");
});

test("a benchmark that there is not is said, with the one that was meant", () => {
  assert.equal(
    wrong("calls"),
    "there is no benchmark calls; did you mean call? There are call, kafka, isolation, codec",
  );
  assert.match(wrong("toString"), /^there is no benchmark toString/);
});

test("an option that there is not is said, with the one that was meant", () => {
  assert.match(wrong("--round", "3"), /^there is no option --round; did you mean --rounds\? There/);
  assert.match(wrong("-x"), /^there is no option -x\. There are --rounds, --seconds/);
});

test("an option without value is said, with how it is given", () => {
  assert.equal(wrong("--rounds"), "--rounds needs a value: --rounds 3");
  assert.equal(wrong("--json", "--profile"), "--json needs a value: --json FILE");
  assert.equal(wrong("--only="), "--only needs a value: --only 256");
  assert.equal(wrong("--profile=yes"), "--profile takes no value, and has yes");
});

test("a number that is none is said, with what it takes", () => {
  for (const text of ["x", "0", "1.5", "1e3", " 3"]) {
    const right = "it takes a whole number from 1, such as 3";
    assert.equal(wrong("--rounds", text), `--rounds is ${text}; ${right}`);
  }
  assert.equal(wrong("--seconds", "0"), "--seconds is 0; it takes a number above 0, such as 2");
});

test("what --only cannot mean to a benchmark is said before it is measured", () => {
  const numbers = "it takes a number of connections, from 1";
  for (const text of ["abc", "0", "1.5", "01"]) {
    assert.equal(wrong("call", "--only", text), `--only ${text} means nothing to call; ${numbers}`);
  }
  assert.equal(
    wrong("kafka", "--only", "all"),
    "--only all means nothing to kafka; it takes a number of rates, from 1, or drain",
  );
  assert.equal(
    wrong("isolation", "--only", "hto"),
    "--only hto means nothing to isolation; it takes hot, slow",
  );
  const those = "name the benchmarks: call, kafka, isolation";
  assert.equal(wrong("codec", "--only", "1"), `--only means nothing to codec; ${those}`);
  assert.equal(asked("kafka", "--only", "drain").kind, "measure");
});

test("a file that cannot be written is said before anything is measured", (t) => {
  const folder = tempDir(t);
  const nowhere = join(folder, "nowhere", "x.json");
  assert.equal(
    wrong("--json", nowhere),
    `--json ${nowhere}: there is no folder ${join(folder, "nowhere")}`,
  );
  assert.equal(wrong("--picture", folder), `--picture ${folder} is a folder; it takes a file`);
  assert.equal(asked("--json", join(folder, "x.json")).kind, "measure");
});

test("a picture wants the benchmark that is drawn, or a file that holds it", (t) => {
  const folder = tempDir(t);
  const [from, picture] = [join(folder, "x.json"), join(folder, "x.svg")];
  assert.match(wrong("codec", "--picture", picture), /^--picture draws call, which is not among/);
  const draw = (): string => wrong("--from", from, "--picture", picture);
  assert.equal(draw(), `--from ${from}: there is no such file`);
  for (const text of ["nonsense", "null", "3", "{}", '{"benchmarks":{"call":{"tables":[[]]}}}']) {
    writeFileSync(from, text);
    assert.equal(draw(), `--from ${from} is not what --json has written of call`);
  }
  writeFileSync(from, '{"benchmarks":{"call":{"tables":[[{"call":"statefold"}]]}}}');
  assert.equal(draw(), "draw");
  assert.match(wrong("--from", from), /needs --picture FILE$/);
  assert.equal(
    wrong("call", "--from", from, "--picture", picture),
    "--from measures nothing: leave out call",
  );
});
