import { addressPath } from "./client.ts";
import { argument, type Command, type Context } from "./command.ts";
import { JSON_OPTION, LIMIT, URL_OPTION } from "./common-options.ts";
import type { OptionSpec } from "./option-spec.ts";
import { type Address, limitOf, listAll, MAX_LIMIT, printList } from "./pages.ts";
import { readableView, type ValueView } from "./readable.ts";
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
  readonly messages: readonly { readonly id: string; readonly value: ValueView }[];
}

const ABOUT =
  "An address is parked when its function failed for a message as often as the module allows. It then waits,\nwith all its messages, in order, until somebody decides.";

const ALL: OptionSpec = { name: "all", kind: "flag", description: "every parked address" };

const list: Command = {
  name: "parked list",
  summary: "list the addresses that wait for a person",
  args: "[TYPE]",
  arity: [0, 1],
  details: ABOUT,
  options: [LIMIT, JSON_OPTION, URL_OPTION],
  examples: ["statefold parked list", "statefold parked list demo/payment --json"],
  run: async (context) => {
    const [type] = context.args;
    const query = type === undefined ? {} : { type };
    const rows = await listAll<ParkedRow>(context, "/v1/admin/parked", limitOf(context), query);
    await printList(context, rows, "nothing is parked", (items) =>
      table(
        ["TYPE", "ID", "SINCE", "TRIES", "WAITING", "REASON"],
        items.map(({ address, sinceMs, attempts, pending, reason }) => [
          ...[address.type, address.id, time(sinceMs), attempts, pending, firstLine(reason)],
        ]),
      ),
    );
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
        `${shown.code}: ${reason}\n${shown.pending} messages wait, the first ones:\n`,
    );
    for (const { id, value } of shown.messages) {
      const text = readableView(value).split("\n").map(printable).join("\n  ");
      await context.io.out(`  ${id} (${printable(value.type)}): ${text}\n`);
    }
    return 0;
  },
};

const retry: Command = {
  name: "parked retry",
  summary: "let a parked address try again, from the message it stopped at",
  args: "[TYPE ID]",
  arity: [0, 2],
  details: `${ABOUT}\nDo this when what made it fail has been repaired.`,
  options: [ALL, URL_OPTION],
  examples: ["statefold parked retry demo/payment 17", "statefold parked retry --all"],
  run: async (context) => {
    if (!context.options.flag("all")) {
      await context.client.json("POST", `${pathOf(context)}/retry`);
      context.io.err("it goes on\n");
      return 0;
    }
    if (context.args.length > 0) throw usage("--all and an address do not go together");
    const rows = await listAll<ParkedRow>(context, "/v1/admin/parked", MAX_LIMIT);
    for (const { address } of rows.items) {
      const path = addressPath(address.type, address.id);
      await context.client.json("POST", `/v1/admin/parked/${path}/retry`);
    }
    context.io.err(`${rows.items.length} go on\n`);
    return 0;
  },
};

const skip: Command = {
  name: "parked skip",
  summary: "give up the message an address stopped at, and let it go on with the next",
  args: "TYPE ID",
  arity: [2, 2],
  details: `${ABOUT}\nThe message given up goes to the dead letters; its id is printed.`,
  options: [URL_OPTION],
  examples: ["statefold parked skip demo/payment 17"],
  run: async (context) => {
    const path = `${pathOf(context)}/skip`;
    const { messageId } = await context.client.json<{ messageId: string }>("POST", path);
    await context.io.out(`${messageId}\n`);
    return 0;
  },
};

export const parkedCommands: readonly Command[] = [list, show, retry, skip];

function pathOf(context: Context): string {
  if (context.args.length < 2) throw usage("it takes TYPE and ID");
  return `/v1/admin/parked/${addressPath(argument(context, 0), argument(context, 1))}`;
}
