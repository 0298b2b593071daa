import { BUILTIN_TYPES, isBuiltinType } from "../model/builtin-types.ts";
import { isTypeName } from "../model/type-name.ts";
import { readAll } from "./client.ts";
import type { Context } from "./command.ts";
import type { OptionSpec } from "./option-spec.ts";
import { usage } from "./usage.ts";

export const TYPE_OPTION: OptionSpec = {
  name: "type",
  kind: "text",
  placeholder: "TYPE",
  description: "type of VALUE: string, int, long, float, double, bool, or namespace/name",
  fallback: "string",
};

export const KEY_OPTION: OptionSpec = {
  name: "key",
  kind: "text",
  placeholder: "KEY",
  description: "idempotency key: with the same one, the same address does it once",
};

/** For the help of both commands. */
export const VALUE_DETAILS = `VALUE is text, and "-" reads it from stdin; without one it is empty. Of a built-in type it is written as one
would say it (42, true, hello); of any other type its bytes are sent as they are, which suits JSON types.`;

const PREFIX = "io.statefun.types/";

/** The VALUE of a send or call, with the headers that say its type. */
export async function messageValue(
  context: Context,
): Promise<{ body: string | Uint8Array; headers: Record<string, string> }> {
  const given = context.args[2] ?? "";
  const body = given === "-" ? await readAll(context.io.stdin) : given;
  const typename = fullName(context.options.text("type") ?? "string");
  const media = isBuiltinType(typename) ? "text/plain" : "application/octet-stream";
  const key = context.options.text("key");
  return {
    body,
    headers: {
      "content-type": media,
      "statefold-type": encodeURI(typename),
      ...(key === undefined ? {} : { "idempotency-key": key }),
    },
  };
}

function fullName(type: string): string {
  const name = type.includes("/") ? type : PREFIX + type;
  if (!type.includes("/") && !isBuiltinType(name)) {
    const short = BUILTIN_TYPES.map((each) => each.slice(PREFIX.length)).join(", ");
    throw usage(`--type ${type} is none of ${short}; a type of your own looks like demo/Order`);
  }
  if (!isTypeName(name)) throw usage(`--type ${type} is no type name; it looks like demo/Order`);
  return name;
}
