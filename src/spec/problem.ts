import type { Place } from "./module.ts";

/** One mistake, or one thing worth a warning, in a module file. */
export interface Problem extends Place {
  /** Where in the document: `spec.topics[0].valueType`; empty for the document as a whole. */
  readonly path: string;
  /** What is wrong and what is allowed, in one line. */
  readonly message: string;
}

export function formatPlace(place: Place): string {
  return `${place.file}:${place.line}:${place.column}`;
}

/** `file:line:column path: message`; without the path where there is none. */
export function formatProblem(problem: Problem): string {
  const path = problem.path === "" ? "" : ` ${problem.path}`;
  return `${formatPlace(problem)}${path}: ${problem.message}`;
}
