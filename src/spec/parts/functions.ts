import { splitTypeName } from "../../model/type-name.ts";
import type { FunctionPattern } from "../module.ts";
import { type Reader, refined } from "../reader/reader.ts";
import { claim, scalar } from "../reader/scalars.ts";

const EXPECTED = "<namespace>/<name>, or <namespace>/* for all functions of a namespace";

const pattern = scalar(EXPECTED, (text) => {
  const parts = splitTypeName(text);
  if (parts === undefined || parts.namespace.includes("*")) return undefined;
  return parts.name === "*" || !parts.name.includes("*") ? text : undefined;
});

/** Which functions an endpoint serves. Each pattern belongs to one endpoint. */
export const functionPattern: Reader<FunctionPattern> = refined(pattern, (text, at) => {
  const taken = claim("function", text, at);
  if (taken !== undefined) return taken;
  const slash = text.indexOf("/");
  const name = text.slice(slash + 1);
  return { namespace: text.slice(0, slash), name: name === "*" ? undefined : name };
});
