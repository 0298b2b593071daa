import { argument, type Command, type Context } from "./command.ts";
import { JSON_OPTION, LIMIT, URL_OPTION } from "./common-options.ts";
import { type Decision, decideMany, decideNamed } from "./decide.ts";
import type { OptionSpec } from "./option-spec.ts";
import { type Address, limitOf, listAll, printList } from "./pages.ts";
import { readableView, type ValueView } from "./readable.ts";
import { type FromRecord, recordLines } from "./record-lines.ts";
import { CONDITIONS, conditionsOf, DECISION, isAboutNamed, YES } from "./selection.ts";
import { firstLine, printable, table, time } from "./table.ts";
import { usage } from "./usage.ts";

interface DeadRow {
  readonly id: string;
  readonly address?: Address;
  readonly target?: Address;
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
  /** Absent for a record of an egress. */
  readonly message?: FromRecord;
}

const PATH = "/v1/admin/dead";
const ABOUT =
  "A dead letter is a message or record that was given up, whole, with the reason: nobody serves its target,\nit could not be routed, or its function's module says so.";

const TO: OptionSpec = {
  name: "to",
  kind: "text",
  placeholder: "TYPE[/ID]",
  description: "send the one that is named there instead; without ID, to the id it had",
};

const list: Command = {
  name: "dead list",
  summary: "list what was given up, and why",
  args: "",
  arity: [0, 0],
  details: `${ABOUT}\nIts type is that of the function it was meant for, or in whose turn it died.`,
  options: [...CONDITIONS, LIMIT, JSON_OPTION, URL_OPTION],
  examples: ["statefold dead list", "statefold dead list --code TARGET_UNKNOWN --json"],
  run: async (context) => {
    const conditions = conditionsOf(context);
    await print(context, await listAll<DeadRow>(context, PATH, limitOf(context), conditions));
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
    const lines = [
      `${shown.id}: a ${shown.kind}, given up ${time(shown.atMs)} after ${shown.attempts} tries`,
      `${shown.code}: ${shown.reason}`,
      `from: ${originOf(shown)}`,
      `to: ${destinationOf(shown) ?? NOBODY}`,
      ...recordLines(shown.message ?? {}),
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
  options: [...DECISION, TO],
  examples: [
    "statefold dead retry 0-42 0-43",
    "statefold dead retry --type demo/payment",
    "# the name was wrong",
    "statefold dead retry 0-44 --to demo/payment",
    "# a record without key had none",
    "statefold dead retry 0-45 --to demo/payment/17",
  ],
  run: async (context) => {
    const to = context.options.text("to");
    if (!isAboutNamed(context, retry)) {
      if (to !== undefined) throw usage("--to is for dead letters that are named");
      return await many(context, { verb: "retry", done: "sent once more" });
    }
    const query = to === undefined ? "" : `?${new URLSearchParams({ to })}`;
    return await named(context, "sent once more", (id) =>
      context.client.json("POST", `${pathOf(id)}/retry${query}`),
    );
  },
};

const purge: Command = {
  name: "dead purge",
  summary: "remove dead letters for good",
  args: "[ID…]",
  arity: [0, 1000],
  details: `${ABOUT}\nWithout their ids it takes --yes.`,
  options: [...DECISION, YES],
  examples: [
    "statefold dead purge 0-42",
    "statefold dead purge --older-than 30d --dry-run",
    "statefold dead purge --older-than 30d --yes",
  ],
  run: async (context) => {
    if (!isAboutNamed(context, purge)) {
      return await many(context, { verb: "purge", done: "removed", isFinal: true });
    }
    return await named(context, "removed", (id) => context.client.json("DELETE", pathOf(id)));
  },
};

/** The word that "parked" has for giving up. */
const skip: Command = {
  ...purge,
  name: "dead skip",
  summary: 'the same as "dead purge"',
  examples: ["statefold dead skip 0-42"],
};

export const deadCommands: readonly Command[] = [list, show, retry, purge, skip];

function many(
  context: Context,
  decision: Omit<Decision<DeadRow>, "path" | "print">,
): Promise<number> {
  return decideMany(context, { ...decision, path: PATH, print });
}

function named(
  context: Context,
  done: string,
  decide: (id: string) => Promise<unknown>,
): Promise<number> {
  if (context.options.flag("dry-run")) throw usage("--dry-run does not go with ids");
  return decideNamed(context, context.args, done, decide);
}

async function print(
  context: Context,
  rows: { readonly items: readonly DeadRow[]; readonly more: boolean },
): Promise<void> {
  await printList(context, rows, "there are no dead letters", (items) =>
    table(
      ["ID", "WHEN", "CODE", "FROM", "TO", "REASON"],
      items.map((each) => [
        ...[each.id, time(each.atMs), each.code, originOf(each), destinationOf(each) ?? "-"],
        firstLine(each.reason),
      ]),
    ),
  );
}

function pathOf(id: string): string {
  return `${PATH}/${encodeURIComponent(id)}`;
}

function originOf({ address, source }: DeadRow): string {
  const where = address === undefined ? "" : `${address.type} ${address.id}`;
  return [source, where].filter(Boolean).join(" for ") || "-";
}

const NOBODY = 'nobody it can be said of; "dead retry --to TYPE/ID" names one';

/** Undefined: a record without key was meant for nobody. */
function destinationOf({ target, egress }: DeadRow): string | undefined {
  if (egress !== undefined) return egress;
  if (target === undefined || target.type === "") return undefined;
  return `${target.type} ${target.id}`;
}
