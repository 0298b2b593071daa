import type { IncomingHttpHeaders } from "node:http";
import { utf8 } from "../base/bytes.ts";
import { describeError } from "../base/errors.ts";
import { memo } from "../base/memo.ts";
import {
  type BuiltinType,
  builtinFromJson,
  builtinToJson,
  decodeBuiltin,
  encodeString,
  isBuiltinType,
  STRING_TYPE,
  unwrapString,
} from "../model/builtin-types.ts";
import { isTypeName } from "../model/type-name.ts";
import type { TypedValue } from "../model/typed-value.ts";
import { invalid } from "./problem.ts";
import { decodeSegment } from "./request-path.ts";

/**
 * Values as requests and answers carry them. The type is named by `statefold-type`, or by
 * `Content-Type: application/vnd.<typename>`; the body is the value's bytes, with three conveniences:
 *
 *     text/plain          is io.statefun.types/string, wrapped here
 *     application/json    of a built-in type is that type's value as JSON
 *     text/plain          of another built-in type is the same, for people: 1, true
 */
export const TYPE_HEADER = "statefold-type";

const VENDOR = "application/vnd.";

/**
 * The value of a request.
 *
 * @throws REQUEST_INVALID that says how to name the type, or what the type takes
 */
export function readValue(headers: IncomingHttpHeaders, body: Buffer): TypedValue {
  const contentType = headers["content-type"] ?? "";
  const semicolon = contentType.indexOf(";");
  const raw = (semicolon < 0 ? contentType : contentType.slice(0, semicolon)).trim();
  const media = raw.toLowerCase();
  const typename = typenameOf(headers[TYPE_HEADER], raw, media);
  if (!isBuiltinType(typename)) return { typename, hasValue: true, value: body };
  return { typename, hasValue: true, value: builtinBytes(typename, media, contentType, body) };
}

function typenameOf(header: string | string[] | undefined, raw: string, media: string): string {
  const vendor = media.startsWith(VENDOR) ? checked(raw.slice(VENDOR.length)) : undefined;
  const named = header === undefined ? undefined : checked(String(header));
  if (named !== undefined && vendor !== undefined && named !== vendor) {
    throw invalid(`${TYPE_HEADER} says ${named}, content-type says ${vendor}; send one of them`);
  }
  const typename = named ?? vendor ?? (media === "text/plain" ? STRING_TYPE : undefined);
  if (typename !== undefined) return typename;
  const got = media === "" ? "without a content-type" : `with content-type ${media}`;
  throw invalid(
    `a body ${got} does not say its type; send the header ${TYPE_HEADER}: {namespace}/{name}, or content-type ${VENDOR}{namespace}/{name}, or text/plain for a string`,
  );
}

const checked = memo((text) => {
  const typename = decodeSegment(text);
  if (isTypeName(typename)) return typename;
  throw invalid(
    `${JSON.stringify(typename)} is no type name; it is {namespace}/{name}, with exactly one '/'`,
  );
});

function builtinBytes(type: BuiltinType, media: string, contentType: string, body: Buffer) {
  const isText = media === "text/plain";
  if (isText || media === "application/json") {
    const charset = /charset\s*=\s*"?([^\s";]+)/i.exec(contentType)?.[1]?.toLowerCase();
    if (charset !== undefined && charset !== "utf-8" && charset !== "us-ascii") {
      throw invalid(`charset ${charset} is not taken; send UTF-8`);
    }
    const text = body.toString("utf8");
    if (text.includes("\ufffd") && Buffer.compare(utf8(text), body) !== 0) {
      throw invalid("the body is not UTF-8, as its content-type says");
    }
    return isText && type === STRING_TYPE ? encodeString(body) : builtinFromJson(type, text);
  }
  try {
    decodeBuiltin(type, body);
  } catch (error) {
    throw invalid(
      `${describeError(error)}; to send it as JSON or text, say content-type application/json or text/plain`,
    );
  }
  return body;
}

/** How a value is answered. */
export interface ValueAnswer {
  readonly contentType: string;
  /** For {@link TYPE_HEADER}. */
  readonly type: string;
  readonly body: Uint8Array | string;
}

const inHeader = memo((typename) =>
  /^[\x21-\x24\x26-\x7e]+$/.test(typename) ? typename : encodeURI(typename),
);

/**
 * A value for a caller: a built-in type as JSON when `accept` names it, a string as text unless its bytes
 * are asked for, everything else as bytes.
 */
export function answerValue(value: TypedValue, accept: string | undefined): ValueAnswer {
  const { typename } = value;
  const type = inHeader(typename);
  const raw = { contentType: VENDOR + type, type, body: value.value };
  if (!isBuiltinType(typename)) return raw;
  const wanted = accept ?? "*/*";
  try {
    if (wanted.includes("application/json")) {
      return { contentType: "application/json", type, body: builtinToJson(typename, value.value) };
    }
    const isRaw = wanted.includes(VENDOR) || wanted.includes("application/octet-stream");
    if (typename === STRING_TYPE && !isRaw) {
      return { contentType: "text/plain; charset=utf-8", type, body: unwrapString(value.value) };
    }
  } catch {
    // A function has answered bytes that are not of the type it named: the caller gets them as they are.
  }
  return raw;
}
