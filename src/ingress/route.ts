import { EMPTY_BYTES, fromUtf8 } from "../base/bytes.ts";
import { StatefoldError } from "../base/errors.ts";
import { KeptBytes } from "../base/kept-bytes.ts";
import type { Header } from "../model/message.ts";
import type { InvalidRecord, RoutedMessage, SourceRecord } from "../model/source.ts";
import type { OnInvalid, Route } from "../spec/module.ts";
import { traceparentOf } from "../telemetry/trace.ts";

/** A record of a topic, wherever it was read. Its bytes may be views: what is kept is copied. */
export interface IncomingRecord {
  readonly position: number;
  readonly key: Uint8Array | undefined;
  readonly value: Uint8Array | undefined;
  readonly headers: readonly Header[];
  /** In ms since the epoch; one that is not above 0, or in no calendar, is none. */
  readonly timestampMs?: number;
  /** Why it cannot be read at all; the value is what stands there. */
  readonly damage?: string;
}

export interface RoutedRecords {
  readonly records: readonly SourceRecord[];
  /** Behind the last of the records. */
  readonly next: number;
  /** The record at `next` is invalid and the ingress says `onInvalid: stop`. */
  readonly stop: StatefoldError | undefined;
}

/** Producers may write what they like; JavaScript's dates end here. */
const LATEST_TIME_MS = 8.64e15;

/** W3C trace context: passed through as it is, unless it is none. */
const TRACEPARENT = "traceparent";

const NO_HEADERS: readonly Header[] = [];
const NO_MESSAGES: readonly RoutedMessage[] = [];

/**
 * Turns a run of records into messages, and decides what becomes of those that cannot be routed.
 *
 * @param source for messages to people
 * @param next the position behind the run
 */
export function routeRecords(
  route: Route,
  onInvalid: OnInvalid,
  source: string,
  incoming: readonly IncomingRecord[],
  next: number,
): RoutedRecords {
  const records: SourceRecord[] = [];
  const kept = new KeptBytes();
  for (const record of incoming) {
    const routed = routeRecord(route, record, kept);
    const { position } = record;
    if (routed.kind === "messages") {
      records.push(withTime(position, record.timestampMs, routed.messages));
    } else if (onInvalid === "deadLetter") {
      const { invalid } = routed;
      records.push({ ...withTime(position, record.timestampMs, NO_MESSAGES), invalid });
    } else if (onInvalid === "skip") {
      records.push({ position, messages: NO_MESSAGES });
    } else {
      const message = `${source}@${position}: ${routed.invalid.reason}. The source stops here (onInvalid: stop): remove the record or choose deadLetter or skip`;
      return { records, next: position, stop: new StatefoldError("RECORD_INVALID", message) };
    }
  }
  return { records, next, stop: undefined };
}

/** Written out: a spread costs more than all else that is done with a record here. */
function withTime(
  position: number,
  timestampMs: number | undefined,
  messages: readonly RoutedMessage[],
): SourceRecord {
  const isTime = timestampMs !== undefined && timestampMs > 0 && timestampMs <= LATEST_TIME_MS;
  return isTime ? { position, recordAtMs: timestampMs, messages } : { position, messages };
}

export type Routed =
  | { readonly kind: "messages"; readonly messages: readonly RoutedMessage[] }
  | { readonly kind: "invalid"; readonly invalid: InvalidRecord };

/**
 * StateFun's rule: the id is the key, decoded as UTF-8 with malformed bytes becoming U+FFFD; each target gets
 * a message of its own, in the order of the list; the value is the record's bytes under the route's type,
 * not looked at. Unlike there a record that cannot be routed is an outcome, and an empty key is one such:
 * a target's id is never empty.
 */
export function routeRecord(
  route: Route,
  record: Omit<IncomingRecord, "position">,
  kept = new KeptBytes(),
): Routed {
  const headers = keptHeaders(record.headers, kept);
  const trace = headers.find((header) => header.key === TRACEPARENT);
  const traceparent = trace === undefined ? undefined : traceparentOf(fromUtf8(trace.value));
  const value = {
    typename: route.valueType,
    hasValue: record.value !== undefined,
    value: kept.copy(record.value ?? EMPTY_BYTES),
  };
  const reason = whyInvalid(record);
  if (reason !== undefined || record.key === undefined) {
    const key = record.key === undefined ? undefined : kept.copy(record.key);
    const why = reason ?? NO_KEY;
    return { kind: "invalid", invalid: { reason: why, key, value, headers, traceparent } };
  }
  const id = idOf(record.key);
  const messages = route.targets.map((type) => {
    return { target: { type, id }, value, headers, traceparent };
  });
  return { kind: "messages", messages };
}

function keptHeaders(headers: readonly Header[], kept: KeptBytes): readonly Header[] {
  if (headers.length === 0) return NO_HEADERS;
  return headers.map(({ key, value }) => ({ key, value: kept.copy(value) }));
}

const NO_KEY = "the record has no key, which would be the id of the function to call";

function whyInvalid(record: Omit<IncomingRecord, "position">): string | undefined {
  if (record.damage !== undefined) return record.damage;
  if (record.key === undefined) return NO_KEY;
  if (record.key.byteLength === 0) {
    return "the record's key is empty, and the id of the function to call cannot be";
  }
  if (record.value === undefined) return "the record is a tombstone: it has no value";
  return undefined;
}

/** A byte order mark is part of the id, as in Java; TextDecoder would take it away. */
function idOf(key: Uint8Array): string {
  const bytes =
    key instanceof Buffer ? key : Buffer.from(key.buffer, key.byteOffset, key.byteLength);
  return bytes.toString("utf8");
}
