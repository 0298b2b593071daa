import type { Command, Context } from "./command.ts";
import { JSON_OPTION, URL_OPTION } from "./common-options.ts";
import { linesOf } from "./lines.ts";
import { PARTITION, partitionOf, topicPath, topicsOf } from "./topic-api.ts";
import { usage } from "./usage.ts";

/** Records that one request asks for. */
const PAGE = 1_000;

/** A line is at most as long as the largest record, in base64, with its headers. */
const MAX_LINE_BYTES = 128 * 1024 * 1024;

export const topicReadCommand: Command = {
  name: "topic read",
  summary: "print the records of a topic, a line each",
  args: "TOPIC",
  arity: [1, 1],
  details: `
Prints the values of what is there now, partition after partition; with --follow also what comes, until
Ctrl-C. With --json a line is a whole record.`,
  options: [
    {
      ...{ name: "from", kind: "text", placeholder: "WHERE", fallback: "earliest" },
      description: "where to begin: earliest, latest, or an offset of --partition",
    },
    PARTITION,
    { name: "follow", kind: "flag", description: "go on with what comes" },
    {
      ...{ name: "limit", kind: "text", placeholder: "N" },
      description: "print this many records at most",
    },
    { name: "keys", kind: "flag", description: "print the key and a tab before each value" },
    JSON_OPTION,
    URL_OPTION,
  ],
  examples: [
    "statefold topic read orders",
    "statefold topic read orders --follow --from latest --keys",
    "statefold topic read orders --partition 0 --from 120 --limit 10 --json",
  ],
  run: topicRead,
};

/** As `GET /v1/topics/{topic}` gives it. */
interface RecordLine {
  readonly offset: number;
  readonly key?: string;
  readonly keyBase64?: string;
  readonly value?: string | null;
  readonly valueBase64?: string;
}

async function topicRead(context: Context): Promise<number> {
  const { options } = context;
  const from = options.text("from") ?? "earliest";
  if (!/^(earliest|latest|\d{1,15})$/.test(from)) {
    throw usage(`--from ${from} is neither earliest, nor latest, nor an offset`);
  }
  const partition = partitionOf(context);
  if (/^\d/.test(from) && partition === undefined) {
    throw usage(`an offset belongs to a partition: --partition N --from ${from}`);
  }
  const limit = options.count("limit", 1, Number.MAX_SAFE_INTEGER) ?? Number.POSITIVE_INFINITY;
  if (options.flag("follow")) await follow(context, from, partition, limit);
  else await readAll(context, from, partition, limit);
  return 0;
}

/** What is there at this moment: the ends are taken first, so that it comes to an end on a busy topic. */
async function readAll(
  context: Context,
  from: string,
  only: number | undefined,
  limit: number,
): Promise<void> {
  const topic = context.args[0];
  const partitions = (await topicsOf(context)).find(({ name }) => name === topic)?.partitions ?? [
    // The node says it better that there is no such topic.
    { partition: only ?? 0, beginOffset: 0, endOffset: 1, bytes: 0 },
  ];
  let left = limit;
  for (const { partition, beginOffset, endOffset } of partitions) {
    if (only !== undefined && partition !== only) continue;
    let offset = from === "earliest" ? beginOffset : from === "latest" ? endOffset : Number(from);
    while (offset < endOffset && left > 0) {
      const count = Math.min(PAGE, left, endOffset - offset);
      const page = { partition: String(partition), offset: String(offset), limit: String(count) };
      const last = await print(context, new URLSearchParams(page), count);
      if (last.printed === 0) break;
      left -= last.printed;
      offset = last.offset + 1;
    }
  }
}

async function follow(
  context: Context,
  from: string,
  partition: number | undefined,
  limit: number,
): Promise<void> {
  const query = new URLSearchParams({ follow: "true", offset: from });
  if (partition !== undefined) query.set("partition", String(partition));
  await print(context, query, limit);
}

/** Prints the lines of one answer, `limit` of them at most. */
async function print(
  context: Context,
  query: URLSearchParams,
  limit: number,
): Promise<{ printed: number; offset: number }> {
  const { client, options, io } = context;
  const isJson = options.flag("json");
  const withKeys = options.flag("keys");
  const { body } = await client.open("GET", `${topicPath(context)}?${query}`);
  let printed = 0;
  let offset = -1;
  for await (const lines of linesOf(body, MAX_LINE_BYTES)) {
    const chunks: (string | Uint8Array)[] = [];
    for (const line of lines.slice(0, limit - printed)) {
      const text = line.toString("utf8");
      const record = JSON.parse(text) as RecordLine;
      if (isJson) chunks.push(text, "\n");
      else chunks.push(...(withKeys ? [keyOf(record), "\t"] : []), bytesOfValue(record), "\n");
      offset = record.offset;
      printed++;
    }
    await io.out(Buffer.concat(chunks.map((chunk) => Buffer.from(chunk))));
    if (printed >= limit) break;
  }
  return { printed, offset };
}

function keyOf({ key, keyBase64 }: RecordLine): string | Uint8Array {
  return keyBase64 === undefined ? (key ?? "") : Buffer.from(keyBase64, "base64");
}

function bytesOfValue({ value, valueBase64 }: RecordLine): string | Uint8Array {
  return valueBase64 === undefined ? (value ?? "") : Buffer.from(valueBase64, "base64");
}
