import { type Component, readComponent } from "./component.ts";
import { isLegacy, readLegacy } from "./legacy.ts";
import type { Egress, Endpoint, Ingress, Module } from "./module.ts";
import type { Problem } from "./problem.ts";
import { Cursor, INVALID } from "./reader/cursor.ts";
import { Session, type SessionOptions } from "./session.ts";
import { parseYaml, type YamlNode } from "./yaml-tree.ts";

/** The text of one module file. */
export interface ModuleSource {
  /** As people know it: it stands in every message. Relative paths inside the text start from its folder. */
  readonly file: string;
  readonly text: string;
}

export interface LoadedModule {
  /** undefined when there are problems. */
  readonly module: Module | undefined;
  /** Every mistake of all documents, in the order of the files. */
  readonly problems: readonly Problem[];
  /** What is ignored, deprecated or probably not meant. */
  readonly warnings: readonly Problem[];
}

/**
 * Reads the documents of all `sources` as one module. Whatever the texts hold, this does not throw: each
 * mistake is a problem. Reads no files and no environment: `options` answers for both.
 */
export function loadModule(
  sources: readonly ModuleSource[],
  options: SessionOptions,
): LoadedModule {
  const session = new Session(options);
  const parts = new Parts(session);
  for (const source of sources) parts.readSource(source);
  parts.checkWhole(sources[0]?.file ?? "module.yaml");
  const order = new Map(sources.map(({ file }, index) => [file, index]));
  const problems = inOrder(session.problems, order);
  const module = problems.length === 0 ? parts.module() : undefined;
  return { module, problems, warnings: inOrder(session.warnings, order) };
}

function inOrder(problems: readonly Problem[], files: ReadonlyMap<string, number>): Problem[] {
  const index = ({ file }: Problem) => files.get(file) ?? 0;
  return problems.toSorted((a, b) => index(a) - index(b) || a.line - b.line || a.column - b.column);
}

/** The parts of a module as they are found. */
class Parts {
  private readonly session: Session;
  private readonly endpoints: Endpoint[] = [];
  private readonly ingresses: Ingress[] = [];
  private readonly egresses: Egress[] = [];
  /** Something that was not understood may have been, or have named, an endpoint. */
  private mayHoldMore = false;
  private hasEndpointDocument = false;

  constructor(session: Session) {
    this.session = session;
  }

  readSource({ file, text }: ModuleSource): void {
    const { documents, brokenCount } = parseYaml(file, text, this.session);
    if (brokenCount > 0) this.mayHoldMore = true;
    const roots = documents.map((node) => this.root(node));
    const [only] = roots;
    if (only !== undefined && brokenCount === 0 && isLegacy(documents)) {
      const { components, isWhole } = readLegacy(only);
      if (!isWhole) this.mayHoldMore = true;
      for (const component of components) this.readPart(component);
      return;
    }
    for (const root of roots) {
      const component = readComponent(root);
      if (component === INVALID) this.mayHoldMore = true;
      else this.readPart(component);
    }
  }

  private root(node: YamlNode): Cursor {
    return new Cursor(this.session, node, node.place, "");
  }

  private readPart({ kind, spec }: Component): void {
    if (kind.part === "endpoint") this.readEndpoint(kind.spec.read(spec));
    else if (kind.part === "ingress") keep(this.ingresses, kind.spec.read(spec));
    else keep(this.egresses, kind.spec.read(spec));
  }

  private readEndpoint(endpoint: Endpoint | typeof INVALID): void {
    this.hasEndpointDocument = true;
    // What an embedded file serves is known when it is loaded; what a refused endpoint was to serve, never.
    if (endpoint === INVALID || endpoint.kind === "embedded") this.mayHoldMore = true;
    keep(this.endpoints, endpoint);
  }

  /** What holds for a module as a whole. */
  checkWhole(firstFile: string): void {
    if (!this.hasEndpointDocument && !this.mayHoldMore) {
      const need =
        "a document of kind io.statefun.endpoints.v2/http or io.statefold.embedded.v1/functions";
      const message = `the module has no function endpoint: it needs ${need}`;
      this.session.problem({ file: firstFile, line: 1, column: 1, path: "", message });
      return;
    }
    if (!this.mayHoldMore) this.warnOfUnservedTargets();
  }

  private warnOfUnservedTargets(): void {
    const served = this.session.claimed("function");
    for (const { type, place, path } of this.session.targets) {
      const namespace = type.slice(0, type.indexOf("/"));
      if (served.has(type) || served.has(`${namespace}/*`)) continue;
      const result = "records for it will go to the dead letters";
      this.session.warning({ ...place, path, message: `no endpoint serves ${type}; ${result}` });
    }
  }

  module(): Module {
    return { endpoints: this.endpoints, ingresses: this.ingresses, egresses: this.egresses };
  }
}

function keep<T>(parts: T[], part: T | typeof INVALID): void {
  if (part !== INVALID) parts.push(part as T);
}
