/**
 * YAML text to a small tree of our own, in which every value knows its place. Owns syntax and nothing of
 * what the values mean: a scalar stays the text that was written, so `1.10` is not 1.1, and the field it
 * stands in decides what it is.
 *
 * Safe with any input: nesting is measured before the recursive part of the library sees it, a repeated
 * alias is one shared node whose size is added up and bounded, keys are data and never properties, and
 * what is wrong becomes a problem. Anchors, aliases and merge keys (`<<`) work as people expect.
 */
import {
  Composer,
  type CST,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Pair,
  Parser,
  type Scalar,
  type YAMLMap,
} from "yaml";
import { describeError } from "../base/errors.ts";
import type { Place } from "./module.ts";
import type { Problem } from "./problem.ts";

export type YamlNode = TextNode | MappingNode | ListNode | EmptyNode;

interface Measured {
  readonly place: Place;
  /** Values in this subtree, those behind aliases counted every time. */
  readonly size: number;
}

export interface TextNode extends Measured {
  readonly kind: "text";
  readonly text: string;
  readonly isQuoted: boolean;
}

export interface MappingNode extends Measured {
  readonly kind: "mapping";
  readonly entries: readonly Entry[];
}

export interface Entry {
  readonly key: string;
  readonly keyPlace: Place;
  readonly value: YamlNode;
}

export interface ListNode extends Measured {
  readonly kind: "list";
  readonly items: readonly YamlNode[];
}

/** Nothing, `~` or `null`. */
export interface EmptyNode extends Measured {
  readonly kind: "empty";
}

export interface YamlFile {
  /** The documents that hold something and are free of syntax errors, in order. */
  readonly documents: readonly YamlNode[];
  /** Documents that could not be read; their problems have been reported. */
  readonly brokenCount: number;
}

export interface YamlReport {
  problem(problem: Problem): void;
  warning(problem: Problem): void;
}

export const MAX_CHARACTERS = 1_000_000;
export const MAX_NESTING = 50;
export const MAX_VALUES = 100_000;

const EMPTY_WORDS: ReadonlySet<string> = new Set(["", "~", "null", "Null", "NULL"]);

export function memberPath(path: string, key: string): string {
  const name = /^[\p{L}\p{N}_$-]+$/u.test(key) ? key : `[${JSON.stringify(shorten(key))}]`;
  if (path === "" || name.startsWith("[")) return path + name;
  return `${path}.${name}`;
}

export function itemPath(path: string, index: number): string {
  return `${path}[${index}]`;
}

/** At most 60 characters of what somebody wrote, for a message of one line. */
export function shorten(text: string): string {
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}

/** The documents of one file. Never throws: what cannot be read is reported. */
export function parseYaml(file: string, text: string, report: YamlReport): YamlFile {
  const start: Place = { file, line: 1, column: 1 };
  const refuse = (place: Place, message: string): YamlFile => {
    report.problem({ ...place, path: "", message });
    return { documents: [], brokenCount: 1 };
  };
  if (text.length > MAX_CHARACTERS) {
    return refuse(start, `the file has more than ${MAX_CHARACTERS} characters`);
  }
  const lines = new LineCounter();
  let parsed: Document.Parsed[];
  try {
    const tokens = Array.from(new Parser(lines.addNewLine).parse(text));
    const tooDeep = offsetOfTooDeep(tokens);
    if (tooDeep !== undefined) {
      return refuse(placeOf(file, lines, tooDeep), `nested deeper than ${MAX_NESTING} levels`);
    }
    const composer = new Composer({
      schema: "core",
      resolveKnownTags: false,
      uniqueKeys: false, // told by us, in better words, and without comparing each key with each other
      logLevel: "silent",
    });
    parsed = Array.from(composer.compose(tokens)) as Document.Parsed[];
  } catch (error) {
    return refuse(start, `the YAML cannot be read: ${oneLine(describeError(error))}`);
  }
  const documents = parsed.map((document) => new TreeBuilder(file, lines, report).build(document));
  return {
    documents: documents.filter(
      (node) => node !== undefined && node.kind !== "empty",
    ) as YamlNode[],
    brokenCount: documents.filter((node) => node === undefined).length,
  };
}

function placeOf(file: string, lines: LineCounter, offset: number): Place {
  const { line, col } = lines.linePos(offset);
  return { file, line: Math.max(1, line), column: Math.max(1, col) };
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, " ").trim();
}

/** Measures the token tree without recursion: composing it recurses, and a deep one kills the process. */
function offsetOfTooDeep(tokens: readonly CST.Token[]): number | undefined {
  const pending = tokens.map((token) => ({ token, depth: 0 }));
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { token, depth } = next;
    if (depth > MAX_NESTING) return token.offset;
    if (token.type === "document" && token.value !== undefined) {
      pending.push({ token: token.value, depth });
    }
    if (!("items" in token)) continue;
    for (const item of token.items) {
      if (item.key) pending.push({ token: item.key, depth: depth + 1 });
      if (item.value) pending.push({ token: item.value, depth: depth + 1 });
    }
  }
  return undefined;
}

/** One document. Each node of the library's tree is visited once; aliases share what was built. */
class TreeBuilder {
  private readonly file: string;
  private readonly lines: LineCounter;
  private readonly report: YamlReport;
  /** undefined while the anchored value itself is being built: an alias to it would be a circle. */
  private readonly anchors = new Map<string, YamlNode | undefined>();
  private isBroken = false;

