/** The gateway, over raw sockets: an answer with a code of the table, or a closed connection, soon. */
import assert from "node:assert/strict";
import { connect } from "node:net";
import { ERRORS } from "../../src/base/errors.ts";
import type { Attack } from "./attack.ts";
import { anyRequest, type RawRequest } from "./http-requests.ts";

/** Of a complete request without an answer: it hangs. */
const HANGS_MS = 15_000;
/** An incomplete one is given up after so much silence. */
const GIVE_UP_MS = 40;

/** Node itself answers a request without a host so, without a body. */
const BARE: ReadonlySet<number> = new Set([400]);

export function httpAttack(port: number): Attack {
  return {
    name: "http",
    atOnce: 16,
    strike: async (rng, show) => {
      const request = anyRequest(rng);
      show([request.kind, ...request.parts.map((part) => part.toString("latin1"))]);
      const { text, closed } = await exchange(port, request);
      const statuses = [...text.matchAll(/HTTP\/1\.1 (\d{3}) [A-Za-z]/g)].map(([, code]) =>
        Number(code),
      );
      const final = statuses.filter((status) => status >= 200);
      if (final.length === 0) {
        assert(closed || request.answers === 0, "no answer, and the connection stays open");
        return `${request.kind}: ${closed ? "closed" : "given up"}`;
      }
      for (const status of final) assert(status < 500 || status > 502, `status ${status}: ${text}`);
      const codes = [...text.matchAll(/"code":"(\w+)"/g)].map(([, code]) => code ?? "");
      for (const code of codes) assert(Object.hasOwn(ERRORS, code) && code !== "INTERNAL", code);
      const refused = final.filter((status) => status >= 400 && !BARE.has(status));
      const isHead = request.parts.some((part) =>
        /HEAD |OPTIONS|TRACE/.test(part.toString("latin1")),
      );
      assert(codes.length >= refused.length || isHead || !closed, `without a code: ${text}`);
      const [first] = final;
      const most = Math.max(1, request.answers);
      assert(final.length <= most, `${final.length} answers to ${most} requests: ${text}`);
      return `${request.kind}: ${final.length > 1 ? "several" : first}${codes[0] === undefined || final.length > 1 ? "" : ` ${codes[0]}`}`;
    },
  };
}

function exchange(
  port: number,
  { parts, answers, halfClose }: RawRequest,
): Promise<{ text: string; closed: boolean }> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1");
    const chunks: Buffer[] = [];
    let timer: NodeJS.Timeout | undefined;
    const end = (closed: boolean): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve({ text: Buffer.concat(chunks).toString("latin1"), closed });
    };
    const wait = (waitMs: number): void => {
      clearTimeout(timer);
      timer = setTimeout(() => end(false), waitMs);
    };
    socket.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "ECONNREFUSED") reject(error);
      else end(true);
    });
    socket.on("close", () => end(true));
    socket.on("data", (chunk) => {
      chunks.push(chunk);
      const text = Buffer.concat(chunks).toString("latin1");
      const heads = text.match(/HTTP\/1\.1 [2-5]\d\d [A-Za-z]/g)?.length ?? 0;
      wait(heads >= Math.max(1, answers) ? (isWhole(text) ? 0 : GIVE_UP_MS) : HANGS_MS);
    });
    wait(answers === 0 ? GIVE_UP_MS : HANGS_MS);
    const write = (at: number): void => {
      const next = parts[at];
      if (next === undefined) {
        if (halfClose) socket.end();
        return;
      }
      socket.write(next, () => setImmediate(write, at + 1));
    };
    socket.on("connect", () => write(0));
  });
}

/** The last answer's body is there. */
function isWhole(text: string): boolean {
  const at = text.lastIndexOf("HTTP/1.1 ");
  const end = text.indexOf("\r\n\r\n", at);
  if (end < 0) return false;
  const length = /content-length: (\d+)/i.exec(text.slice(at, end))?.[1];
  return length !== undefined && text.length >= end + 4 + Number(length);
}
