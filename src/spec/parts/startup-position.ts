import type { PartitionOffset, StartupPosition } from "../module.ts";
import { INVALID } from "../reader/cursor.ts";
import { keyValues } from "../reader/lists.ts";
import { object } from "../reader/object.ts";
import { refined, required } from "../reader/reader.ts";
import { integer, scalar } from "../reader/scalars.ts";
import { variants } from "../reader/variants.ts";
import { DATE_EXAMPLE, DATE_PATTERN, parseStartupDate } from "../startup-date.ts";

export const LATEST: StartupPosition = { type: "latest" };

function plain<T extends string>(type: T) {
  return object({ fields: {}, build: () => ({ type }) });
}

const offsets = refined(
  keyValues("orders/0: 42", integer({ atLeast: 0 })),
  (entries, at): readonly PartitionOffset[] | typeof INVALID => {
    if (entries.length === 0) {
      return at.problem(
        'must not be empty: give an offset per partition, such as "- orders/0: 42"',
      );
    }
    const found: PartitionOffset[] = [];
    for (const { key, value, at: entry } of entries) {
      const [, topic, partition] = /^([^/]+)\/(\d{1,9})$/.exec(key) ?? [];
      if (topic === undefined) {
        entry.problem(
          `must be named <topic>/<partition>, such as orders/0, not ${JSON.stringify(key)}`,
        );
      } else found.push({ topic, partition: Number(partition), offset: value });
    }
    return found.length === entries.length ? found : INVALID;
  },
);

const date = scalar(
  `a date in the form ${DATE_PATTERN}, such as ${DATE_EXAMPLE}`,
  parseStartupDate,
);

const specificOffsets = object({
  fields: { offsets: required(offsets) },
  build: (values): StartupPosition => ({ type: "specific-offsets", ...values }),
});

const fromDate = object({
  fields: { date: required(date) },
  build: (values): StartupPosition => ({ type: "date", atMs: values.date }),
});

export const kafkaStartupPosition = variants<StartupPosition>({
  "group-offsets": plain("group-offsets"),
  earliest: plain("earliest"),
  latest: plain("latest"),
  "specific-offsets": specificOffsets,
  date: fromDate,
});

export const kinesisStartupPosition = variants<StartupPosition>({
  latest: plain("latest"),
  earliest: plain("earliest"),
  date: fromDate,
});

export const logStartupPosition = variants<{ readonly type: "earliest" | "latest" }>({
  earliest: plain("earliest"),
  latest: plain("latest"),
});
