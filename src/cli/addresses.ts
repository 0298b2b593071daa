import type { Command, Context } from "./command.ts";
import { JSON_OPTION, LIMIT, URL_OPTION } from "./common-options.ts";
import { type Address, limitOf, listAll, printList } from "./pages.ts";
import { size, table } from "./table.ts";

interface AddressRow {
  readonly address: Address;
  readonly stateBytes: number;
  readonly pending: number;
  readonly parked: boolean;
}

export const addressesCommand: Command = {
  name: "addresses",
  summary: "list the function instances that have state or messages",
  args: "[TYPE]",
  arity: [0, 1],
  details: "With TYPE, those of one function type only.",
  options: [LIMIT, JSON_OPTION, URL_OPTION],
  examples: ["statefold addresses", "statefold addresses demo/counter --limit 20"],
  run: addresses,
};

async function addresses(context: Context): Promise<number> {
  const [type] = context.args;
  const query = type === undefined ? {} : { type };
  const list = await listAll<AddressRow>(context, "/v1/admin/addresses", limitOf(context), query);
  await printList(context, list, "no addresses yet", (items) =>
    table(
      ["TYPE", "ID", "STATE", "WAITING", ""],
      items.map(({ address, stateBytes, pending, parked }) => [
        ...[address.type, address.id, size(stateBytes), pending, parked ? "parked" : ""],
      ]),
    ),
  );
  return 0;
}
