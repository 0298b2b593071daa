import { inspect, SdkError } from "./errors.ts";

export interface TypeNameParts {
  readonly namespace: string;
  readonly name: string;
}

/** Programs use few type names, so each is split once; the bound is for those that invent them. */
const MAX_REMEMBERED = 1000;
const remembered = new Map<string, TypeNameParts>();

/** The two parts of `<namespace>/<name>`, or undefined when `text` is no type name: exactly one '/', neither part empty. */
export function splitTypeName(text: string): TypeNameParts | undefined {
  const known = remembered.get(text);
  if (known !== undefined) return known;
  const slash = text.indexOf("/");
  if (slash <= 0 || slash === text.length - 1 || text.includes("/", slash + 1)) return undefined;
  const parts = { namespace: text.slice(0, slash), name: text.slice(slash + 1) };
  if (remembered.size >= MAX_REMEMBERED) remembered.clear();
  remembered.set(text, parts);
  return parts;
}

/** The same for a name in a declaration; throws DEFINITION_INVALID saying what `what` was meant to be. */
export function requireTypeName(text: string, what: string): TypeNameParts {
  const parts = typeof text === "string" ? splitTypeName(text) : undefined;
  if (parts === undefined) {
    throw new SdkError(
      "DEFINITION_INVALID",
      `${inspect(text)} is no ${what}: write "<namespace>/<name>", with exactly one "/"`,
    );
  }
  return parts;
}
