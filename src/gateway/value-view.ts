import { fromUtf8, utf8 } from "../base/bytes.ts";
import { builtinToJson, isBuiltinType } from "../model/builtin-types.ts";
import type { Header } from "../model/message.ts";
import type { TypedValue } from "../model/typed-value.ts";

/**
 * A value for a person's eyes, inside JSON: its type, its size, and the first of these that fits:
 * `value`, for built-in types and for bytes that are JSON; `text`, for other UTF-8; `base64`.
 */
export interface ValueView {
  readonly type: string;
  readonly bytes: number;
  readonly value?: unknown;
  readonly text?: string;
  readonly base64?: string;
}

/** A longer value is shown by its size alone. */
export const MAX_SHOWN_BYTES = 256 * 1024;

/** Digits that JSON.parse might round. */
const LONG_NUMBER = /\d{16}/;

export function viewValue(value: TypedValue): ValueView {
  const bytes = value.value.byteLength;
  const view = { type: value.typename, bytes };
  if (!value.hasValue) return { ...view, value: null };
  if (bytes > MAX_SHOWN_BYTES) return view;
  if (isBuiltinType(value.typename)) {
    try {
      return { ...view, value: JSON.parse(builtinToJson(value.typename, value.value)) as unknown };
    } catch {
      return { ...view, base64: base64(value.value) };
    }
  }
  const text = textOf(value.value);
  if (text === undefined) return { ...view, base64: base64(value.value) };
  if (LONG_NUMBER.test(text)) return { ...view, text };
  try {
    return { ...view, value: JSON.parse(text) as unknown };
  } catch {
    return { ...view, text };
  }
}

/** As the topic log's records have them; of a long one its size alone. */
export function viewHeader({ key, value }: Header): Readonly<Record<string, string | number>> {
  if (value.byteLength > MAX_SHOWN_BYTES) return { key, bytes: value.byteLength };
  const text = textOf(value);
  return text === undefined ? { key, valueBase64: base64(value) } : { key, value: text };
}

/** The text that these bytes are in UTF-8, or undefined when they are none. */
export function textOf(bytes: Uint8Array): string | undefined {
  const text = fromUtf8(bytes);
  if (!text.includes("\ufffd") && !text.includes("\0")) return text;
  return text.includes("\0") || Buffer.compare(utf8(text), bytes) !== 0 ? undefined : text;
}

export function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
}
