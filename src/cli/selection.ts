import type { Command, Context } from "./command.ts";
import { JSON_OPTION, URL_OPTION } from "./common-options.ts";
import type { OptionSpec } from "./option-spec.ts";
import { usage } from "./usage.ts";

/** Which stuck work is meant: what fulfils every condition. The same for lists and decisions. */
export const CONDITIONS: readonly OptionSpec[] = [
  {
    name: "type",
    kind: "text",
    placeholder: "TYPE",
    description: "of this function type",
  },
  {
    name: "code",
    kind: "text",
    placeholder: "CODE",
    description: "with this code: FUNCTION_FAILED, TARGET_UNKNOWN, …",
  },
  {
    name: "reason",
    kind: "text",
    placeholder: "TEXT",
    description: "with this text in the reason",
  },
  {
    name: "older-than",
    kind: "text",
    placeholder: "TIME",
    description: "stuck for longer than this: 30min, 1h, 7d",
  },
];

const ALL: OptionSpec = { name: "all", kind: "flag", description: "every one" };

const AT_MOST: OptionSpec = {
  name: "limit",
  kind: "text",
  placeholder: "N",
  description: "this many at most",
};

const DRY_RUN: OptionSpec = {
  name: "dry-run",
  kind: "flag",
  description: "do nothing, list what is meant",
};

export const YES: OptionSpec = {
  name: "yes",
  kind: "flag",
  description: "yes, remove it for good",
};

/** What a decision about many takes. */
export const DECISION: readonly OptionSpec[] = [
  ...CONDITIONS,
  ALL,
  AT_MOST,
  DRY_RUN,
  JSON_OPTION,
  URL_OPTION,
];

/** The conditions as parameters of a request. */
export function conditionsOf({ options }: Context): Record<string, string> {
  const olderThanMs = options.duration("older-than");
  const conditions = {
    type: options.text("type"),
    code: options.text("code"),
    reason: options.text("reason"),
    olderThan: olderThanMs === undefined ? undefined : `${olderThanMs}ms`,
  };
  const given = Object.entries(conditions).filter(
    (each): each is [string, string] => each[1] !== undefined,
  );
  return Object.fromEntries(given);
}

/**
 * Whether a decision is about those that its arguments name; else it is about those that fulfil its
 * conditions, or all.
 *
 * @throws USAGE when it says both, or neither
 */
export function isAboutNamed(context: Context, command: Pick<Command, "args">): boolean {
  const hasConditions = Object.keys(conditionsOf(context)).length > 0;
  const isAll = context.options.flag("all");
  const ways = [context.args.length > 0, hasConditions, isAll].filter(Boolean).length;
  if (ways !== 1) {
    throw usage(
      `it takes ${command.args.replaceAll(/[[\]]/g, "")}, or conditions (--type, --code, --reason, --older-than), or --all: one of the three`,
    );
  }
  return context.args.length > 0;
}
