/**
 * StateFun's older format 3.0: one document for a whole module.
 *
 *     version: "3.0"
 *     module:
 *       meta: {type: remote}
 *       spec:
 *         endpoints: [{endpoint: {meta: {kind}, spec}}]
 *         ingresses: [{ingress: {meta: {type, id}, spec}}]
 *         egresses:  [{egress:  {meta: {type, id}, spec}}]
 *
 * Each entry becomes a component as if it had a document of its own; `meta.id` becomes the spec's `id`.
 */
import { type Component, kindNamed } from "./component.ts";
import type { Kind } from "./kinds/kind.ts";
import { Cursor } from "./reader/cursor.ts";
import { list } from "./reader/lists.ts";
import { type ObjectReader, object } from "./reader/object.ts";
import { optional, type Reader, raw, refined, required } from "./reader/reader.ts";
import { literal } from "./reader/scalars.ts";
import type { Entry, YamlNode } from "./yaml-tree.ts";

const KIND_BY_LEGACY_NAME: ReadonlyMap<string, string> = new Map([
  ["http", "io.statefun.endpoints.v1/http"],
  ["io.statefun.kafka/ingress", "io.statefun.kafka.v1/ingress"],
  ["io.statefun.kafka/egress", "io.statefun.kafka.v1/egress"],
  ["io.statefun.kinesis/ingress", "io.statefun.kinesis.v1/ingress"],
  ["io.statefun.kinesis/egress", "io.statefun.kinesis.v1/egress"],
]);

/** A file is in this format when its only document has a text at `version`. */
export function isLegacy(documents: readonly YamlNode[]): boolean {
  const [only, ...others] = documents;
  if (only?.kind !== "mapping" || others.length > 0) return false;
  const version = only.entries.find(({ key }) => key === "version")?.value;
  if (version?.kind !== "text") return false;
  // Without quotes 3.0 is a number, and for StateFun no version. It cannot mean anything else, though:
  // a document with a module and without a kind is read as what it is, and told about its quotes.
  return version.isQuoted || !isNumberOrBoolean(version.text) || hasKey(only.entries, "module");
}

/** What is understood of the file, and whether that is all of it; problems are reported. */
export function readLegacy(at: Cursor): { components: readonly Component[]; isWhole: boolean } {
  const components: Component[] = [];
  const problemsBefore = at.session.problems.length;
  fileGrammar(components).read(at);
  return { components, isWhole: at.session.problems.length === problemsBefore };
}

/** The grammar of a file; each part that is understood goes to `found`, whatever is wrong with others. */
function fileGrammar(found: Component[]) {
  const section = (name: string, meta: ObjectReader<Meta>) => {
    const part = object({
      fields: { meta: required(meta), spec: required(raw("a mapping with what this kind needs")) },
      build: ({ meta: { kind, id }, spec }) => found.push({ kind, spec: withId(spec, id) }),
    });
    const entry = object({ fields: { [name]: required(part) }, build: () => undefined });
    return optional(list(`mappings with "${name}"`, entry));
  };
  const spec = object({
    fields: {
      endpoints: section("endpoint", endpointMeta),
      ingresses: section("ingress", ioMeta),
      egresses: section("egress", ioMeta),
    },
    build: () => undefined,
  });
  const meta = object({ fields: { type: required(moduleType) }, build: () => undefined });
  const module = object({
    fields: { meta: required(meta), spec: required(spec) },
    build: () => undefined,
  });
  return object({
    fields: { version: required(version), module: required(module) },
    build: () => undefined,
  });
}

const version: Reader<string> = refined(literal('the version "3.0"'), (text, at) => {
  if (at.node?.kind === "text" && !at.node.isQuoted && isNumberOrBoolean(text)) {
    return at.problem(`must have quotes: "${text}"; without them it is a number, not a version`);
  }
  if (text === "1.0" || text === "2.0") {
    return at.problem(`must be "3.0" (older formats are not read), not "${text}"`);
  }
  return text === "3.0" ? text : at.problem(`must be "3.0", not ${JSON.stringify(text)}`);
});

const moduleType: Reader<string> = refined(
  literal("the module type, which is remote"),
  (text, at) =>
    text.toLowerCase() === "remote" ? text : at.refuse("remote, the only module type"),
);

interface Meta {
  readonly kind: Kind;
  readonly id: Cursor | undefined;
}

const partKind: Reader<Kind> = refined(literal("the kind of this part"), (name, at) =>
  kindNamed(KIND_BY_LEGACY_NAME.get(name) ?? name, at),
);

const endpointMeta = object({
  fields: { kind: required(partKind) },
  build: ({ kind }): Meta => ({ kind, id: undefined }),
});

const ioMeta = object({
  fields: { type: required(partKind), id: optional(raw("the id of this part")) },
  build: ({ type, id }): Meta => ({ kind: type, id }),
});

/** The spec as its kind expects it: with the `id` that this format keeps elsewhere. */
function withId(spec: Cursor, id: Cursor | undefined): Cursor {
  if (id?.node === undefined || spec.node?.kind !== "mapping") return spec;
  const others = spec.node.entries.filter(({ key }) => key !== "id");
  const entries = [{ key: "id", keyPlace: id.place, value: id.node }, ...others];
  return new Cursor(spec.session, { ...spec.node, entries }, spec.place, spec.path);
}

function hasKey(entries: readonly Entry[], name: string): boolean {
  return entries.some(({ key }) => key === name);
}

function isNumberOrBoolean(text: string): boolean {
  return /^[-+]?(\d|\.\d)[\d.eE+-]*$/.test(text) || /^(true|false)$/i.test(text);
}
