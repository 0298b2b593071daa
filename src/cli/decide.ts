import { describeError } from "../base/errors.ts";
import type { Context } from "./command.ts";
import { listAll, MAX_LIMIT } from "./pages.ts";
import { conditionsOf } from "./selection.ts";
import { usage } from "./usage.ts";

/** As the admin API answers a decision about many. */
interface Decided {
  readonly done: number;
  readonly gone: number;
  /** Those that cannot be decided about so: they never had an address. */
  readonly refused?: number;
  readonly next?: string;
}

/** What is to be done about many parked addresses or dead letters. */
export interface Decision<T> {
  /** "/v1/admin/parked". */
  readonly path: string;
  /** "retry". */
  readonly verb: string;
  /** Behind the number of those it was done to: "go on". */
  readonly done: string;
  /** It removes for good, and so takes --yes. */
  readonly isFinal?: boolean;
  /** Prints those that are meant. */
  readonly print: (
    context: Context,
    list: { readonly items: readonly T[]; readonly more: boolean },
  ) => Promise<void>;
}

/** Decisions of one request. */
const PAGE = 1_000;

/**
 * Decides about all that fulfil the conditions, a page at a time, and says how many. When it is cut off it
 * says so too; the same command then goes on with the rest.
 */
export async function decideMany<T>(context: Context, decision: Decision<T>): Promise<number> {
  const { options, io } = context;
  const { path, verb, done: words } = decision;
  const limit = options.count("limit", 1, MAX_LIMIT) ?? MAX_LIMIT;
  const conditions = conditionsOf(context);
  if (options.flag("dry-run")) {
    const list = await listAll<T>(context, path, limit, conditions);
    await decision.print(context, list);
    io.err(`${list.items.length}${list.more ? " and more" : ""} would be meant by ${verb}\n`);
    return 0;
  }
  if (decision.isFinal === true && !options.flag("yes")) {
    throw usage(`"${verb}" removes for good; --dry-run lists what it would remove, --yes does it`);
  }
  const query = Object.keys(conditions).length > 0 ? conditions : { all: "" };
  let done = 0;
  let gone = 0;
  let refused = 0;
  try {
    let after: string | undefined;
    do {
      const parameters = new URLSearchParams(query);
      parameters.set("limit", String(Math.min(PAGE, limit - done - gone - refused)));
      if (after !== undefined) parameters.set("after", after);
      const decided = await context.client.json<Decided>("POST", `${path}/${verb}?${parameters}`);
      done += decided.done;
      gone += decided.gone;
      refused += decided.refused ?? 0;
      after = decided.next;
    } while (after !== undefined && done + gone + refused < limit);
  } catch (error) {
    if (done > 0) io.err(`cut off after ${done}; the same command goes on\n`);
    throw error;
  }
  await report(context, { done, gone, refused }, words);
  return refused === 0 ? 0 : 1;
}

/** Decides about those that are named, one by one; fails at the end if some were not there. */
export async function decideNamed(
  context: Context,
  names: readonly string[],
  words: string,
  decide: (name: string) => Promise<unknown>,
): Promise<number> {
  let done = 0;
  for (const name of names) {
    try {
      await decide(name);
      done++;
    } catch (error) {
      context.io.err(`${name}: ${describeError(error)}\n`);
    }
  }
  await report(context, { done, gone: 0 }, words);
  return done === names.length ? 0 : 1;
}

async function report(
  { io, options }: Context,
  { done, gone, refused = 0 }: Decided,
  words: string,
): Promise<void> {
  if (options.flag("json"))
    await io.out(`${JSON.stringify({ done, gone, ...(refused > 0 ? { refused } : {}) })}\n`);
  const meanwhile = gone === 0 ? "" : `, ${gone} had gone meanwhile`;
  const left =
    refused === 0 ? "" : `; ${refused} never had an address and stay: retry ID --to TYPE/ID`;
  io.err(`${done} ${words}${meanwhile}${left}\n`);
}
