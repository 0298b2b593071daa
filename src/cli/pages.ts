import type { Context } from "./command.ts";

/** A page of a list of the admin API. */
interface Page<T> {
  readonly items: readonly T[];
  readonly next?: string;
}

export interface Address {
  readonly type: string;
  readonly id: string;
}

/** Rows that one request asks for. */
const PAGE = 1_000;

/** The first `limit` items of a list, and whether there are more. */
export async function listAll<T>(
  context: Context,
  path: string,
  limit: number,
  query: Readonly<Record<string, string>> = {},
): Promise<{ items: readonly T[]; more: boolean }> {
  const items: T[] = [];
  let after: string | undefined;
  for (;;) {
    const want = Math.min(PAGE, limit - items.length);
    const parameters = new URLSearchParams({ ...query, limit: String(want) });
    if (after !== undefined) parameters.set("after", after);
    const page = await context.client.json<Page<T>>("GET", `${path}?${parameters}`);
    items.push(...page.items);
    after = page.next;
    if (after === undefined || items.length >= limit) return { items, more: after !== undefined };
  }
}

/** Prints a list: JSON when it is asked for, else what `lines` makes of it. */
export async function printList<T>(
  context: Context,
  list: { readonly items: readonly T[]; readonly more: boolean },
  nothing: string,
  lines: (items: readonly T[]) => string,
): Promise<void> {
  const { io, options } = context;
  if (options.flag("json")) await io.out(`${JSON.stringify(list.items, null, 2)}\n`);
  else if (list.items.length === 0) io.err(`${nothing}\n`);
  else await io.out(lines(list.items));
  if (list.more) io.err(`these are the first ${list.items.length}; --limit N shows more\n`);
}

export const MAX_LIMIT = 1_000_000;

export function limitOf(context: Context): number {
  return context.options.count("limit", 1, MAX_LIMIT) ?? PAGE;
}
