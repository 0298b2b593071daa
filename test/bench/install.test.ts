import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { peerPath, reasonOf, sumsOf } from "../../bench/peers/install.ts";
import { tempDir } from "../support/temp.ts";

test("a program that is missing is named", () => {
  assert.equal(
    reasonOf("statefun", "mvn", { code: "ENOENT" }),
    "statefun is not installed: mvn is missing on this machine",
  );
});

test("a registry that is not reached is told from a program that fails", () => {
  const away = "npm error code ENOTFOUND\nnpm error network request to https://x failed\nmore";
  assert.equal(
    reasonOf("restate", "npm", { code: 1, stderr: away }),
    "restate is not installed: npm's registry is not reached; try again when it is " +
      "(npm error code ENOTFOUND | npm error network request to https://x failed)",
  );
  const offline = "[ERROR] Could not transfer artifact a:b from central: Unknown host repo";
  assert.match(reasonOf("statefun", "mvn", { code: 1, stdout: offline }), /Maven's repository is/);
  const wrong = "StatefunRuntime.java:3: error: cannot find symbol";
  assert.equal(
    reasonOf("statefun", "javac", { code: 1, stderr: wrong }),
    `statefun is not installed: javac failed with 1 (${wrong})`,
  );
});

test("sums of a folder are written as sha256sum writes them, in their order", (t) => {
  const folder = tempDir(t);
  for (const name of ["b.jar", "a.jar"]) writeFileSync(join(folder, name), name);
  const sum = (text: string): string => createHash("sha256").update(text).digest("hex");
  const lines = ["a.jar", "b.jar"].map((name) => `${sum(name)}  ${name}\n`);
  assert.equal(sumsOf(folder), lines.sort().join(""));
});

test("each neighbour has what it is installed from, with checksums, beside its sources", () => {
  const lock = JSON.parse(readFileSync(peerPath("restate/package-lock.json"), "utf8")) as {
    readonly packages: Readonly<Record<string, { readonly integrity?: string }>>;
  };
  const packages = Object.entries(lock.packages).filter(([path]) => path !== "");
  assert(packages.length > 0);
  for (const [path, { integrity }] of packages) assert(integrity?.startsWith("sha512-"), path);
  for (const line of readFileSync(peerPath("statefun/jars.sha256"), "utf8").trim().split("\n")) {
    assert.match(line, /^[0-9a-f]{64} {2}\S+\.jar$/);
  }
});

test("no neighbour is a dependency of the project", () => {
  const root = JSON.parse(readFileSync("package.json", "utf8")) as {
    readonly dependencies: object;
    readonly devDependencies: object;
  };
  const names = Object.keys({ ...root.dependencies, ...root.devDependencies });
  assert.deepEqual(
    names.filter((name) => name.startsWith("@restatedev/")),
    [],
  );
});
