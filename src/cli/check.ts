import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describeError, StatefoldError } from "../base/errors.ts";
import type { LoadedModule } from "../spec/load-module.ts";
import type { Module } from "../spec/module.ts";
import { formatProblem } from "../spec/problem.ts";
import type { Command, Context } from "./command.ts";
import { JSON_OPTION, SET } from "./common-options.ts";
import { variables } from "./run.ts";

export const checkCommand: Command = {
  name: "check",
  summary: "report every mistake in a module, without running it",
  args: "MODULE…",
  arity: [1, 1000],
  details: `
Reads the files as "run" would and prints every mistake as "file:line:column path: what is wrong, what is
allowed". Warnings, such as a field that nothing reads, go to stderr. Exits with 1 when there is a mistake.`,
  options: [SET, JSON_OPTION],
  examples: [
    "statefold check module.yaml",
    "statefold check functions.yaml topics.yaml --set HOST=x",
  ],
  run: check,
};

async function check(context: Context): Promise<number> {
  const { args, options, io } = context;
  const values = variables(options.list("set"), io.env);
  const { loadModule } = await import("../spec/load-module.ts");
  const loaded = await withKafka(
    loadModule(
      args.map((file) => ({ file, text: read(resolve(io.directory, file), file) })),
      {
        variables: (name) => values.get(name),
        fileExists: (path) => existsSync(resolve(io.directory, path)),
      },
    ),
  );
  if (options.flag("json")) await io.out(`${JSON.stringify(report(loaded), null, 2)}\n`);
  else {
    for (const warning of loaded.warnings) io.err(`${formatProblem(warning)} (warning)\n`);
    for (const problem of loaded.problems) await io.out(`${formatProblem(problem)}\n`);
    if (loaded.module !== undefined) await io.out(`fine: ${summary(loaded.module)}\n`);
  }
  return loaded.problems.length === 0 ? 0 : 1;
}

/** What a run would refuse once the files as such are right. */
async function withKafka(loaded: LoadedModule): Promise<LoadedModule> {
  if (loaded.module === undefined) return loaded;
  const { kafkaProblems } = await import("../node/kafka-problems.ts");
  const { problems, warnings } = kafkaProblems(loaded.module);
  return {
    module: problems.length === 0 ? loaded.module : undefined,
    problems: [...loaded.problems, ...problems],
    warnings: [...loaded.warnings, ...warnings],
  };
}

function report({ problems, warnings }: LoadedModule) {
  return { fine: problems.length === 0, problems, warnings };
}

function read(path: string, file: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new StatefoldError("MODULE_INVALID", `${file} cannot be read: ${describeError(error)}`);
  }
}

function summary({ endpoints, ingresses, egresses }: Module): string {
  const count = (n: number, one: string, many: string) => `${n} ${n === 1 ? one : many}`;
  return [
    count(endpoints.length, "endpoint", "endpoints"),
    count(ingresses.length, "ingress", "ingresses"),
    count(egresses.length, "egress", "egresses"),
  ].join(", ");
}
