import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { request } from "node:https";
import { test } from "node:test";
import { hasTools, OPENSSL, type Tool } from "../../support/toolchain.ts";
import { until } from "../../support/until.ts";
import { metric } from "../runtime.ts";
import { type Kept, order, statesOf, VALUES } from "./program.ts";
import type { Exchange } from "./recorder.ts";
import { checkSession } from "./session.ts";
import { Stage, type StartFunctions } from "./stage.ts";

export interface Sdk {
  readonly name: string;
  readonly needs: readonly Tool[];
  /** States of `sdk/values` that its program does not have, since the SDK has no such type. */
  readonly lacks?: readonly string[];
  readonly start: StartFunctions;
}

/** The one program, in one language, against the real runtime: the same has to come of it with every SDK. */
export function checkSdk(sdk: Sdk): void {
  test(`functions of the ${sdk.name}`, async (t) => {
    if (!(await hasTools(t, [...sdk.needs, OPENSSL]))) return;
    const stage = await Stage.set(t, sdk.start);
    // It takes seconds, most of them waiting, beside the others.
    const session = checkSession(stage);
    session.catch(() => undefined); // told below
    const values = VALUES.filter(({ state }) => sdk.lacks?.includes(state) !== true);
    for (const [title, check] of Object.entries(CHECKS)) {
      await t.test(title, () => check(stage, values));
    }
    await t.test(
      "a state is gone its time after the last write, or after the last call",
      () => session,
    );
    await t.test("a restart asks for no states again", () => restarts(stage));
    await t.test("nothing was lost, given up or is stuck", () => nothingIsLeft(stage));
  });
}

const CHECKS: Readonly<Record<string, (stage: Stage, values: readonly Kept[]) => Promise<void>>> = {
  "values of every type are kept, read and answered": keepsValues,
  "orders of a topic are counted, and written to another": takesTopic,
  "what comes while it works is one batch, in order": takesBatches,
  "an error half-way in a batch does nothing by half": failsHalfWay,
  "a message may come to nothing": doesNothing,
  "it sends to others, and they know who called": tellsOthers,
  "what it sent for later comes, unless it is taken back": sendsLater,
  "typed records without a key leave through another egress": writesNotes,
  "it is asked over mutual TLS, by none without a certificate": isSealed,
  "each function is asked for its states, and not again once they are known": asksOnce,
};

/** All types at once, one value of each after the other: their states are those of one address. */
async function keepsValues(stage: Stage, values: readonly Kept[]): Promise<void> {
  const keepOne = async (kept: Kept): Promise<void> => {
    let before: string | undefined;
    for (const value of kept.values) {
      const answer = await callWith(stage, kept, value);
      const expected = before === undefined ? NONE : { type: kept.type, hex: before };
      assert.deepEqual(answer, expected, kept.state);
      before = canonical(kept, value.at(-1) as string);
    }
  };
  await Promise.all(values.map(keepOne));
  const states = await stage.states(VALUES_ADDRESS);
  for (const { state, values: all } of values) {
    const last = all.at(-1);
    if (last?.length === 2) assert.equal(states.get(state), last[0], state);
  }
  assert.equal(await stage.order(VALUES_ADDRESS, order("forget")), "forgotten");
  const answers = values.map((kept) => callWith(stage, kept, kept.values[0] ?? [""]));
  for (const answer of await Promise.all(answers)) assert.deepEqual(answer, NONE);
}

const VALUES_ADDRESS = "sdk/values/ada";

/** The string `none`. */
const NONE = { type: "io.statefun.types/string", hex: "0a046e6f6e65" };

async function callWith(
  stage: Stage,
  kept: Kept,
  value: Kept["values"][number],
): Promise<{ type: string; hex: string }> {
  const isBuiltIn = value.length === 2;
  const contentType = isBuiltIn ? "application/json" : "application/octet-stream";
  const body = isBuiltIn ? JSON.stringify(value[0]) : Buffer.from(value[0], "hex");
  const { type, bytes } = await stage.call(VALUES_ADDRESS, kept.type, contentType, body);
  const hex = bytes.toString("hex");
  return { type, hex: type === kept.type ? canonical(kept, hex) : hex };
}

