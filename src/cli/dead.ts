import { argument, type Command, type Context } from "./command.ts";
import { JSON_OPTION, LIMIT, URL_OPTION } from "./common-options.ts";
import type { OptionSpec } from "./option-spec.ts";
import { type Address, limitOf, listAll, MAX_LIMIT, printList } from "./pages.ts";
import { readableView, type ValueView } from "./readable.ts";
import { firstLine, printable, table, time } from "./table.ts";
import { usage } from "./usage.ts";

interface DeadRow {
  readonly id: string;
  readonly address?: Address;
  readonly code: string;
  readonly reason: string;
  readonly atMs: number;
  readonly attempts: number;
  readonly kind: "message" | "record";
  readonly valueType: string;
  readonly source?: string;
  readonly egress?: string;
}

interface DeadShown extends DeadRow {
  readonly value: ValueView;
  readonly message?: { readonly id: string; readonly target: Address };
}

const ABOUT =
  "A dead letter is a message or record that was given up, whole, with the reason: nobody serves its target,\nit could not be routed, or its function's module says so.";

const ALL: OptionSpec = { name: "all", kind: "flag", description: "every dead letter" };

const list: Command = {
  name: "dead list",
  summary: "list what was given up, and why",
  args: "",
  arity: [0, 0],
  details: ABOUT,
  options: [LIMIT, JSON_OPTION, URL_OPTION],
  examples: ["statefold dead list", "statefold dead list --limit 20 --json"],
  run: async (context) => {
    const rows = await listAll<DeadRow>(context, "/v1/admin/dead", limitOf(context));
    await printList(context, rows, "there are no dead letters", (items) =>
      table(
        ["ID", "WHEN", "CODE", "FROM", "REASON"],
        items.map((each) => [
          ...[each.id, time(each.atMs), each.code, originOf(each), firstLine(each.reason)],
        ]),
      ),
    );
    return 0;
  },
};

const show: Command = {
  name: "dead show",
  summary: "show one dead letter whole",
  args: "ID",
  arity: [1, 1],
  details: ABOUT,
  options: [JSON_OPTION, URL_OPTION],
  examples: ["statefold dead show 0-42"],
  run: async (context) => {
    const shown = await context.client.json<DeadShown>("GET", pathOf(argument(context, 0)));
    if (context.options.flag("json")) {
      await context.io.out(`${JSON.stringify(shown, null, 2)}\n`);
      return 0;
    }
    const target = shown.message?.target;
    const lines = [
      `${shown.id}: a ${shown.kind}, given up ${time(shown.atMs)} after ${shown.attempts} tries`,
      `${shown.code}: ${shown.reason}`,
      `from: ${originOf(shown)}`,
      ...(target === undefined ? [] : [`to: ${target.type} ${target.id}`]),
      ...(shown.egress === undefined ? [] : [`to: ${shown.egress}`]),
      `${shown.value.type}: ${readableView(shown.value)}`,
    ];
    const text = lines.flatMap((line) => line.split("\n")).map(printable);
    await context.io.out(`${text.join("\n")}\n`);
    return 0;
  },
};

const retry: Command = {
  name: "dead retry",
  summary: "send dead letters once more, to where they were meant for",
  args: "[ID…]",
  arity: [0, 1000],
  details: `${ABOUT}\nOne that fails again comes back here under another id.`,
  options: [ALL, URL_OPTION],
  examples: ["statefold dead retry 0-42 0-43", "statefold dead retry --all"],
  run: (context) => forEach(context, "POST", "/retry", "sent once more"),
};

const purge: Command = {
  name: "dead purge",
  summary: "remove dead letters for good",
  args: "[ID…]",
  arity: [0, 1000],
  details: ABOUT,
  options: [ALL, URL_OPTION],
  examples: ["statefold dead purge 0-42", "statefold dead purge --all"],
  run: (context) => forEach(context, "DELETE", "", "removed"),
};

/** The word that "parked" has for giving up. */
const skip: Command = {
  ...purge,
  name: "dead skip",
  summary: 'the same as "dead purge"',
  examples: ["statefold dead skip 0-42"],
};

export const deadCommands: readonly Command[] = [list, show, retry, purge, skip];

async function forEach(
  context: Context,
  method: string,
  verb: string,
  done: string,
): Promise<number> {
  const isAll = context.options.flag("all");
  if (isAll === context.args.length > 0) throw usage("it takes ids of dead letters, or --all");
  const ids = isAll
    ? (await listAll<DeadRow>(context, "/v1/admin/dead", MAX_LIMIT)).items.map(({ id }) => id)
    : context.args;
  for (const id of ids) await context.client.json(method, pathOf(id) + verb);
  context.io.err(`${ids.length} ${done}\n`);
  return 0;
}

function pathOf(id: string): string {
  return `/v1/admin/dead/${encodeURIComponent(id)}`;
}

function originOf({ address, source }: DeadRow): string {
  const where = address === undefined ? "" : `${address.type} ${address.id}`;
  return [source, where].filter(Boolean).join(" for ");
}
