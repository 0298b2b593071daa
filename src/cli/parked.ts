import { addressPath } from "./client.ts";
import { argument, type Command, type Context } from "./command.ts";
import { JSON_OPTION, LIMIT, URL_OPTION } from "./common-options.ts";
import { type Decision, decideMany } from "./decide.ts";
import { type Address, limitOf, listAll, printList } from "./pages.ts";
import { readableView, type ValueView } from "./readable.ts";
import { type FromRecord, recordLines } from "./record-lines.ts";
import { CONDITIONS, conditionsOf, DECISION, isAboutNamed, YES } from "./selection.ts";
import { firstLine, printable, table, time } from "./table.ts";
import { usage } from "./usage.ts";

interface ParkedRow {
  readonly address: Address;
  readonly code: string;
  readonly reason: string;
  readonly sinceMs: number;
  readonly attempts: number;
  readonly pending: number;
}

interface ParkedShown extends ParkedRow {
  readonly messages: readonly (FromRecord & { readonly id: string; readonly value: ValueView })[];
}

const PATH = "/v1/admin/parked";
const ABOUT =
  "An address is parked when its function failed for a message as often as the module allows. It then waits,\nwith all its messages, in order, until somebody decides.";

const list: Command = {
  name: "parked list",
  summary: "list the addresses that wait for a person",
  args: "",
  arity: [0, 0],
  details: ABOUT,
  options: [...CONDITIONS, LIMIT, JSON_OPTION, URL_OPTION],
  examples: ["statefold parked list", "statefold parked list --type demo/payment --older-than 1h"],
  run: async (context) => {
    const conditions = conditionsOf(context);
    await print(context, await listAll<ParkedRow>(context, PATH, limitOf(context), conditions));
    return 0;
  },
};

const show: Command = {
  name: "parked show",
  summary: "show why an address is parked, and what waits there",
  args: "TYPE ID",
  arity: [2, 2],
  details: ABOUT,
  options: [JSON_OPTION, URL_OPTION],
  examples: ["statefold parked show demo/payment 17"],
  run: async (context) => {
    const shown = await context.client.json<ParkedShown>("GET", pathOf(context));
    if (context.options.flag("json")) {
      await context.io.out(`${JSON.stringify(shown, null, 2)}\n`);
      return 0;
    }
    const head = `${shown.address.type} ${shown.address.id}`;
    const reason = shown.reason.split("\n").map(printable).join("\n  ");
    await context.io.out(
      `${printable(head)}: parked since ${time(shown.sinceMs)}, after ${shown.attempts} tries\n` +
        `${shown.code}: ${reason}\n${shown.pending} waiting, the first ones:\n`,
    );
    for (const message of shown.messages) {
      const { id, value } = message;
      const text = readableView(value).split("\n").map(printable).join("\n  ");
      await context.io.out(`  ${id} (${printable(value.type)}): ${text}\n`);
      for (const line of recordLines(message)) await context.io.out(`    ${printable(line)}\n`);
    }
    return 0;
  },
};

const retry: Command = {
  name: "parked retry",
  summary: "let parked addresses try again, from the message they stopped at",
  args: "[TYPE ID]",
  arity: [0, 2],
  details: `${ABOUT}\nDo this when what made it fail has been repaired.`,
  options: DECISION,
  examples: [
    "statefold parked retry demo/payment 17",
    "statefold parked retry --type demo/payment",
    "statefold parked retry --all --limit 10",
  ],
  run: (context) => decide(context, retry, { verb: "retry", done: "go on" }),
};

const skip: Command = {
  name: "parked skip",
  summary: "give up the message an address stopped at, and let it go on with the next",
  args: "[TYPE ID]",
  arity: [0, 2],
  details: `${ABOUT}\nThe message given up goes to the dead letters. Of one address its id is printed.`,
  options: DECISION,
  examples: [
    "statefold parked skip demo/payment 17",
    "statefold parked skip --type demo/payment --reason 'no such currency' --dry-run",
  ],
  run: async (context) => {
    if (!isOne(context, skip))
      return await decide(context, skip, { verb: "skip", done: "skipped" });
    const path = `${pathOf(context)}/skip`;
    const { messageId } = await context.client.json<{ messageId: string }>("POST", path);
    await context.io.out(`${messageId}\n`);
    return 0;
  },
};

const purge: Command = {
  name: "parked purge",
  summary: "remove all messages of parked addresses for good",
  args: "[TYPE ID]",
  arity: [0, 2],
  details: `${ABOUT}\nThe messages are gone, and in no dead letter; what the address remembers stays.`,
  options: [...DECISION, YES],
  examples: [
    "statefold parked purge demo/payment 17 --yes",
    "statefold parked purge --type demo/payment --older-than 7d --dry-run",
  ],
  run: async (context) => {
    if (!isOne(context, purge)) {
      return await decide(context, purge, { verb: "purge", done: "purged", isFinal: true });
    }
    if (!context.options.flag("yes")) {
      throw usage('"purge" removes for good; "parked show" tells what, --yes does it');
    }
    const path = `${pathOf(context)}/purge`;
    const { messages } = await context.client.json<{ messages: number }>("POST", path);
    context.io.err(`${messages === 1 ? "1 message" : `${messages} messages`} removed\n`);
    return 0;
  },
};

export const parkedCommands: readonly Command[] = [list, show, retry, skip, purge];

async function decide(
  context: Context,
  command: Command,
  decision: Omit<Decision<ParkedRow>, "path" | "print">,
): Promise<number> {
  if (!isOne(context, command))
    return await decideMany(context, { ...decision, path: PATH, print });
  await context.client.json("POST", `${pathOf(context)}/${decision.verb}`);
  context.io.err("it goes on\n");
  return 0;
}

/** An address is named, and nothing that is for many. */
function isOne(context: Context, command: Command): boolean {
  if (!isAboutNamed(context, command)) return false;
  for (const name of ["dry-run", "json"]) {
    if (context.options.flag(name)) throw usage(`--${name} does not go with an address`);
  }
  return true;
}

async function print(
  context: Context,
  rows: { readonly items: readonly ParkedRow[]; readonly more: boolean },
): Promise<void> {
  await printList(context, rows, "nothing is parked", (items) =>
    table(
      ["TYPE", "ID", "SINCE", "TRIES", "WAITING", "REASON"],
      items.map(({ address, sinceMs, attempts, pending, reason }) => [
        ...[address.type, address.id, time(sinceMs), attempts, pending, firstLine(reason)],
      ]),
    ),
  );
}

function pathOf(context: Context): string {
  if (context.args.length < 2) throw usage("an address is TYPE and ID");
  return `${PATH}/${addressPath(argument(context, 0), argument(context, 1))}`;
}