/** JSON may be written with more or less space. */
function canonical({ type }: Kept, hex: string): string {
  if (type !== "sdk/Point") return hex;
  const { x, name } = JSON.parse(Buffer.from(hex, "hex").toString()) as { x: number; name: string };
  return Buffer.from(JSON.stringify({ x, name })).toString("hex");
}

async function takesTopic(stage: Stage): Promise<void> {
  await stage.write("orders", ["tom", order("count")], ["tim", order("count")]);
  await stage.write("orders", ["tom", order("count")]);
  await stage.said("tom", ["count 1", "count 2"]);
  await stage.said("tim", ["count 1"]);
  assert.equal(await stage.order("sdk/worker/tom", order("asked")), "asked 3");
  assert.deepEqual(await stage.states("sdk/worker/tom"), new Map([["total", 3]]));
}

/** An order is held at the door until all the others wait; its states are asked for before. */
async function inOneBatch(stage: Stage, id: string, acts: readonly string[]): Promise<void> {
  const { recorder } = stage;
  const address = `sdk/worker/${id}`;
  await stage.order(address, order("first"));
  const before = recorder.arrived.length;
  const release = recorder.hold(address);
  await stage.write("orders", [id, order("held")]);
  await until("the held request", () => recorder.arrived.indexOf(address, before) >= 0);
  await stage.write("orders", ...acts.map((act) => [id, order(act, { to: `${id}-2` })] as const));
  // What is held at the door counts too.
  await until("all of them wait", async () => (await stage.pending(address)) > acts.length);
  release();
}

async function takesBatches(stage: Stage): Promise<void> {
  await inOneBatch(stage, "bea", ["one", "two", "three"]);
  await stage.said("bea", ["first 1", "held 2", "one 3", "two 4", "three 5"]);
  const answered = stage.recorder
    .with("sdk/worker/bea")
    .filter(({ missing }) => missing.length === 0);
  assert.deepEqual(
    answered.map(({ messages }) => messages),
    [1, 1, 3],
  );
}

async function failsHalfWay(stage: Stage): Promise<void> {
  await inOneBatch(stage, "fay", ["one", "fail", "three"]);
  await stage.said("fay", ["first 1", "held 2", "one 3", "fail 4", "three 5"]);
  await stage.said("fay-2", ["told 1"]);
  const [failed, ...others] = stage.recorder
    .with("sdk/worker/fay")
    .filter(({ status }) => status !== 200);
  assert.deepEqual([failed?.status, failed?.messages, others], [500, 3, []]);
}

async function doesNothing(stage: Stage): Promise<void> {
  await stage.order("sdk/worker/noa", order("count"));
  await stage.write("orders", ["noa", order("nothing")], ["noa", order("nothing")]);
  const handled = () => {
    const answered = stage.recorder
      .with("sdk/worker/noa")
      .filter(({ status, missing }) => status === 200 && missing.length === 0);
    return answered.reduce((sum, { messages }) => sum + messages, 0);
  };
  await until("both are handled", () => handled() >= 3);
  assert.equal(await stage.order("sdk/worker/noa", order("count")), "count 2");
  assert.equal(handled(), 4); // none of them came again
}

async function tellsOthers(stage: Stage): Promise<void> {
  const answers = await Promise.all([
    stage.order("sdk/worker/ann", order("tell", { to: "ben" })),
    stage.order("sdk/worker/abe", order("ask", { to: "pia" })),
    stage.order("sdk/worker/ali", order("tell", { to: ODD_ID })),
  ]);
  assert.deepEqual(answers, ["tell 1", "ask 1", "tell 1"]);
  await stage.said(ODD_ID, ["told 1"]);
  await stage.said("ben", ["told 1"]);
  await stage.said("abe", ["ask 1", "sdk/worker/abe asked pia who?"]);
  for (const { states } of stage.recorder.with("sdk/peer")) assert.deepEqual(states, []);
}

/** An id may be any text. */
const ODD_ID = "Zoë/7 ?#% 🌍";

