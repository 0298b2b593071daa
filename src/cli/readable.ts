import type { ClientAnswer } from "./client.ts";
import { readAll } from "./client.ts";
import type { Io } from "./io.ts";
import { printable } from "./table.ts";

/** Digits that JSON.parse might round. */
const LONG_NUMBER = /\d{16}/;

/** A value as the admin API shows it: docs/http.md, "Values for people". */
export interface ValueView {
  readonly type: string;
  readonly bytes: number;
  readonly value?: unknown;
  readonly text?: string;
  readonly base64?: string;
}

/** One or more lines for a person. */
export function readableView(view: ValueView): string {
  if ("value" in view) {
    return typeof view.value === "string" ? view.value : JSON.stringify(view.value, null, 2);
  }
  if (view.text !== undefined) return view.text;
  if (view.base64 !== undefined) return `base64 ${view.base64}`;
  return `(${view.bytes} bytes)`;
}

/**
 * Prints the value an answer carries: text and numbers as they are, JSON with indentation, other bytes as
 * they are, unless a terminal would have to take them.
 */
export async function printValue(io: Io, answer: ClientAnswer): Promise<void> {
  const body = await readAll(answer.body);
  const type = answer.header("statefold-type") ?? "";
  const isJson = answer.header("content-type") === "application/json";
  const text = body.toString("utf8");
  if (isJson) {
    await io.out(`${text.startsWith('"') ? String(JSON.parse(text)) : text}\n`);
  } else if (Buffer.compare(Buffer.from(text, "utf8"), body) === 0 && !text.includes("\0")) {
    await io.out(`${indented(text)}\n`);
  } else if (io.outIsTerminal) {
    io.err(`${body.byteLength} bytes of ${printable(type)}, no text; to have them: … > FILE\n`);
  } else await io.out(body);
}

function indented(text: string): string {
  if (!/^\s*[[{]/.test(text) || LONG_NUMBER.test(text)) return text;
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
