import assert from "node:assert/strict";
import { test } from "node:test";
import { AnswerReader } from "../../bench/support/answer-reader.ts";

const ANSWERS = [
  ["HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", 200],
  ["HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n", 503],
  ["HTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", 202],
] as const;

test("answers are told apart however they are cut", () => {
  const reader = new AnswerReader();
  for (const [text, status] of [...ANSWERS, ...ANSWERS]) {
    for (const step of [1, 2, 7, 1000]) {
      const found: number[] = [];
      for (let at = 0; at < text.length; at += step) {
        const answer = reader.take(Buffer.from(text.slice(at, at + step)));
        if (answer !== undefined) found.push(answer.status);
      }
      assert.deepEqual(found, [status]);
    }
  }
});
