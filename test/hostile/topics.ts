/**
 * Records for topics, through the HTTP routes: each is refused with a code, or can be read back as it was
 * written; and the ingress behind the topic goes on, whatever stands in it.
 */
import assert from "node:assert/strict";
import { ERRORS } from "../../src/base/errors.ts";
import type { Rng } from "../support/rng.ts";
import type { Attack } from "./attack.ts";
import { anyNumber, anyText, anyTextBytes } from "./words.ts";

/** The ingress of the module reads it. */
export const READ_TOPIC = "hostile-in";

interface Line {
  readonly partition: number;
  readonly offset: number;
  readonly key?: string;
  readonly keyBase64?: string;
  readonly value?: string | null;
  readonly valueBase64?: string;
}

export function topicAttack(url: string): Attack {
  return {
    name: "topic",
    atOnce: 8,
    strike: async (rng, show) => {
      const topic = rng.chance(0.7) ? READ_TOPIC : anyText(rng).replaceAll(/\p{Surrogate}/gu, "");
      const key = rng.chance(0.2) ? undefined : bytesOf(rng);
      const value = rng.chance(0.2) ? undefined : bytesOf(rng);
      const record = {
        ...(key === undefined ? {} : { keyBase64: key.toString("base64") }),
        ...(value === undefined ? { value: null } : { valueBase64: value.toString("base64") }),
        ...anyMore(rng),
      };
      show([topic, record]);
      const place = `${url}/v1/topics/${encodeURIComponent(topic)}`;
      const response = await fetch(place, {
        method: "POST",
        headers: { "content-type": "application/x-ndjson" },
        body: `${JSON.stringify(record)}\n`,
      });
      const text = await response.text();
      if (response.status !== 200) return refusal(response.status, text);
      const [written] = (JSON.parse(text) as { records: Line[] }).records;
      assert(written !== undefined, text);
      const query = `partition=${written.partition}&offset=${written.offset}&limit=1`;
      const read = await (await fetch(`${place}?${query}`)).text();
      const line = JSON.parse(read) as Line;
      assert.equal(line.offset, written.offset);
      assert.deepEqual(bytesIn(line.key, line.keyBase64), key);
      assert.deepEqual(bytesIn(line.value ?? undefined, line.valueBase64), value);
      return "written and read";
    },
  };
}

/** Every ingress has taken everything that was written to it. */
export async function isRead(url: string): Promise<boolean> {
  const status = (await (await fetch(`${url}/v1/admin/status`)).json()) as {
    ingresses: readonly { lag?: number; phase: string }[];
  };
  const { ingresses } = status;
  return (
    ingresses.length > 0 && ingresses.every((each) => each.lag === 0 && each.phase === "running")
  );
}

function refusal(status: number, text: string): string {
  assert(status >= 400 && status < 500, `status ${status}: ${text}`);
  if (text === "") return `${status}`;
  const { code } = JSON.parse(text) as { code: string };
  assert(Object.hasOwn(ERRORS, code), text);
  return `${status} ${code}`;
}

function bytesOf(rng: Rng): Buffer {
  return Buffer.from(rng.chance(0.5) ? rng.bytes(rng.int(40)) : anyTextBytes(rng));
}

function bytesIn(text: string | undefined, base64: string | undefined): Buffer | undefined {
  if (base64 !== undefined) return Buffer.from(base64, "base64");
  return text === undefined ? undefined : Buffer.from(text);
}

/** What else a record may have, and may not. */
function anyMore(rng: Rng): Readonly<Record<string, unknown>> {
  const more: [string, unknown][] = [
    ["headers", anyHeaders(rng)],
    [anyText(rng), anyText(rng)],
    ["partition", anyNumber(rng)],
    ["timestamp", anyNumber(rng)],
  ];
  return Object.fromEntries(more.filter(() => rng.chance(0.12)));
}

function anyHeaders(rng: Rng): unknown {
  const traceparent = { key: "traceparent", value: anyText(rng) };
  const list = Array.from({ length: rng.int(4) }, () => ({
    key: anyText(rng),
    valueBase64: Buffer.from(bytesOf(rng)).toString("base64"),
  }));
  return rng.pick([list, [traceparent], { [anyText(rng)]: anyText(rng) }, anyText(rng), [1], null]);
}
