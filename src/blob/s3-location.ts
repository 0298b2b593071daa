import { StatefoldError } from "../base/errors.ts";
import { isKey, MAX_KEY_CHARS } from "./key.ts";

/** Where in S3, or in something that speaks like it. What is undefined is left to the SDK's own conventions. */
export interface S3Location {
  readonly bucket: string;
  /** "" or a key followed by "/". */
  readonly prefix: string;
  readonly region: string | undefined;
  readonly endpoint: string | undefined;
  readonly isPathStyle: boolean;
}

export const S3_FORM = "s3://BUCKET/PREFIX?region=…&endpoint=…&pathStyle=true";

/**
 * `s3://bucket/prefix?region=…&endpoint=…&pathStyle=true`; all but the bucket may be left out. With an endpoint
 * and no region, the region is us-east-1, which servers other than Amazon's take.
 *
 * @throws StatefoldError CONFIG_INVALID
 */
export function parseS3Url(text: string): S3Location {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined) throw invalid(text, `it is no URL like ${S3_FORM}`);
  if (url.username !== "" || url.password !== "") {
    throw invalid("s3://…", "credentials do not belong into the URL; the SDK looks for them");
  }
  if (url.port !== "" || url.hash !== "") throw invalid(text, `the form is ${S3_FORM}`);
  const bucket = url.host;
  if (!BUCKET.test(bucket)) throw invalid(text, `"${bucket}" is no name of a bucket`);
  const prefix = url.pathname.replace(/^\/|\/$/g, "");
  if (prefix !== "" && (!isKey(prefix) || prefix.length > MAX_KEY_CHARS - 1)) {
    throw invalid(text, `"${prefix}" is no prefix: letters, digits, _ = . + @ ~ - and "/"`);
  }
  return { bucket, prefix: prefix === "" ? "" : `${prefix}/`, ...parseSettings(text, url) };
}

function parseSettings(
  text: string,
  url: URL,
): Pick<S3Location, "region" | "endpoint" | "isPathStyle"> {
  const settings = new Map(url.searchParams);
  for (const name of settings.keys()) {
    if (!SETTINGS.includes(name)) {
      throw invalid(text, `"${name}" is unknown; there are ${SETTINGS.join(", ")}`);
    }
  }
  const endpoint = settings.get("endpoint");
  if (endpoint !== undefined && !isEndpoint(endpoint)) {
    throw invalid(text, `the endpoint "${endpoint}" is no URL like https://storage.example.com`);
  }
  const pathStyle = settings.get("pathStyle") ?? "false";
  if (pathStyle !== "true" && pathStyle !== "false") {
    throw invalid(text, `pathStyle is true or false, not "${pathStyle}"`);
  }
  return {
    region: settings.get("region") ?? (endpoint === undefined ? undefined : "us-east-1"),
    endpoint,
    isPathStyle: pathStyle === "true",
  };
}

const SETTINGS = ["region", "endpoint", "pathStyle"];

const BUCKET = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;

function isEndpoint(text: string): boolean {
  return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);
}

function invalid(url: string, why: string): StatefoldError {
  return new StatefoldError("CONFIG_INVALID", `the blob store ${url}: ${why}`);
}
