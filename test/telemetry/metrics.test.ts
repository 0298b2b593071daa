import assert from "node:assert/strict";
import { test } from "node:test";
import { MAX_SERIES, MetricsRegistry } from "../../src/telemetry/metrics.ts";

const TAKEN = {
  name: "statefold_taken_total",
  unit: "messages",
  description: "Messages taken.",
  labels: ["type"],
} as const;

const PENDING = {
  name: "statefold_pending_messages",
  unit: "messages",
  description: "Messages that wait.",
  labels: [],
} as const;

test("a counter without labels shows before it is first fed", () => {
  const registry = new MetricsRegistry();
  registry.counter({ ...PENDING, name: "statefold_lost_total" });
  assert.match(registry.render(), /^statefold_lost_total 0$/m);
});

test("a counter is rendered with its help, its type and its labels", () => {
  const registry = new MetricsRegistry();
  const taken = registry.counter(TAKEN);
  taken.labelled({ type: "demo/a" }).add();
  taken.labelled({ type: "demo/a" }).add(2);
  assert.equal(
    registry.render(),
    "# HELP statefold_taken_total Messages taken.\n" +
      "# TYPE statefold_taken_total counter\n" +
      'statefold_taken_total{type="demo/a"} 3\n',
  );
});

test("label values and help texts are escaped", () => {
  const registry = new MetricsRegistry();
  registry
    .counter({ ...TAKEN, description: "a\\b\nc" })
    .labelled({ type: 'say "\\"\n' })
    .add();
  assert.match(registry.render(), /^# HELP statefold_taken_total a\\\\b\\nc$/m);
  assert.match(registry.render(), /^statefold_taken_total\{type="say \\"\\\\\\"\\n"\} 1$/m);
});

test("a gauge may be set, moved, or read when someone looks", () => {
  const registry = new MetricsRegistry();
  const pending = registry.gauge(PENDING).labelled({});
  pending.set(5);
  pending.add(-2);
  assert.match(registry.render(), /^statefold_pending_messages 3$/m);
  let queued = 7;
  pending.from(() => queued);
  queued = 8;
  assert.match(registry.render(), /^statefold_pending_messages 8$/m);
});

test("a histogram counts each observation in every bucket that holds it", () => {
  const registry = new MetricsRegistry();
  const seconds = registry.histogram({
    name: "statefold_call_seconds",
    unit: "seconds",
    description: "How long calls take.",
    labels: ["route"],
    buckets: [0.1, 1],
  });
  for (const value of [0.1, 0.5, 4]) seconds.labelled({ route: "call" }).observe(value);
  assert.equal(
    registry.render().split("\n").slice(2).join("\n"),
    'statefold_call_seconds_bucket{route="call",le="0.1"} 1\n' +
      'statefold_call_seconds_bucket{route="call",le="1"} 2\n' +
      'statefold_call_seconds_bucket{route="call",le="+Inf"} 3\n' +
      'statefold_call_seconds_sum{route="call"} 4.6\n' +
      'statefold_call_seconds_count{route="call"} 3\n',
  );
});

test("the same definition gives the same metric", () => {
  const registry = new MetricsRegistry();
  assert.equal(registry.counter(TAKEN), registry.counter(TAKEN));
});

test("a second definition of a name is a mistake", () => {
  const registry = new MetricsRegistry();
  registry.counter(TAKEN);
  assert.throws(() => registry.counter({ ...TAKEN }), /declared twice/);
  assert.throws(() => registry.gauge(TAKEN), /declared twice/);
});

test("a counter whose name does not say so is a mistake", () => {
  assert.throws(
    () => new MetricsRegistry().counter({ ...TAKEN, name: "statefold_taken" }),
    /_total/,
  );
});

test("beyond the bound on series everything is counted as other", () => {
  const registry = new MetricsRegistry();
  const taken = registry.counter(TAKEN);
  for (let i = 0; i < MAX_SERIES + 10; i++) taken.labelled({ type: `demo/${i}` }).add();
  assert.match(registry.render(), /^statefold_taken_total\{type="other"\} 10$/m);
  assert.equal(taken.series.size, MAX_SERIES + 1);
});

test("a series whose subject is gone is forgotten", () => {
  const registry = new MetricsRegistry();
  const taken = registry.counter(TAKEN);
  taken.labelled({ type: "demo/a" }).add();
  taken.forget({ type: "demo/a" });
  assert.doesNotMatch(registry.render(), /demo\/a/);
});
