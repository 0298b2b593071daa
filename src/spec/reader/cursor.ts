import type { Place } from "../module.ts";
import type { Session } from "../session.ts";
import { itemPath, memberPath, shorten, type YamlNode } from "../yaml-tree.ts";

/** A value that was refused; the reason has been reported. */
export const INVALID: unique symbol = Symbol("invalid");
export type Invalid = typeof INVALID;

/** A value in a document, or the place where one is missing: what a reader reads and reports at. */
export class Cursor {
  readonly session: Session;
  /** undefined: not written. */
  readonly node: YamlNode | undefined;
  readonly place: Place;
  readonly path: string;

  constructor(session: Session, node: YamlNode | undefined, place: Place, path: string) {
    this.session = session;
    this.node = node;
    this.place = place;
    this.path = path;
  }

  /** Neither absent nor empty. */
  get isGiven(): boolean {
    return this.node !== undefined && this.node.kind !== "empty";
  }

  /** A field of this mapping, written or not; one that is not stands at its mapping's place. */
  member(name: string): Cursor {
    const path = memberPath(this.path, name);
    const entries = this.node?.kind === "mapping" ? this.node.entries : [];
    const entry = entries.find((candidate) => candidate.key === name);
    if (entry === undefined) return new Cursor(this.session, undefined, this.place, path);
    const place = entry.value.kind === "empty" ? entry.keyPlace : entry.value.place;
    return new Cursor(this.session, entry.value, place, path);
  }

  /** The items of this list; none when it is something else. */
  items(): Cursor[] {
    const items = this.node?.kind === "list" ? this.node.items : [];
    return items.map(
      (item, index) => new Cursor(this.session, item, item.place, itemPath(this.path, index)),
    );
  }

  problem(message: string): Invalid {
    this.session.problem({ ...this.place, path: this.path, message });
    return INVALID;
  }

  warning(message: string): void {
    this.session.warning({ ...this.place, path: this.path, message });
  }

  /** `must be X, not Y`. */
  refuse(expected: string): Invalid {
    return this.problem(`must be ${expected}, not ${describe(this.node)}`);
  }
}

function describe(node: YamlNode | undefined): string {
  if (node?.kind === "text") return JSON.stringify(shorten(node.text));
  if (node?.kind === "mapping") return node.entries.length === 0 ? "an empty mapping" : "a mapping";
  if (node?.kind === "list") return "a list";
  return "empty";
}
