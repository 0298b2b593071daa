import { isUtf8 } from "node:buffer";
import { breath } from "../base/breath.ts";
import { fromUtf8, utf8 } from "../base/bytes.ts";
import { describeError, StatefoldError } from "../base/errors.ts";
import type { Header } from "../model/message.ts";
import type { NewRecord, TopicRecord } from "./ports.ts";
import { invalid } from "./problem.ts";
import { base64, textOf } from "./value-view.ts";

/**
 * Records of the topic log as lines of JSON, in both directions.
 *
 *     record  = { key | keyBase64, value | valueBase64, headers, partition, timestamp }      all of it optional
 *     key     = text
 *     value   = text, taken as it is | null, a tombstone | any other JSON, taken as its text
 *     headers = { name: text, … }
 *             | [ { key, value | valueBase64 }, … ]    as it is written when a name comes twice or a value is no text
 *
 * `timestamp` is ms since the epoch. What was read may be written again: its `offset` is passed over.
 */
const FIELDS = new Set([
  ...["key", "keyBase64", "value", "valueBase64"],
  ...["headers", "partition", "timestamp", "offset"],
]);

/** Lines read in one go: some milliseconds. A body may hold hundreds of thousands. */
const LINES_AT_ONCE = 1_000;
/** Records of one body: a short line takes many times its length in memory. */
const MAX_WRITE_RECORDS = 100_000;

/**
 * Every line of an NDJSON body; empty lines are passed over.
 *
 * @throws REQUEST_INVALID that names the line and what is wrong with it, VALUE_TOO_LARGE for too many lines
 */
export async function parseRecords(body: Buffer): Promise<NewRecord[]> {
  if (!isUtf8(body)) throw invalid("the body is not UTF-8");
  const records: NewRecord[] = [];
  let line = 0;
  for (let from = 0; from < body.byteLength; ) {
    const newline = body.indexOf(10, from);
    const end = newline < 0 ? body.byteLength : newline;
    const text = body.toString("utf8", from, end);
    from = end + 1;
    if (++line % LINES_AT_ONCE === 0) await breath();
    if (text.trim() === "") continue;
    if (records.length === MAX_WRITE_RECORDS) {
      const message = `the body holds more than ${MAX_WRITE_RECORDS} records; send them in several requests`;
      throw new StatefoldError("VALUE_TOO_LARGE", message);
    }
    try {
      records.push(parseRecord(JSON.parse(text)));
    } catch (error) {
      throw invalid(`line ${line}: ${describeError(error)}`);
    }
  }
  if (records.length === 0) throw invalid("the body holds no record; send one JSON object a line");
  return records;
}

export function parseRecord(json: unknown): NewRecord {
  if (!isObject(json)) throw invalid('a record is a JSON object like {"key": "a", "value": "b"}');
  for (const field of Object.keys(json)) {
    if (!FIELDS.has(field)) {
      throw invalid(`a record has no field ${field}; it has ${[...FIELDS].join(", ")}`);
    }
  }
  const { key } = json as { key?: unknown };
  if (key !== undefined && key !== null && typeof key !== "string") throw invalid("key is no text");
  return {
    key: bytesOf(json, "key"),
    value: bytesOf(json, "value"),
    headers: parseHeaders((json as { headers?: unknown }).headers),
    partition: countOf(json, "partition"),
    timestampMs: countOf(json, "timestamp"),
  };
}

function countOf(json: object, name: string): number | undefined {
  const { [name]: value } = json as Readonly<Record<string, unknown>>;
  if (value === undefined || value === null) return undefined;
  if (Number.isSafeInteger(value) && Number(value) >= 0) return Number(value);
  throw invalid(`${name} is no whole number from 0`);
}

/** One line, its end included. `asJson`: a value whose text is JSON stands there as such, for `jq` and people. */
export function formatRecord(record: TopicRecord, asJson: boolean): string {
  const head = `"partition":${record.partition},"offset":${record.offset},"timestamp":${record.timestampMs}`;
  const key = record.key === undefined ? "" : `,${bytesField("key", record.key)}`;
  const value = asJson ? jsonField(record.value) : undefined;
  const headers = record.headers.length === 0 ? "" : `,"headers":${formatHeaders(record.headers)}`;
  return `{${head}${key},${value ?? valueField(record.value)}${headers}}\n`;
}

function bytesOf(json: object, name: "key" | "value"): Uint8Array | undefined {
  const { [name]: plain, [`${name}Base64`]: encoded } = json as Readonly<Record<string, unknown>>;
  if (encoded === undefined) {
    if (plain === undefined || plain === null) return undefined;
    return utf8(typeof plain === "string" ? plain : JSON.stringify(plain));
  }
  if (plain !== undefined) throw invalid(`${name} and ${name}Base64 are both there; send one`);
  if (typeof encoded !== "string" || !/^[A-Za-z0-9+/]*={0,2}$/.test(encoded)) {
    throw invalid(`${name}Base64 is not base64`);
  }
  return Buffer.from(encoded, "base64");
}

function parseHeaders(json: unknown): readonly Header[] {
  if (json === undefined || json === null) return [];
  if (Array.isArray(json)) return json.map(parseHeader);
  if (!isObject(json)) throw invalid('headers is no object like {"name": "text"}');
  return Object.entries(json).map(([key, value]) => parseHeader({ key, value }));
}

function parseHeader(json: unknown): Header {
  const { key, value } = isObject(json) ? (json as { key?: unknown; value?: unknown }) : {};
  const isText = value === undefined || typeof value === "string";
  if (!isObject(json) || typeof key !== "string" || !isText) {
    throw invalid('a header is {"key": "name", "value": "text"} or {"key", "valueBase64"}');
  }
  return { key, value: bytesOf(json, "value") ?? new Uint8Array(0) };
}

function formatHeaders(headers: readonly Header[]): string {
  const names = new Set(headers.map((header) => header.key));
  const isPlain =
    names.size === headers.length && headers.every((header) => textOf(header.value) !== undefined);
  if (isPlain) {
    return JSON.stringify(
      Object.fromEntries(headers.map((header) => [header.key, fromUtf8(header.value)])),
    );
  }
  const entries = headers.map(
    (header) => `{"key":${JSON.stringify(header.key)},${bytesField("value", header.value)}}`,
  );
  return `[${entries.join(",")}]`;
}

function valueField(value: Uint8Array | undefined): string {
  return value === undefined ? '"value":null' : bytesField("value", value);
}

function bytesField(name: string, bytes: Uint8Array): string {
  const text = textOf(bytes);
  return text === undefined
    ? `"${name}Base64":"${base64(bytes)}"`
    : `"${name}":${JSON.stringify(text)}`;
}

/** The text itself, so that no number is rounded; undefined when it is no JSON, or not of one line. */
function jsonField(value: Uint8Array | undefined): string | undefined {
  const text = value === undefined ? undefined : textOf(value);
  if (text === undefined || /[\r\n]/.test(text)) return undefined;
  try {
    JSON.parse(text);
    return `"value":${text}`;
  } catch {
    return undefined;
  }
}

function isObject(json: unknown): json is object {
  return typeof json === "object" && json !== null && !Array.isArray(json);
}
