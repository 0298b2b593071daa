import type { Client } from "./client.ts";
import type { Io } from "./io.ts";
import type { OptionSpec } from "./option-spec.ts";
import type { Options } from "./options.ts";
import { usage } from "./usage.ts";

/** One thing the command line can do. */
export interface Command {
  /** One word, or two: "run", "topic list". */
  readonly name: string;
  /** One line, for the list of all commands. */
  readonly summary: string;
  /** What follows the name: "TYPE ID [VALUE]". */
  readonly args: string;
  /** Arguments at least and at most. */
  readonly arity: readonly [number, number];
  /** Paragraphs, for whoever asks for help. */
  readonly details: string;
  readonly options: readonly OptionSpec[];
  /** Whole lines as one would type them, a line that begins with '#' says what for. */
  readonly examples: readonly string[];
  /** Resolves with the exit code: 0 done, 1 failed. Rejects with a StatefoldError; USAGE exits with 2. */
  readonly run: (context: Context) => Promise<number>;
}

export interface Context {
  readonly args: readonly string[];
  readonly options: Options;
  readonly io: Io;
  /** The node that `--url` names. */
  readonly client: Client;
}

/** An argument that is there: the command's arity says so. */
export function argument(context: Context, index: number): string {
  const text = context.args[index];
  if (text === undefined) throw usage("an argument is missing");
  return text;
}
