import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { atEnd } from "../support/cleanup.ts";
import { type Script, startScript } from "../support/process.ts";
import { until } from "../support/until.ts";

const STATEFOLD = fileURLToPath(new URL("../../src/cli/main.js", import.meta.url));

/** The blocks of this language below "A first function"; that without a language is output. */
function blocksOf(language: string): string[] {
  const [, section = ""] = readFileSync("README.md", "utf8").split("\n## A first function\n");
  const blocks = section.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm);
  return [...blocks].filter(([, word]) => word === language).map(([, , block = ""]) => block);
}

interface Command {
  readonly args: readonly string[];
  /** Undefined: it does not say. */
  readonly prints: string | undefined;
}

/** The commands that talk to the node, with what the README says they print. */
function commands(): Command[] {
  const lines = blocksOf("sh")
    .join("")
    .matchAll(/^npx statefold ((?:call|state|send|parked) [^#\n]*?)(?: +# (.*))?$/gm);
  return [...lines].map(([, line = "", prints]) => ({ args: line.split(" "), prints }));
}

/** A first function, and the node, as the README has them but for the ports. */
async function firstFunction(t: TestContext) {
  // Below the repository's root, where the function finds the SDK as a reader's does.
  const folder = mkdtempSync("dist/readme-");
  atEnd(t, () => rmSync(folder, { recursive: true, force: true }));
  const script = join(folder, "functions.mjs");
  const module = join(folder, "module.yaml");
  const [program = "", bug = ""] = blocksOf("js");
  const [yaml = ""] = blocksOf("yaml");
  const right = program.replace("port: 9000", "port: Number(process.argv[2])");
  writeFileSync(script, right);
  const functions = await startScript(t, { script, args: (port) => [String(port)] });
  writeFileSync(module, yaml.replace("9000", String(functions.port)));
  const node = await startScript(t, {
    script: STATEFOLD,
    args: (port) => ["run", module, "--memory", "--port", String(port)],
    ready: /^ready$/m,
  });
  const replace = async (text: string) => {
    writeFileSync(script, text);
    await functions.restart();
  };
  const breakIt = () => replace(right.replace(/^.*\(ctx, by\) => \{\n/m, (line) => line + bug));
  return { node, breakIt, mend: () => replace(right) };
}

function run(node: Script, args: readonly string[]): string {
  const command = [STATEFOLD, ...args, "--url", node.url];
  return execFileSync(process.execPath, command, { encoding: "utf8", stdio: "pipe" }).trim();
}

/** What differs from run to run, and what is left out, stands for itself. */
function alike(shown: string): RegExp {
  const literal = shown.trim().replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const pattern = literal
    .replace(/\d{4}-\d\d-\d\d [\d:]+Z/, "\\S+ \\S+Z")
    .replaceAll(/\b\d+-\d+-\w+\b/g, "\\w+-\\w+-\\w+")
    .replaceAll("localhost:9000", "localhost:\\d+")
    .replaceAll(/\d+ tries/g, "\\d+ tries") // once more when both messages came together at first
    .replaceAll("…", ".*");
  return new RegExp(`^${pattern}$`);
}

test("the README's first function does what the README says, breaks, and is mended", async (t) => {
  const { node, breakIt, mend } = await firstFunction(t);
  const all = commands();
  const broken = all.findIndex(({ args }) => args[0] === "send");
  const shown = all.findIndex(({ args }) => args.join(" ").startsWith("parked show"));
  const mended = all.findIndex(({ args }) => args.join(" ").startsWith("parked retry"));
  assert(3 <= broken && broken < shown && shown < mended && mended < all.length - 1);
  for (const [at, { args, prints }] of all.entries()) {
    if (at === broken) {
      run(node, ["call", "hello/counter", "visits", "5", "--type", "int"]); // that of curl
      await breakIt();
    }
    if (at === mended) await mend();
    if (at === shown) {
      const [output = ""] = blocksOf("");
      const isShown = () => {
        assert.match(run(node, args), alike(output));
        return true;
      };
      await until("it is parked", isShown, { timeoutMs: 30_000, everyMs: 100 });
    } else if (at > mended) {
      await until("it has gone on", () => run(node, args) === prints, {
        ...{ timeoutMs: 30_000, everyMs: 100 },
      });
    } else {
      const printed = run(node, args);
      if (prints !== undefined) assert.equal(printed, prints);
    }
  }
});
