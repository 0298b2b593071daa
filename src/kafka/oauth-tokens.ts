import { describeError, StatefoldError } from "../base/errors.ts";

export interface OauthOptions {
  readonly url: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly scope: string | undefined;
  readonly nowMs: () => number;
  /** For an answer. Default 10 s. */
  readonly timeoutMs?: number;
}

/** A token that ends sooner is not used any more. */
const MARGIN_MS = 30_000;
const TIMEOUT_MS = 10_000;

/** Gets bearer tokens by client credentials (RFC 6749, 4.4), and keeps one as long as it is good. */
export function oauthTokens(options: OauthOptions): () => Promise<{ value: string }> {
  let last: { readonly value: string; readonly untilMs: number } | undefined;
  return async () => {
    if (last === undefined || options.nowMs() > last.untilMs) last = await ask(options);
    return { value: last.value };
  };
}

async function ask(options: OauthOptions): Promise<{ value: string; untilMs: number }> {
  const { url, clientId, clientSecret, scope, timeoutMs = TIMEOUT_MS } = options;
  const body = new URLSearchParams({ grant_type: "client_credentials" });
  if (scope !== undefined) body.set("scope", scope);
  const basic = Buffer.from(`${encodeURIComponent(clientId)}:${encodeURIComponent(clientSecret)}`);
  try {
    const answer = await fetch(url, {
      ...{ method: "POST", body, signal: AbortSignal.timeout(timeoutMs) },
      headers: { authorization: `Basic ${basic.toString("base64")}`, accept: "application/json" },
    });
    if (!answer.ok) throw new Error(`it answered ${answer.status}`);
    const token: unknown = await answer.json();
    if (!isToken(token)) throw new Error("its answer has no access_token");
    const lifeMs = 1_000 * (token.expires_in ?? 300);
    return { value: token.access_token, untilMs: options.nowMs() + lifeMs - MARGIN_MS };
  } catch (error) {
    const message = `no token from ${url}: ${describeError(error)}`;
    throw new StatefoldError("UNAVAILABLE", message, { cause: error });
  }
}

function isToken(value: unknown): value is { access_token: string; expires_in?: number } {
  if (typeof value !== "object" || value === null) return false;
  return "access_token" in value && typeof value.access_token === "string";
}
