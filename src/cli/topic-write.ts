import { isUtf8 } from "node:buffer";
import type { Command, Context } from "./command.ts";
import { URL_OPTION } from "./common-options.ts";
import { linesOf } from "./lines.ts";
import { PARTITION, partitionOf, topicPath } from "./topic-api.ts";
import { usage } from "./usage.ts";

/** A request's body is closed when it has so many bytes, or records; a line is at most as long as a node takes. */
const BATCH_BYTES = 1024 * 1024;
const BATCH_RECORDS = 10_000;
const MAX_LINE_BYTES = 10 * 1024 * 1024;

export const topicWriteCommand: Command = {
  name: "topic write",
  summary: "write records to a topic: VALUE, or each line of stdin",
  args: "TOPIC [VALUE]",
  arity: [1, 2],
  details: `
A line is a record's value. With --json a line is a whole record, as "topic read --json" prints it:
{"key": "a", "value": "b", "headers": {"h": "v"}, "partition": 0}, all of it optional. It ends when all
records are safely stored; a topic that is not there yet is made.`,
  options: [
    {
      ...{ name: "key", kind: "text", placeholder: "KEY" },
      description: "key of every record",
    },
    {
      ...{ name: "key-separator", kind: "text", placeholder: "TEXT" },
      description: "what stands between key and value in each line",
    },
    { ...PARTITION, description: "write to this partition, whatever the key" },
    { name: "json", kind: "flag", description: "lines are whole records in JSON" },
    URL_OPTION,
  ],
  examples: [
    `statefold topic write orders '{"item":"tea"}' --key ada`,
    "statefold topic write orders --key-separator : < orders.txt",
    "statefold topic read orders --json | statefold topic write copy --json",
  ],
  run: topicWrite,
};

async function topicWrite(context: Context): Promise<number> {
  const path = topicPath(context);
  const toRecord = recordMaker(context);
  const given = context.args[1];
  let written = 0;
  const write = async (records: readonly string[]) => {
    await context.client.json("POST", path, {
      headers: { "content-type": "application/x-ndjson" },
      body: records.join("\n"),
    });
    written += records.length;
  };
  if (given !== undefined) await write([toRecord(Buffer.from(given))]);
  else {
    for await (const lines of linesOf(context.io.stdin, MAX_LINE_BYTES)) {
      for (const batch of batches(lines.filter((line) => line.byteLength > 0).map(toRecord))) {
        await write(batch);
      }
    }
  }
  context.io.err(`${written} ${written === 1 ? "record" : "records"} written\n`);
  return 0;
}

/** What makes of a line the JSON of its record. */
function recordMaker(context: Context): (line: Buffer) => string {
  const { options } = context;
  const key = options.text("key");
  const separator = options.text("key-separator");
  const partition = partitionOf(context);
  if (options.flag("json")) {
    if (key !== undefined || separator !== undefined || partition !== undefined) {
      throw usage("with --json key and partition stand in the lines");
    }
    return (line) => line.toString("utf8");
  }
  if (key !== undefined && separator !== undefined) {
    throw usage("--key and --key-separator do not go together");
  }
  if (separator === "") throw usage("--key-separator is empty");
  return (line) => {
    const at = separator === undefined ? -1 : line.indexOf(separator);
    if (separator !== undefined && at < 0) {
      throw usage(`a line holds no ${JSON.stringify(separator)}: ${line.toString("utf8", 0, 80)}`);
    }
    const value = separator === undefined ? line : line.subarray(at + Buffer.byteLength(separator));
    return JSON.stringify({
      ...(separator === undefined ? { key } : field("key", line.subarray(0, at))),
      ...field("value", value),
      partition,
    });
  };
}

function field(name: string, bytes: Buffer): Record<string, string> {
  return isUtf8(bytes)
    ? { [name]: bytes.toString("utf8") }
    : { [`${name}Base64`]: bytes.toString("base64") };
}

function* batches(records: readonly string[]): Generator<readonly string[]> {
  let batch: string[] = [];
  let bytes = 0;
  for (const record of records) {
    const isFull = batch.length >= BATCH_RECORDS || bytes + record.length > BATCH_BYTES;
    if (batch.length > 0 && isFull) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(record);
    bytes += record.length;
  }
  if (batch.length > 0) yield batch;
}
