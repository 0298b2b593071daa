import assert from "node:assert/strict";
import { type LoadedModule, loadModule } from "../../src/spec/load-module.ts";
import type { Egress, Endpoint, Ingress, Module } from "../../src/spec/module.ts";
import { formatProblem } from "../../src/spec/problem.ts";

export interface LoadOptions {
  readonly variables?: Readonly<Record<string, string>>;
  readonly fileExists?: (path: string) => boolean;
}

/** Loads one text as /app/module.yaml. */
export function load(text: string, { variables = {}, ...rest }: LoadOptions = {}): LoadedModule {
  const lookup = new Map(Object.entries(variables));
  return loadModule([{ file: "/app/module.yaml", text }], {
    variables: (name) => lookup.get(name),
    ...rest,
  });
}

/** `line:column path: message` of each. */
export function problemsOf(text: string, options?: LoadOptions): string[] {
  return load(text, options).problems.map((one) => withoutFile(formatProblem(one)));
}

export function warningsOf(text: string, options?: LoadOptions): string[] {
  return load(text, options).warnings.map((one) => withoutFile(formatProblem(one)));
}

function withoutFile(line: string): string {
  return line.replace(/^\/app\/module\.yaml:/, "");
}

/** The module, when the text has no problem. */
export function moduleOf(text: string, options?: LoadOptions): Module {
  const { module, problems } = load(text, options);
  assert(module !== undefined, problems.map(formatProblem).join("\n"));
  return module;
}

/** An endpoint that serves every function of `demo`, for modules about something else. */
export const ENDPOINT = `
kind: io.statefun.endpoints.v2/http
spec:
  functions: demo/*
  urlPathTemplate: http://functions:8000/statefun
`;

/** A document of this kind; each line of `spec` is a line of its spec, two lines below the first. */
export function document(kind: string, spec: string): string {
  const lines = spec.split("\n").map((line) => `  ${line}`);
  return `kind: ${kind}\nspec:\n${lines.join("\n")}\n`;
}

export function endpointOf(kind: string, spec: string, options?: LoadOptions): Endpoint {
  return only(moduleOf(document(kind, spec), options).endpoints);
}

export function ingressOf(kind: string, spec: string, options?: LoadOptions): Ingress {
  return only(moduleOf(`${document(kind, spec)}---${ENDPOINT}`, options).ingresses);
}

export function egressOf(kind: string, spec: string, options?: LoadOptions): Egress {
  return only(moduleOf(`${document(kind, spec)}---${ENDPOINT}`, options).egresses);
}

/** Problems, without their places, of one document beside a good endpoint. */
export function mistakes(kind: string, spec: string, options?: LoadOptions): string[] {
  return load(`${document(kind, spec)}---${ENDPOINT}`, options).problems.map(
    ({ path, message }) => `${path}: ${message}`,
  );
}

export function hints(kind: string, spec: string, options?: LoadOptions): string[] {
  return load(`${document(kind, spec)}---${ENDPOINT}`, options).warnings.map(
    ({ path, message }) => `${path}: ${message}`,
  );
}

function only<T>(all: readonly T[]): T {
  const [one, ...others] = all;
  assert(one !== undefined && others.length === 0, `expected one part, found ${all.length}`);
  return one;
}
