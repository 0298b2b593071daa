import type { Command } from "./command.ts";
import { CONFIG, HELP } from "./common-options.ts";
import { type OptionSpec, variableOf } from "./option-spec.ts";

/** What `statefold` alone says. */
export function overview(commands: readonly Command[]): string {
  const names = groups(commands);
  const width = Math.max(...[...names.keys()].map((name) => name.length));
  const lines = [...names].map(([name, summary]) => `  ${name.padEnd(width)}  ${summary}`);
  return `statefold runs stateful functions: it keeps their state, delivers their messages, and calls them over HTTP.

Usage: statefold COMMAND …

Commands:
${lines.join("\n")}

Start here:
  statefold run module.yaml            run the functions that module.yaml names
  statefold call demo/greeter ada hi   call one of them
  statefold status                     see what is going on

"statefold COMMAND --help" tells more about one of them. Options may also stand in statefold.yaml
(port: 8080) and in the environment (STATEFOLD_PORT=8080).
`;
}

/** Commands of two words under their first, in order. */
function groups(commands: readonly Command[]): Map<string, string> {
  const found = new Map<string, string>();
  for (const { name, summary } of commands) {
    const [first = "", second] = name.split(" ");
    if (second === undefined) found.set(first, summary);
    else {
      const verbs = commands
        .filter((each) => each.name.startsWith(`${first} `))
        .map((each) => each.name.slice(first.length + 1));
      found.set(`${first} ${verbs.join("|")}`, groupSummary(first, summary));
    }
  }
  return found;
}

const GROUPS: Readonly<Record<string, string>> = {
  topic: "the topic log: lines in, lines out",
  state: "what a function remembers",
  parked: "addresses that wait for a person",
  dead: "messages that were given up",
};

function groupSummary(name: string, fallback: string): string {
  return GROUPS[name] ?? fallback;
}

/** What `statefold topic` says: the commands that begin so. */
export function groupHelp(name: string, commands: readonly Command[]): string {
  const members = commands.filter((each) => each.name.startsWith(`${name} `));
  const width = Math.max(...members.map((each) => `${each.name} ${each.args}`.length));
  const lines = members.map(
    (each) => `  ${`${each.name} ${each.args}`.padEnd(width)}  ${each.summary}`,
  );
  return `statefold ${name}: ${GROUPS[name] ?? ""}\n\n${lines.join("\n")}\n`;
}

export function commandHelp(command: Command): string {
  const options = [...command.options, CONFIG, HELP];
  const sections = [
    `statefold ${command.name}: ${command.summary}`,
    `Usage: statefold ${[command.name, command.args].filter(Boolean).join(" ")} [OPTIONS]`,
    command.details.trim(),
    `Options:\n${optionLines(options)}`,
    `Examples:\n${command.examples.map((line) => `  ${line}`).join("\n")}`,
  ];
  return `${sections.filter(Boolean).join("\n\n")}\n`;
}

function optionLines(options: readonly OptionSpec[]): string {
  const heads = options.map((each) =>
    each.kind === "flag" ? `--${each.name}` : `--${each.name} ${each.placeholder ?? "VALUE"}`,
  );
  const width = Math.max(...heads.map((head) => head.length));
  return options
    .map((each, i) => {
      const notes: string[] = [];
      if (each.fallback !== undefined) notes.push(`default ${each.fallback}`);
      if (each.setting === true && each.kind !== "list") notes.push(variableOf(each.name));
      const note = notes.length === 0 ? "" : ` (${notes.join(", ")})`;
      return `  ${(heads[i] ?? "").padEnd(width)}  ${each.description}${note}`;
    })
    .join("\n");
}
