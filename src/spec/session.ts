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
    this.problems.push(problem);
  }

  warning(problem: Problem): void {
    this.warnings.push(problem);
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
