import assert from "node:assert/strict";
import { test } from "node:test";
import type { TopicRecord } from "../../src/gateway/ports.ts";
import { formatRecord, parseRecord, parseRecords } from "../../src/gateway/topic-records.ts";

const record = (fields: Partial<TopicRecord>): TopicRecord => ({
  partition: 0,
  offset: 3,
  timestampMs: 1000,
  key: undefined,
  value: undefined,
  headers: [],
  ...fields,
});

test("what is read can be written again, byte for byte", () => {
  const records = [
    record({ key: Buffer.from("a"), value: Buffer.from("plain") }),
    record({ value: Buffer.from(' {"b" : 1}\n') }),
    record({ value: Uint8Array.of(0xff, 0x00) }),
    record({ key: Uint8Array.of(0xfe), value: Buffer.alloc(0) }),
    record({ key: Buffer.from("gone") }),
    record({ headers: [{ key: "h", value: Buffer.from("v") }] }),
    record({
      headers: [
        { key: "h", value: Buffer.from("v") },
        { key: "h", value: Uint8Array.of(0xff) },
      ],
    }),
  ];
  for (const each of records) {
    const line = formatRecord(each, false);
    const again = parseRecord(JSON.parse(line));
    const hex = (bytes: Uint8Array | undefined) => bytes && Buffer.from(bytes).toString("hex");
    assert.equal(hex(again.key), hex(each.key), line);
    assert.equal(hex(again.value), hex(each.value), line);
    assert.deepEqual(
      again.headers.map((header) => [header.key, hex(header.value)]),
      each.headers.map((header) => [header.key, hex(header.value)]),
    );
  }
});

test("a value that is JSON stands in the line as JSON when asked for, digits and all", () => {
  const line = formatRecord(record({ value: Buffer.from('{"n":12345678901234567890}') }), true);
  assert.match(line, /"value":\{"n":12345678901234567890\}\}\n$/);
  assert.match(formatRecord(record({ value: Buffer.from("text") }), true), /"value":"text"/);
  assert.match(formatRecord(record({ value: Buffer.from("[\n1]") }), true), /"value":"\[\\n1\]"/);
});

test("a value written as JSON becomes its text", () => {
  const { value } = parseRecord({ value: { user: "a" } });
  assert.equal(Buffer.from(value ?? []).toString(), '{"user":"a"}');
});

test("empty lines are passed over", async () => {
  const records = await parseRecords(Buffer.from('{"value":"a"}\r\n\n{"value":"b"}\n'));
  assert.equal(records.length, 2);
});

test("others go in between the lines of a large body", async () => {
  const parsing = parseRecords(Buffer.from('{"value":"a"}\n'.repeat(10_000)));
  let turns = 0;
  const count = (): void => {
    turns++;
    next = setImmediate(count);
  };
  let next = setImmediate(count);
  assert.equal((await parsing).length, 10_000);
  clearImmediate(next);
  assert(turns >= 9, `only ${turns} turns of the event loop came in between`);
});

test("a line that is no record is refused by its number", async () => {
  const wrong: [string, RegExp][] = [
    ['{"value":"a"}\nnonsense', /^line 2: .*JSON/],
    ["[1]", /^line 1: a record is a JSON object/],
    ['{"valeu":1}', /a record has no field valeu; it has key/],
    ['{"key":1}', /key is no text/],
    ['{"partition":-1}', /partition is no whole number/],
    ['{"partition":"1"}', /partition is no whole number/],
    ['{"value":"a","valueBase64":"YQ=="}', /send one/],
    ['{"valueBase64":"?"}', /valueBase64 is not base64/],
    ['{"headers":{"h":1}}', /a header is/],
    ['{"headers":[{"value":"x"}]}', /a header is/],
    ['{"headers":"h"}', /headers is no object/],
    ["\n\n", /no record/],
  ];
  for (const [body, message] of wrong) {
    const refusal = { code: "REQUEST_INVALID", message };
    await assert.rejects(parseRecords(Buffer.from(body)), refusal, body);
  }
  await assert.rejects(parseRecords(Buffer.from([0xff])), /not UTF-8/);
});
