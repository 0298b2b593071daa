/**
 * Every error the SDK raises, in one closed table. `status` is what an HTTP caller is answered, with the
 * body `{"code", "message"}`.
 */
export const SDK_ERRORS = {
  // While functions are being declared
  DEFINITION_INVALID: { status: 500, summary: "A function, type or state is declared wrongly." },
  DEFINITION_DUPLICATE: { status: 500, summary: "Something is declared twice." },

  // About the request
  REQUEST_MALFORMED: { status: 400, summary: "The request is no ToFunction message." },
  FUNCTION_UNKNOWN: { status: 404, summary: "No function of this type is served here." },
  METHOD_NOT_ALLOWED: { status: 405, summary: "Functions are called with POST." },
  BODY_TOO_LARGE: { status: 413, summary: "The request body exceeds the limit." },
  OVERLOADED: { status: 503, summary: "Too much is being handled at once; it may be sent again." },
  MEDIA_TYPE_UNSUPPORTED: { status: 415, summary: "The request is no application/octet-stream." },

  // While a batch is being handled
  MESSAGE_UNHANDLED: { status: 500, summary: "The function has no handler for a message's type." },
  MESSAGE_INVALID: { status: 500, summary: "A message's bytes do not fit its type." },
  STATE_TYPE_MISMATCH: { status: 500, summary: "A stored state has another type than declared." },
  STATE_INVALID: { status: 500, summary: "A stored state's bytes do not fit its type." },
  VALUE_INVALID: { status: 500, summary: "A value cannot be written as its type." },
  CONTEXT_MISUSED: { status: 500, summary: "A context was used against its rules." },
  HANDLER_FAILED: { status: 500, summary: "A handler threw." },

  // In tests
  HANDLER_NOT_REPEATABLE: { status: 500, summary: "A handler did something else the second time." },
} as const satisfies Readonly<Record<string, { status: number; summary: string }>>;

export type SdkErrorCode = keyof typeof SDK_ERRORS;

/** An error of the SDK: `code` says what kind, `message` where, what, and what would be right. */
export class SdkError extends Error {
  readonly code: SdkErrorCode;

  constructor(code: SdkErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "SdkError";
    this.code = code;
  }

  /** The HTTP status that tells it to the runtime. */
  get status(): number {
    return SDK_ERRORS[this.code].status;
  }
}

/** The text of anything thrown, with its causes: "TypeError: a: b". */
export function describeThrown(thrown: unknown): string {
  if (!(thrown instanceof Error)) return typeof thrown === "string" ? thrown : inspect(thrown);
  const named = thrown.name === "Error" || thrown.name === "SdkError" ? "" : `${thrown.name}: `;
  const own = thrown.message === "" ? thrown.name : `${named}${thrown.message}`;
  return thrown.cause === undefined ? own : `${own}: ${describeThrown(thrown.cause)}`;
}

/** A short, safe picture of any value, for error messages. */
export function inspect(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(shorten(value));
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value !== "object" || value === null) return String(value);
  try {
    return shorten(JSON.stringify(value) ?? String(value));
  } catch {
    return Object.prototype.toString.call(value); // a cycle, or a toJSON that throws
  }
}

function shorten(text: string): string {
  return text.length <= 120 ? text : `${text.slice(0, 117)}...`;
}