async function sendsLater(stage: Stage): Promise<void> {
  const later = { ms: 3_600_000 };
  for (const [act, rest] of [
    ["remind", { ms: 20 }],
    ["remind", { ms: 25, token: "soon" }],
    ["remind", { ...later, token: "one" }],
    ["remind", { ...later, token: "other" }],
    ["cancel", { token: "one" }],
    ["cancel", { token: "nothing" }],
  ] as const) {
    await stage.order("sdk/worker/lea", order(act, rest));
  }
  const timers = async () =>
    (await items(stage, "timers")).filter(({ target }) => target.id === "lea");
  await until("both reminders came", async () => (await timers()).length === 1);
  assert.deepEqual(
    (await timers()).map(({ token }) => token),
    ["other"],
  );
  await stage.order("sdk/worker/lea", order("cancel", { token: "other" }));
  await until("no timer is left", async () => (await timers()).length === 0);
  assert.equal(await stage.order("sdk/worker/lea", order("count")), "count 10");
  const said = (await stage.records("said")).filter(({ key }) => key === "lea");
  assert.equal(said.filter(({ value }) => value?.startsWith("reminded ")).length, 2);
}

interface Item {
  readonly target: { readonly type: string; readonly id: string };
  readonly token?: string;
}

async function items(stage: Stage, list: string): Promise<Item[]> {
  const response = await fetch(`${stage.runtime.url}/v1/admin/${list}`);
  return ((await response.json()) as { items: Item[] }).items;
}

async function writesNotes(stage: Stage): Promise<void> {
  assert.equal(await stage.order("sdk/worker/nan", order("note")), "note 1");
  await until("the note", async () => (await stage.records("notes")).length > 0);
  const [note, ...others] = await stage.records("notes");
  assert.deepEqual([note?.key, note?.valueBase64, others], [undefined, ONE, []]);
}

/** The number 1 as an int: 0d 01 00 00 00. */
const ONE = "DQEAAAA=";

async function isSealed(stage: Stage): Promise<void> {
  assert.equal(await stage.order("sdk/sealed/sue", order("open")), "sealed 1");
  assert.equal(await stage.order("sdk/sealed/sue", order("open")), "sealed 2");
  assert.deepEqual(stage.recorder.with("sdk/sealed"), []);
  const options = { ca: readFileSync(stage.certificate("ca.pem")), method: "POST" };
  const stranger = request(`https://127.0.0.1:${stage.tlsPort}/statefun`, options);
  stranger.end();
  const [error] = (await once(stranger, "error")) as [NodeJS.ErrnoException];
  assert.match(`${error.code}`, /CERTIFICATE_REQUIRED|ECONNRESET|EPIPE|HANDSHAKE|BAD_CERTIFICATE/);
}

async function asksOnce(stage: Stage, values: readonly Kept[]): Promise<void> {
  const byName = (a: { name: string }, b: { name: string }) => a.name.localeCompare(b.name);
  for (const [type, states] of Object.entries(statesOf(values))) {
    const times = asked(stage, type);
    assert(times.length >= 1, `${type} was never asked`);
    for (const { missing } of times) {
      assert.deepEqual([...missing].sort(byName), [...states].sort(byName));
    }
  }
  // By the time these came every partition knew.
  const late = ["ann", "abe", "ben", "lea", "nan"].map((id) => `sdk/worker/${id}`);
  assert.deepEqual(
    late.flatMap((address) => asked(stage, address)),
    [],
  );
}

async function restarts(stage: Stage): Promise<void> {
  const before = asked(stage, "sdk/worker").length;
  await stage.runtime.restart();
  assert.equal(await stage.order("sdk/worker/tom", order("asked")), "asked 4");
  assert.equal(asked(stage, "sdk/worker").length, before);
}

function asked(stage: Stage, type: string): Exchange[] {
  return stage.recorder.with(type).filter(({ missing }) => missing.length > 0);
}

async function nothingIsLeft(stage: Stage): Promise<void> {
  await stage.quiet();
  for (const name of ["drift_messages", "dead_letters", "parked_addresses"]) {
    assert.equal(await metric(stage.runtime, `statefold_partition_${name}`), 0, name);
  }
}