  constructor(file: string, lines: LineCounter, report: YamlReport) {
    this.file = file;
    this.lines = lines;
    this.report = report;
  }

  /** undefined when the document is broken. */
  build(document: Document.Parsed): YamlNode | undefined {
    for (const error of document.errors) {
      this.problem(this.place(error.pos[0]), "", `YAML: ${oneLine(error.message)}`);
    }
    for (const warning of document.warnings) {
      const place = this.place(warning.pos[0]);
      this.report.warning({ ...place, path: "", message: `YAML: ${oneLine(warning.message)}` });
    }
    // A broken document is a guess of the library's: its own errors are enough.
    if (this.isBroken) return undefined;
    const start = this.place(document.range[0]);
    const node = this.convert(document.contents, "", start);
    if (node.size > MAX_VALUES) {
      const message = `the document holds more than ${MAX_VALUES} values, those behind aliases counted each time`;
      this.problem(node.place, "", message);
    }
    return this.isBroken ? undefined : node;
  }

  private convert(node: unknown, path: string, fallback: Place): YamlNode {
    if (isAlias(node)) return this.resolve(node.source, path, this.placeOfNode(node, fallback));
    const anchor = isScalar(node) || isMap(node) || isSeq(node) ? node.anchor : undefined;
    if (anchor !== undefined) this.anchors.set(anchor, undefined);
    const converted = this.convertPlain(node, path, fallback);
    if (anchor !== undefined) this.anchors.set(anchor, converted);
    return converted;
  }

  private convertPlain(node: unknown, path: string, fallback: Place): YamlNode {
    const place = this.placeOfNode(node, fallback);
    if (node === null || node === undefined) return { kind: "empty", place, size: 1 };
    if (isScalar(node)) return this.scalar(node, place);
    if (isMap(node)) return this.mapping(node, path, place);
    if (isSeq(node)) {
      const items = node.items.map((item, index) =>
        this.convert(item, itemPath(path, index), place),
      );
      return { kind: "list", place, items, size: 1 + sizeOf(items) };
    }
    this.problem(place, path, "this YAML construct cannot be used here");
    return { kind: "empty", place, size: 1 };
  }

  private scalar(node: Scalar, place: Place): YamlNode {
    const isQuoted = node.type !== "PLAIN";
    const text = typeof node.value === "string" ? node.value : (node.source ?? "");
    if (!isQuoted && EMPTY_WORDS.has(text)) return { kind: "empty", place, size: 1 };
    return { kind: "text", place, size: 1, text, isQuoted };
  }

  private mapping(node: YAMLMap, path: string, place: Place): YamlNode {
    const entries = new Map<string, Entry>();
    const merged: YamlNode[] = [];
    for (const pair of node.items) {
      const { key, keyPlace, isMerge } = this.key(pair, path, place);
      const value = this.convert(pair.value, memberPath(path, key), keyPlace);
      if (isMerge) {
        merged.push(value);
        continue;
      }
      const earlier = entries.get(key);
      if (earlier !== undefined) {
        // The document is still worth reading: its other mistakes are told in the same run.
        const message = `is written twice, first on line ${earlier.keyPlace.line}; keep one`;
        this.report.problem({ ...keyPlace, path: memberPath(path, key), message });
      }
      entries.set(key, { key, keyPlace, value });
    }
    for (const source of merged) this.merge(entries, source, path);
    const all = [...entries.values()];
    return { kind: "mapping", place, entries: all, size: 1 + sizeOf(all.map((e) => e.value)) };
  }

  private key(pair: Pair, path: string, fallback: Place) {
    const node = this.convert(pair.key, path, fallback);
    const isMerge = node.kind === "text" && node.text === "<<" && !node.isQuoted;
    if (node.kind === "text") return { key: node.text, keyPlace: node.place, isMerge };
    if (node.kind !== "empty") {
      this.problem(node.place, path, "the name of a field must be plain text");
    }
    return { key: "", keyPlace: node.place, isMerge };
  }

  /** `<<: *base`: the fields of another mapping, or of several, wherever they are not written here. */
  private merge(entries: Map<string, Entry>, source: YamlNode, path: string): void {
    for (const mapping of source.kind === "list" ? source.items : [source]) {
      if (mapping.kind !== "mapping") {
        this.problem(mapping.place, path, '"<<" takes a mapping, or a list of mappings');
        continue;
      }
      for (const entry of mapping.entries) {
        if (!entries.has(entry.key)) entries.set(entry.key, entry);
      }
    }
  }

  private resolve(name: string, path: string, place: Place): YamlNode {
    const target = this.anchors.get(name);
    if (target !== undefined) return target;
    const message = this.anchors.has(name)
      ? `the alias *${name} stands inside the value it names`
      : `the alias *${name} has no anchor &${name} before it`;
    this.problem(place, path, message);
    return { kind: "empty", place, size: 1 };
  }

  private problem(place: Place, path: string, message: string): void {
    this.isBroken = true;
    this.report.problem({ ...place, path, message });
  }

  private place(offset: number): Place {
    return placeOf(this.file, this.lines, offset);
  }

  private placeOfNode(node: unknown, fallback: Place): Place {
    if (!(isScalar(node) || isMap(node) || isSeq(node) || isAlias(node))) return fallback;
    return node.range ? this.place(node.range[0]) : fallback;
  }
}

function sizeOf(nodes: readonly YamlNode[]): number {
  return nodes.reduce((sum, node) => sum + node.size, 0);
}
