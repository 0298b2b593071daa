import assert from "node:assert/strict";
import { test } from "node:test";
import {
  parseAddress,
  parseCount,
  parseQuery,
  splitTarget,
} from "../../src/gateway/request-path.ts";

test("an address is three parts of a path, each decoded", () => {
  assert.deepEqual(parseAddress("demo/counter/a"), { type: "demo/counter", id: "a" });
  assert.deepEqual(parseAddress("de%20mo/counter/%C3%BC"), { type: "de mo/counter", id: "ü" });
});

test("an id may hold anything, a slash too when it is encoded", () => {
  for (const id of ["a/b", "..", ".", "%", "?", "#", "\0", "a b", "\\", "日本", "+"]) {
    const rest = `demo/counter/${encodeURIComponent(id)}`;
    assert.deepEqual(parseAddress(rest), { type: "demo/counter", id }, id);
  }
});

test("a path that is no address is refused with what would be right", () => {
  const wrong: [string, RegExp][] = [
    ["demo/counter", /lacks a part.*\{namespace\}\/\{name\}\/\{id\}/],
    ["demo/counter/", /the id is empty/],
    ["demo/counter/a/b", /too many parts.*%2F/],
    ["demo//a", /is no function type/],
    ["/counter/a", /is no function type/],
    ["demo%2Fx/counter/a", /"demo\/x\/counter" is no function type/],
    ["demo/counter/%", /malformed, or not UTF-8/],
    ["demo/counter/%zz", /malformed, or not UTF-8/],
    ["demo/counter/%ff", /malformed, or not UTF-8/],
    ["demo/counter/%ed%a0%80", /malformed, or not UTF-8/],
    ["demo/counter/ü", /must be percent-encoded/],
  ];
  for (const [rest, message] of wrong) {
    assert.throws(() => parseAddress(rest), { code: "REQUEST_INVALID", message }, rest);
  }
});

test("a query begins at the first question mark", () => {
  assert.deepEqual(splitTarget("/a?b=c?d"), { path: "/a", query: "b=c?d" });
  assert.deepEqual(splitTarget("/a"), { path: "/a", query: "" });
});

test("parameters are decoded, and a plus is a space", () => {
  assert.deepEqual(
    [...parseQuery("a=1%2F2&b&c=x+y%2Bz", ["a", "b", "c"])],
    [
      ["a", "1/2"],
      ["b", ""],
      ["c", "x y+z"],
    ],
  );
});

test("a parameter that is unknown, or there twice, is refused", () => {
  assert.throws(() => parseQuery("dealy=5s", ["delay"]), /no parameter "dealy"; it takes delay/);
  assert.throws(() => parseQuery("x=1", []), /it takes none/);
  assert.throws(() => parseQuery("a=1&a=2", ["a"]), /there twice/);
});

test("a count is a whole number within its bound", () => {
  assert.equal(parseCount("limit", "10", 10), 10);
  for (const text of ["11", "-1", "1.5", "", "ten", "1e1", "99999999999999999"]) {
    assert.throws(() => parseCount("limit", text, 10), /limit=.* is no whole number from 0 to 10/);
  }
});
