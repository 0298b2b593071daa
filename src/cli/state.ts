import { addressPath } from "./client.ts";
import { argument, type Command, type Context } from "./command.ts";
import { JSON_OPTION, URL_OPTION } from "./common-options.ts";
import { readableView, type ValueView } from "./readable.ts";
import { printable, time } from "./table.ts";

interface AddressState {
  readonly states: readonly {
    readonly name: string;
    readonly value: ValueView;
    readonly expiresAtMs?: number;
  }[];
}

export const stateGetCommand: Command = {
  name: "state get",
  summary: "show what one function instance remembers",
  args: "TYPE ID",
  arity: [2, 2],
  details: "Built-in and JSON types are shown as values, other bytes as text or base64.",
  options: [JSON_OPTION, URL_OPTION],
  examples: ["statefold state get demo/counter visits", "statefold state get demo/cart 17 --json"],
  run: stateGet,
};

async function stateGet(context: Context): Promise<number> {
  const { client, io, options } = context;
  const path = addressPath(argument(context, 0), argument(context, 1));
  const found = await client.json<AddressState>("GET", `/v1/admin/state/${path}`);
  if (options.flag("json")) {
    await io.out(`${JSON.stringify(found, null, 2)}\n`);
    return 0;
  }
  if (found.states.length === 0) io.err("it has messages, and no state\n");
  for (const { name, value, expiresAtMs } of found.states) {
    const expiry = expiresAtMs === undefined ? "" : `, until ${time(expiresAtMs)}`;
    const text = readableView(value).split("\n").map(printable).join("\n");
    await io.out(`${printable(name)} (${printable(value.type)}${expiry}): ${text}\n`);
  }
  return 0;
}
