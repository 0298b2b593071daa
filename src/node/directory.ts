import type { Directory, EgressBinding } from "../partition/ports.ts";
import type { Functions } from "./functions.ts";
import type { OpenedEgress } from "./ways-out.ts";

/** What partitions look up: the functions that are served, and the egresses with when their records leave. */
export function directoryOf(
  functions: Functions,
  opened: readonly Pick<OpenedEgress, "egress" | "release">[],
): Directory {
  const egresses = new Map(
    opened.map(({ egress, release }): [string, EgressBinding] => {
      return [egress.id, { check: (value) => egress.check(value), release }];
    }),
  );
  return {
    function: (type) => functions.binding(type),
    egress: (id) => egresses.get(id),
  };
}
