/** Command lines: done, failed or wrong usage, each with its exit code and words, and never a stack trace. */
import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { CLIENT_COMMANDS } from "../../src/cli/commands.ts";
import { FakeIo } from "../cli/fake-io.ts";
import type { Rng } from "../support/rng.ts";
import type { Attack } from "./attack.ts";
import { anyNumber, anyText } from "./words.ts";

const WORDS = [
  ...CLIENT_COMMANDS.flatMap(({ name }) => name.split(" ")),
  ...CLIENT_COMMANDS.flatMap(({ options }) => options.map(({ name }) => `--${name}`)),
  ...[
    "--help",
    "--version",
    "--",
    "-",
    "-x",
    "---",
    "--=",
    "--url=",
    "--json=maybe",
    "help",
    "demo/x",
  ],
];

/** @param url of a node, for those command lines that get so far */
export function commandLineAttack(url: string): Attack {
  return {
    name: "command-line",
    strike: async (rng, show) => {
      const args = anyCommandLine(rng);
      show(args);
      const io = new FakeIo();
      // Never another's node: a command that gets through ends at ours.
      io.env = { STATEFOLD_URL: url };
      io.stdin = Readable.from([Buffer.from(anyText(rng))]);
      const { code, out, err } = await io.run(args);
      assert([0, 1, 2].includes(code), `exit ${code}`);
      assert.doesNotMatch(err, /\n\s+at .*(\.js|node:)/, `a stack trace: ${err}`);
      if (code === 2) assert.match(err, /See: statefold|^statefold [a-z]+: /);
      if (code === 1) assert.match(err + out, /\S/);
      if (code !== 0 && !args.includes("check")) assert.match(err, /\S/);
      return `exit ${code}`;
    },
  };
}

function anyCommandLine(rng: Rng): string[] {
  const command = rng.pick(CLIENT_COMMANDS);
  const args = rng.chance(0.85) ? command.name.split(" ") : [];
  // One that follows a topic ends when its reader hangs up, which is not what is tried here.
  const mayNot = new Set(["--follow"]);
  for (let words = rng.int(6); words > 0; words--) args.push(anyWord(rng, command.options));
  return args.filter((word) => !mayNot.has(word.split("=", 1)[0] ?? "") && !/^--?u/.test(word));
}

function anyWord(rng: Rng, options: readonly { readonly name: string }[]): string {
  switch (rng.int(5)) {
    case 0:
      return anyText(rng);
    case 1:
      return String(anyNumber(rng));
    case 2:
      return `--${options.length > 0 ? rng.pick(options).name : "x"}=${anyText(rng)}`;
    case 3:
      return options.length > 0 ? `--${rng.pick(options).name}` : "--x";
    default:
      return rng.pick(WORDS);
  }
}
