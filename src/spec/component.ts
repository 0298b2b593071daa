import { didYouMean } from "../base/nearest.ts";
import { splitTypeName } from "../model/type-name.ts";
import { KINDS } from "./kinds/all.ts";
import type { Kind } from "./kinds/kind.ts";
import type { Cursor, Invalid } from "./reader/cursor.ts";
import { listed, object } from "./reader/object.ts";
import { type Reader, raw, refined, required } from "./reader/reader.ts";
import { literal } from "./reader/scalars.ts";

/** One part of a module: its kind, and its spec, which is yet to be read. */
export interface Component {
  readonly kind: Kind;
  readonly spec: Cursor;
}

/** The kind of this name, or INVALID when there is none, which is reported. */
export function kindNamed(name: string, at: Cursor): Kind | Invalid {
  const kind = KINDS.get(name);
  if (kind !== undefined) return kind;
  if (splitTypeName(name) === undefined) {
    const hint = name.includes("${") ? "; placeholders are replaced only inside spec" : "";
    const example = "<namespace>/<name>, such as io.statefun.endpoints.v2/http";
    return at.problem(`must be written ${example}, not ${JSON.stringify(name)}${hint}`);
  }
  const names = [...KINDS.keys()];
  const hint = didYouMean(name, names) || `; the kinds are ${listed(names)}`;
  return at.problem(`there is no kind ${JSON.stringify(name)}${hint}`);
}

const kindField: Reader<Kind> = refined(
  literal("a kind, such as io.statefun.endpoints.v2/http"),
  kindNamed,
);

/** A document: `kind` and `spec`. */
const component = object({
  fields: {
    kind: required(kindField),
    spec: required(raw("a mapping with what this kind needs")),
  },
  build: (fields): Component => fields,
});

/** The component of one document, or INVALID when it is not understood, which is reported. */
export function readComponent(at: Cursor): Component | Invalid {
  return component.read(at);
}
