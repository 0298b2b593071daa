import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { allCommands } from "../../src/cli/commands.ts";

const COMMANDS = allCommands(() => Promise.reject(new Error("not in this test")));

/** The sections of docs/cli.md by their command: "run", "topic list". */
function sections(): Map<string, string> {
  const [, ...parts] = readFileSync("docs/cli.md", "utf8").split(/^## statefold /m);
  return new Map(
    parts.map((part) => {
      const end = part.indexOf("\n");
      return [part.slice(0, end), part.slice(end)];
    }),
  );
}

test("docs/cli.md has a section for every command, in its order and with its arguments", () => {
  const headings = COMMANDS.map(({ name, args }) => `${name} ${args}`.trim());
  assert.deepEqual([...sections().keys()], headings);
});

test("docs/cli.md names every option where it belongs", () => {
  const texts = [...sections().values()];
  for (const [i, { name, options }] of COMMANDS.entries()) {
    for (const option of options.filter((each) => each.name !== "url")) {
      assert(texts[i]?.includes(`--${option.name}`), `${name}: --${option.name} is missing`);
    }
  }
});
