import assert from "node:assert/strict";
import { test } from "node:test";
import { pictureOf, spreadOf } from "../../bench/support/picture.ts";

const row = (call: string, connections: number, perSecond: number, p99Ms: number) => ({
  ...{ call, connections, "calls/s": perSecond, "p99 ms": p99Ms },
});

const ROWS = [
  row("plain proxy", 1, 3_000, 0.5),
  row("plain proxy", 64, 13_000, 12),
  row("statefold", 1, 800, 2),
  row("statefold", 64, 9_500, 11),
];

test("every call subject is a line with a dot for each number of connections", () => {
  const svg = pictureOf(ROWS, "2 × processor");
  assert.equal(svg.match(/class="\w+ line"/g)?.length, 2);
  assert.equal(svg.match(/<circle /g)?.length, 4);
  assert.match(svg, /<title>64 connections: 9,500 calls\/s, p99 11 ms<\/title>/);
});

test("more calls a second are further to the right, and more time is further up", () => {
  const svg = pictureOf(ROWS, "");
  const places = [...svg.matchAll(/cx="([\d.]+)" cy="([\d.]+)" r="4"><title>(\d+)/g)];
  const ofOne = places.filter(([, , , connections]) => connections === "1");
  const ofMany = places.filter(([, , , connections]) => connections === "64");
  for (const [at, one] of ofOne.entries()) {
    assert(Number(one[1]) < Number(ofMany[at]?.[1]));
    assert(Number(one[2]) > Number(ofMany[at]?.[2]));
  }
});

test("what was not measured is no dot, and nothing at all is an empty picture", () => {
  const svg = pictureOf([...ROWS, row("Restate", 1, Number.NaN, 1)], "");
  assert(!svg.includes("Restate"));
  assert(!/NaN|Infinity|undefined/.test(svg));
  assert(!/NaN|Infinity|undefined/.test(pictureOf([], "")));
});

test("names are text, whatever they hold", () => {
  assert.match(pictureOf([row("a<b & c", 1, 10, 1)], ""), /a&lt;b &amp; c/);
});

test("it says on light and on dark paper what it says", () => {
  assert.match(pictureOf(ROWS, ""), /prefers-color-scheme: dark/);
});

test("labels that would cover each other are moved apart, in their order", () => {
  const spread = spreadOf([200, 201, 100]);
  assert.deepEqual(spread, [200, 218, 100]);
});
