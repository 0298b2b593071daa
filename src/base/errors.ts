/**
 * Every error a person or a program can meet, in one closed table. Each code has its section in
 * docs/errors.md, which a test compares with this table: what it means, and what to do.
 *
 * `status` is what the gateway answers when the error reaches an HTTP caller.
 */
export const ERRORS = {
  // Wrong use
  USAGE: { status: 400, summary: "The command line or an option is wrong." },
  CONFIG_INVALID: { status: 500, summary: "The configuration contradicts itself or the machine." },
  MODULE_INVALID: { status: 500, summary: "A module.yaml has mistakes." },
  MODULE_UNSUPPORTED: { status: 500, summary: "A module asks for a part this version cannot run." },

  // The data directory
  STORE_LOCKED: { status: 500, summary: "Another process is using the data directory." },
  STORE_FOREIGN: { status: 500, summary: "The directory belongs to another application." },
  STORE_FORMAT: { status: 500, summary: "The data was written by another format version." },
  STORE_CORRUPT: { status: 500, summary: "The store is damaged." },
  STORE_BEHIND_WITNESS: { status: 500, summary: "The store is older than what was synced." },
  STORE_WRITE_FAILED: { status: 503, summary: "The disk refused a write." },
  LOG_CORRUPT: { status: 500, summary: "A file of the topic log is damaged." },
  LOG_WRITE_FAILED: { status: 503, summary: "The topic log could not write." },
  VALUE_TOO_LARGE: { status: 413, summary: "A value exceeds its stated limit." },

  // Blob storage
  BLOB_UNAVAILABLE: { status: 503, summary: "The blob store does not answer, or asks to wait." },
  BLOB_REFUSED: { status: 500, summary: "The blob store refuses, and will again." },
  BLOB_CORRUPT: { status: 500, summary: "What was read of a blob does not belong together." },

  // Snapshots
  SNAPSHOT_OWNED: { status: 500, summary: "Another runtime keeps its snapshots there." },
  SNAPSHOT_FENCED: { status: 500, summary: "Another runtime has taken over the snapshots." },
  SNAPSHOT_FOREIGN: { status: 500, summary: "The snapshots are another application's or data's." },
  SNAPSHOT_FORMAT: { status: 500, summary: "A snapshot was written by a newer version." },
  SNAPSHOT_CORRUPT: { status: 500, summary: "A part of a snapshot is damaged or missing." },
  SNAPSHOT_ABANDONED: { status: 503, summary: "A snapshot did not come to be complete." },

  // The process
  THREAD_ENDED: { status: 500, summary: "A thread of partitions ended by itself." },

  // Kafka
  KAFKA_FENCED: { status: 500, summary: "Another process publishes in this one's place." },
  KAFKA_MARKER_AHEAD: { status: 500, summary: "The brokers have more than this data published." },
  KAFKA_MARKER_LOST: { status: 500, summary: "The brokers forgot how far was published." },

  // Requests
  REQUEST_INVALID: { status: 400, summary: "A request is malformed." },
  TYPE_UNKNOWN: { status: 404, summary: "No function endpoint takes this type." },
  TOPIC_UNKNOWN: { status: 404, summary: "There is no such topic." },
  NOT_FOUND: { status: 404, summary: "There is nothing under this name." },
  OVERLOADED: { status: 429, summary: "The node is at a bound; try again shortly." },
  UNAVAILABLE: { status: 503, summary: "The node is starting, draining or failing." },
  CALL_TIMEOUT: { status: 504, summary: "No reply yet; the work goes on." },
  INTERNAL: { status: 500, summary: "A mistake of ours." },

  // Messages that were given up: the reason beside a dead letter or a parked address
  FUNCTION_FAILED: { status: 500, summary: "A function failed for this message." },
  TARGET_UNKNOWN: { status: 500, summary: "A message names a function type without endpoint." },
  TARGET_INVALID: { status: 500, summary: "A message names an impossible address." },
  EGRESS_UNKNOWN: { status: 500, summary: "A record names an egress that does not exist." },
  EGRESS_VALUE_INVALID: { status: 500, summary: "An egress cannot take this value." },
  EGRESS_REFUSED: { status: 500, summary: "The receiver refused this record." },
  RECORD_INVALID: { status: 500, summary: "A record of a source cannot be routed." },
  MAILBOX_FULL: { status: 500, summary: "A parked address has too much mail." },
} as const satisfies Readonly<Record<string, { status: number; summary: string }>>;

export type ErrorCode = keyof typeof ERRORS;

/** An error of the world's, classified: `code` says what kind, `message` what exactly. */
export class StatefoldError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "StatefoldError";
    this.code = code;
  }
}

/** The text of anything thrown, with its causes: "a: b: c". */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const own = error.message === "" ? error.name : error.message;
  if (error.cause === undefined) return own;
  const why = describeError(error.cause);
  // Many messages end in why already.
  return own.endsWith(why) ? own : `${own}: ${why}`;
}
