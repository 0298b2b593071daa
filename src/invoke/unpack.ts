import { promisify } from "node:util";
import { gunzip, inflate, inflateRaw } from "node:zlib";

/** What came of unpacking a body: its bytes, or what is wrong with it. */
export type Unpacked =
  | { readonly kind: "bytes"; readonly bytes: Uint8Array }
  | { readonly kind: "tooLarge" }
  | { readonly kind: "garbled"; readonly reason: string };

const gunzipAsync = promisify(gunzip);
const inflateAsync = promisify(inflate);
const inflateRawAsync = promisify(inflateRaw);

/**
 * Takes the content encoding off a body. The bound holds for what comes out, so that a few kilobytes
 * cannot become gigabytes.
 *
 * @param encoding the Content-Encoding header; undefined or "identity": none
 */
export async function unpack(
  body: Buffer,
  encoding: string | undefined,
  maxBytes: number,
): Promise<Unpacked> {
  const name = encoding?.trim().toLowerCase() ?? "";
  if (name === "" || name === "identity" || body.byteLength === 0) {
    return { kind: "bytes", bytes: body };
  }
  const options = { maxOutputLength: maxBytes };
  try {
    switch (name) {
      case "gzip":
      case "x-gzip":
        return { kind: "bytes", bytes: await gunzipAsync(body, options) };
      case "deflate":
        return { kind: "bytes", bytes: await inflateEither(body, options) };
      default:
        return { kind: "garbled", reason: `its content encoding "${name}" was not asked for` };
    }
  } catch (error) {
    if (error instanceof RangeError) return { kind: "tooLarge" };
    const what = error instanceof Error ? error.message : String(error);
    return { kind: "garbled", reason: `its ${name} body is damaged: ${what}` };
  }
}

/** "deflate" means the zlib format; some servers send the bare stream, whose first byte tells. */
async function inflateEither(body: Buffer, options: { maxOutputLength: number }): Promise<Buffer> {
  const isZlib = ((body[0] ?? 0) & 0x0f) === 8;
  return await (isZlib ? inflateAsync(body, options) : inflateRawAsync(body, options));
}
