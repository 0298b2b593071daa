import { time } from "./table.ts";

/** Of a message, what the admin interface tells of the record it came from. */
export interface FromRecord {
  readonly recordAtMs?: number;
  readonly headers?: readonly {
    readonly key: string;
    readonly value?: string;
    readonly valueBase64?: string;
    /** It is too long to be shown. */
    readonly bytes?: number;
  }[];
  readonly traceparent?: string;
}

/** One line for each thing that is known; which record it was, the message's id says. */
export function recordLines({ recordAtMs, headers = [], traceparent }: FromRecord): string[] {
  const lines = headers.map(({ key, value, valueBase64, bytes = 0 }) => {
    const shown = valueBase64 === undefined ? `(${bytes} bytes)` : `base64 ${valueBase64}`;
    return `header ${key}: ${value ?? shown}`;
  });
  const isTold = traceparent === undefined || headers.some(({ key }) => key === "traceparent");
  if (!isTold) lines.unshift(`traceparent: ${traceparent}`);
  if (recordAtMs !== undefined) lines.unshift(`record of ${time(recordAtMs)}`);
  return lines;
}
