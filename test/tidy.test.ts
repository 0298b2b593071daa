import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { posix } from "node:path";
import { test } from "node:test";

/**
 * What each folder of src/ may import: the table in the design's last section, "The house".
 * Read top to bottom: nothing points upward, and a row grows only together with that table.
 * A name is a folder, of src/ or of one of its folders, and everything in it; a path with `.ts` is that one file; "sdk/protocol" and
 * "sdk" are the two doors of the SDK's package. Type imports count as imports.
 */
const LAYERS: Readonly<Record<string, readonly string[]>> = {
  base: [],
  telemetry: ["base"],
  model: ["base", "telemetry", "sdk/protocol"],
  spec: ["base", "telemetry", "model"],
  store: ["base", "telemetry", "model"],
  blob: ["base", "telemetry"],
  log: ["base", "telemetry", "model"],
  doctor: ["base", "telemetry", "model", "store", "log"],
  partition: [
    ...["base", "telemetry", "model"],
    ...["store/contract.ts", "store/keys.ts", "store/records"],
  ],
  snapshot: ["base", "telemetry", "model", "store", "blob", "log"],
  invoke: ["base", "telemetry", "model", "spec", "sdk", "sdk/protocol"],
  kafka: ["base", "telemetry", "model", "spec"],
  ingress: [
    ...["base", "telemetry", "model", "spec", "store/contract.ts", "log", "kafka"],
    "sdk/protocol",
  ],
  egress: [
    ...["base", "telemetry", "model", "spec", "store/contract.ts", "log", "kafka"],
    "sdk/protocol",
  ],
  gateway: ["base", "telemetry", "model"],
  node: [
    ...["base", "telemetry", "model", "spec", "store", "blob", "log", "partition", "snapshot"],
    ...["invoke", "kafka", "ingress", "egress", "gateway", "sdk", "sdk/protocol"],
  ],
  cli: ["base", "telemetry", "model", "spec", "store", "doctor", "node"],
  testing: [
    ...["base", "telemetry", "model", "spec", "store", "partition", "invoke", "ingress", "egress"],
    ...["node", "sdk"],
  ],
};

/** The name in sdk/package.json. */
const SDK = "@statefold/sdk";

/** `import … from "x"`, `export … from "x"`, `import "x"`, `import("x")`. */
const IMPORT = /\b(?:from|import)\s*\(?\s*["']([^"']+)["']/g;

function sourcesOf(root: string): string[] {
  return readdirSync(root, { recursive: true, encoding: "utf8" })
    .map((name) => name.replaceAll("\\", "/"))
    .filter((name) => name.endsWith(".ts"));
}

/** Every import of ours in a file, as a path below `root`, or as one of the SDK's doors. */
function importsOf(root: string, file: string): string[] {
  const found: string[] = [];
  for (const [, specifier] of readFileSync(`${root}/${file}`, "utf8").matchAll(IMPORT)) {
    if (specifier === undefined) continue;
    if (specifier.startsWith(".")) found.push(posix.join(posix.dirname(file), specifier));
    else if (specifier === SDK || specifier.startsWith(`${SDK}/`)) {
      found.push(specifier.replace(SDK, "sdk"));
    }
  }
  return found;
}

function isAllowed(target: string, from: string): boolean {
  const folder = target.split("/")[0] ?? "";
  if (folder === from) return true;
  const allowed = LAYERS[from] ?? [];
  if (allowed.includes(target)) return true;
  return folder !== "sdk" && allowed.some((name) => target.startsWith(`${name}/`));
}

test("LAYERS reads from top to bottom", () => {
  const seen = new Set(["sdk", "sdk/protocol"]);
  for (const [folder, allowed] of Object.entries(LAYERS)) {
    for (const name of allowed) {
      const owner = seen.has(name) ? name : (name.split("/")[0] ?? "");
      assert(seen.has(owner), `${folder} may not import ${name}, which comes later`);
    }
    seen.add(folder);
  }
});

test("src/ folders import only the folders below them", () => {
  const violations: string[] = [];
  for (const file of sourcesOf("src").filter((name) => name.includes("/"))) {
    const from = file.split("/")[0] ?? "";
    assert(from in LAYERS, `src/${from} is missing from LAYERS`);
    for (const target of importsOf("src", file)) {
      if (!isAllowed(target, from)) violations.push(`src/${file} imports ${target}`);
    }
  }
  assert.deepEqual(violations, []);
});

test("the SDK imports nothing of the runtime", () => {
  const violations = sourcesOf("sdk/src").flatMap((file) =>
    importsOf("sdk/src", file)
      .filter((target) => target.startsWith("..") && target !== "../generated/protocol.js")
      .map((target) => `sdk/src/${file} imports ${target}`),
  );
  assert.deepEqual(violations, []);
});
