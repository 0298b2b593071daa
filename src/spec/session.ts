import { clip } from "../base/clip.ts";
import type { Place } from "./module.ts";
import type { Lookup } from "./placeholders.ts";
import type { Problem } from "./problem.ts";

/** What must be unique in a whole module. */
export type ClaimScope = "function" | "ingress" | "egress" | "port";

export interface SessionOptions {
  /** The value of `${NAME}`; undefined when there is none. */
  readonly variables: Lookup;
  /** When given, certificates and function files that do not exist are problems. */
  readonly fileExists?: (path: string) => boolean;
}

/** A target of a route: whether somebody serves it is known when all documents are read. */
export interface TargetUse {
  readonly type: string;
  readonly place: Place;
  readonly path: string;
}

/** Both quote what the file says, of any length: a line stays one that can be read. */
const MAX_MESSAGE_CHARS = 1_000;
const MAX_PATH_CHARS = 500;

function clipped(problem: Problem): Problem {
  const message = clip(problem.message, MAX_MESSAGE_CHARS);
  return { ...problem, path: clip(problem.path, MAX_PATH_CHARS), message };
}

/** What is gathered while the documents of one module are read. */
export class Session {
  readonly problems: Problem[] = [];
  readonly warnings: Problem[] = [];
  readonly targets: TargetUse[] = [];
  readonly options: SessionOptions;
  private readonly claims: Readonly<Record<ClaimScope, Map<string, Place>>> = {
    function: new Map(),
    ingress: new Map(),
    egress: new Map(),
    port: new Map(),
  };

  constructor(options: SessionOptions) {
    this.options = options;
  }

  problem(problem: Problem): void {
    this.problems.push(clipped(problem));
  }

  warning(problem: Problem): void {
    this.warnings.push(clipped(problem));
  }

  /** Takes the name, or gives the place where it was taken before. */
  claim(scope: ClaimScope, name: string, place: Place): Place | undefined {
    const earlier = this.claims[scope].get(name);
    if (earlier === undefined) this.claims[scope].set(name, place);
    return earlier;
  }

  claimed(scope: ClaimScope): ReadonlyMap<string, Place> {
    return this.claims[scope];
  }
}
