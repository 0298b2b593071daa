/**
 * W3C trace context, level 1: the `traceparent` header.
 *
 *     traceparent = version "-" trace-id "-" parent-id "-" trace-flags
 *     version     = 2 lower-case hex digits, not "ff"
 *     trace-id    = 32 of them, not all zero
 *     parent-id   = 16 of them, not all zero
 *     trace-flags = 2 of them; the lowest bit: sampled
 *
 * A later version may append fields; its first four are read as those of version 00.
 */
export interface TraceContext {
  readonly traceId: string;
  readonly parentId: string;
  /** 0 to 255; bit 0 is "sampled". */
  readonly flags: number;
}

const FIELDS = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
/** What is longer is nobody's trace; it would be copied into everything that the message causes. */
const MAX_LENGTH = 512;
const ZEROS = /^0+$/;

/** Undefined for anything malformed: the specification wants it ignored, never refused. */
export function parseTraceparent(text: string | undefined): TraceContext | undefined {
  if (text === undefined || text.length > MAX_LENGTH) return undefined;
  const [, version, traceId, parentId, flags, rest] = FIELDS.exec(text) ?? [];
  if (version === undefined || traceId === undefined || parentId === undefined) return undefined;
  if (version === "ff" || (version === "00" && rest !== undefined)) return undefined;
  if (ZEROS.test(traceId) || ZEROS.test(parentId)) return undefined;
  return { traceId, parentId, flags: Number.parseInt(flags ?? "0", 16) };
}

/** Always version 00. */
export function formatTraceparent(context: TraceContext): string {
  return `00-${context.traceId}-${context.parentId}-${context.flags.toString(16).padStart(2, "0")}`;
}

/**
 * The same trace, one step down.
 *
 * @param spanId 16 hex digits that name the new step
 */
export function childOf(parent: TraceContext, spanId: string): TraceContext {
  return { traceId: parent.traceId, parentId: spanId, flags: parent.flags };
}

/** The text, where it is a traceparent; undefined where it is anything else. */
export function traceparentOf(text: unknown): string | undefined {
  if (typeof text !== "string" || parseTraceparent(text) === undefined) return undefined;
  return text;
}
