import { describeError, StatefoldError } from "../base/errors.ts";
import { didYouMean } from "../base/nearest.ts";
import { version } from "../telemetry/version.ts";
import { Client } from "./client.ts";
import type { Command } from "./command.ts";
import { parseCommandLine } from "./command-line.ts";
import { CONFIG, HELP, URL_OPTION } from "./common-options.ts";
import { commandHelp, groupHelp, overview } from "./help.ts";
import type { Io } from "./io.ts";
import { variableOf } from "./option-spec.ts";
import { Options } from "./options.ts";
import { readSettings } from "./settings-file.ts";
import { printable } from "./table.ts";
import { usage } from "./usage.ts";

/**
 * Runs one command line; resolves with the exit code: 0 done, 1 failed, 2 wrong usage. What went wrong
 * stands on stderr then.
 */
export async function runCli(
  args: readonly string[],
  commands: readonly Command[],
  io: Io,
): Promise<number> {
  const [first = "", second = ""] = args;
  // Whose help to point at when the command line is wrong.
  let about = commands.some(({ name }) => name.startsWith(`${first} `)) ? ` ${first}` : "";
  try {
    const broken = args.find((arg) => /\p{Surrogate}/u.test(arg));
    if (broken !== undefined) throw usage(`${JSON.stringify(broken)} is no Unicode text`);
    if (first === "" || first === "--help" || first === "help") {
      await io.out(await helpFor(args.slice(1), commands));
      return 0;
    }
    if (first === "--version") {
      await io.out(`${version()}\n`);
      return 0;
    }
    const command = commands.find(({ name }) => name === first || name === `${first} ${second}`);
    if (command === undefined) return await noSuchCommand(first, second, commands, io);
    about = ` ${command.name}`;
    return await runCommand(command, args.slice(command.name.split(" ").length), commands, io);
  } catch (error) {
    return failed(error, about, io);
  }
}

async function helpFor(words: readonly string[], commands: readonly Command[]): Promise<string> {
  const name = words.join(" ");
  const command = commands.find((each) => each.name === name);
  if (command !== undefined) return commandHelp(command);
  const isGroup = name !== "" && commands.some((each) => each.name.startsWith(`${name} `));
  return isGroup ? groupHelp(name, commands) : overview(commands);
}

async function noSuchCommand(
  first: string,
  second: string,
  commands: readonly Command[],
  io: Io,
): Promise<number> {
  const isGroup = commands.some(({ name }) => name.startsWith(`${first} `));
  if (isGroup && (second === "" || second === "--help")) {
    const help = groupHelp(first, commands);
    if (second === "--help") await io.out(help);
    else io.err(help);
    return second === "--help" ? 0 : 2;
  }
  const names = new Set(commands.map(({ name }) => (isGroup ? name : (name.split(" ")[0] ?? ""))));
  const said = isGroup ? `${first} ${second}` : first;
  throw usage(`there is no command ${said}${didYouMean(said, names)}`);
}

async function runCommand(
  command: Command,
  args: readonly string[],
  commands: readonly Command[],
  io: Io,
): Promise<number> {
  const specs = [...command.options, CONFIG, HELP];
  const { given, args: rest } = parseCommandLine(args, specs);
  if (given.has("help")) {
    await io.out(commandHelp(command));
    return 0;
  }
  const [min, max] = command.arity;
  if (rest.length < min || rest.length > max) {
    const [what, which] =
      rest.length < min ? ["lacks", ""] : ["has too many", `: ${rest.slice(max).join(" ")}`];
    throw usage(`"${command.name}" ${what} arguments${which}; it takes ${command.args || "none"}`);
  }
  const named = given.get("config")?.[0] ?? io.env[variableOf("config")];
  const settings = await readSettings(
    named,
    io,
    commands.flatMap((each) => each.options),
  );
  const options = new Options(specs, given, io.env, settings);
  const url = command.options.includes(URL_OPTION) ? options.text("url") : undefined;
  const client = new Client(url ?? URL_OPTION.fallback ?? "");
  return await command.run({ args: rest, options, io, client });
}

function failed(error: unknown, about: string, io: Io): number {
  if (error instanceof StatefoldError && error.code === "USAGE") {
    io.err(`statefold: ${error.message}\nSee: statefold${about} --help\n`);
    return 2;
  }
  if (error instanceof StatefoldError) {
    const [line = "", ...more] = describeError(error).split("\n");
    io.err(`statefold: ${[line, ...more].map(printable).join("\n")} [${error.code}]\n`);
    return 1;
  }
  io.err(`statefold: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  return 1;
}
