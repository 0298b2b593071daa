import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { atEnd } from "../support/cleanup.ts";
import { startScript } from "../support/process.ts";

const STATEFOLD = fileURLToPath(new URL("../../src/cli/main.js", import.meta.url));

/** The first block of this language below "A first function". */
function blockOf(language: string): string {
  const [, section = ""] = readFileSync("README.md", "utf8").split("\n## A first function\n");
  const [, block] = new RegExp(`\`\`\`${language}\n([\\s\\S]*?)\`\`\``).exec(section) ?? [];
  assert(block !== undefined, `the README has no ${language} in its first function`);
  return block;
}

/** The commands that talk to the node, with what the README says they print. */
function commands(): { readonly args: string[]; readonly prints: string }[] {
  const lines = readFileSync("README.md", "utf8").matchAll(
    /^npx statefold ((?:call|state) .*?) +# (.*)$/gm,
  );
  return [...lines].map(([, line = "", prints = ""]) => ({ args: line.split(" "), prints }));
}

test("the README's first function does what the README says", async (t) => {
  // Below the repository's root, where the function finds the SDK as a reader's does.
  const folder = mkdtempSync("dist/readme-");
  atEnd(t, () => rmSync(folder, { recursive: true, force: true }));
  const script = join(folder, "functions.mjs");
  const module = join(folder, "module.yaml");
  writeFileSync(script, blockOf("js").replace("port: 9000", "port: Number(process.argv[2])"));
  const functions = await startScript(t, { script, args: (port) => [String(port)] });
  writeFileSync(module, blockOf("yaml").replace("9000", String(functions.port)));
  const node = await startScript(t, {
    script: STATEFOLD,
    args: (port) => ["run", module, "--memory", "--port", String(port)],
    ready: /^ready$/m,
  });
  assert(commands().length >= 3, "the README shows commands and what they print");
  for (const { args, prints } of commands()) {
    const command = [STATEFOLD, ...args, "--url", node.url];
    assert.equal(execFileSync(process.execPath, command, { encoding: "utf8" }).trim(), prints);
  }
});
