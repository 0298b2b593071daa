import assert from "node:assert/strict";
import { test } from "node:test";
import { hints, ingressOf, mistakes } from "../loading.ts";

const KINDS = {
  kafka: [
    "io.statefun.kafka.v1/ingress",
    "address: k\nconsumerGroupId: g\ntopics: [{topic: orders, ",
  ],
  kinesis: ["io.statefun.kinesis.v1/ingress", "streams: [{stream: orders, "],
  log: ["io.statefold.log.v1/ingress", "topics: [{topic: orders, "],
} as const;

function spec(kind: keyof typeof KINDS, position: string): [string, string] {
  const [name, start] = KINDS[kind];
  const route = "valueType: demo/Order, targets: [demo/a]}]";
  return [name, `id: demo/in\n${start}${route}\nstartupPosition: ${position}`];
}

function position(kind: keyof typeof KINDS, text: string): unknown {
  const ingress = ingressOf(...spec(kind, text));
  assert(ingress.kind !== "playground");
  return ingress.startupPosition;
}

test("Kafka starts at one of five positions", () => {
  for (const type of ["group-offsets", "earliest", "latest"]) {
    assert.deepEqual(position("kafka", `{type: ${type}}`), { type });
  }
  assert.deepEqual(position("kafka", "{type: date, date: 2020-02-01 04:15:00.000 +0000}"), {
    type: "date",
    atMs: Date.UTC(2020, 1, 1, 4, 15),
  });
  assert.deepEqual(
    position("kafka", "{type: specific-offsets, offsets: [{orders/0: 41}, {my.orders/12: 0}]}"),
    {
      type: "specific-offsets",
      offsets: [
        { topic: "orders", partition: 0, offset: 41 },
        { topic: "my.orders", partition: 12, offset: 0 },
      ],
    },
  );
});

test("Kinesis has three of them, the topic log two", () => {
  assert.deepEqual(position("kinesis", "{type: earliest}"), { type: "earliest" });
  assert.deepEqual(position("log", "{type: latest}"), { type: "latest" });
  assert.deepEqual(mistakes(...spec("kinesis", "{type: group-offsets}")), [
    'spec.startupPosition.type: must be one of latest, earliest or date, not "group-offsets"',
  ]);
  assert.deepEqual(mistakes(...spec("log", "{type: date}")), [
    'spec.startupPosition.type: must be one of earliest or latest, not "date"',
  ]);
});

test("a position is a mapping with a type", () => {
  const types = "group-offsets, earliest, latest, specific-offsets or date";
  assert.deepEqual(mistakes(...spec("kafka", "earliest")), [
    `spec.startupPosition: must be a mapping with a type (${types}), not "earliest"`,
  ]);
  assert.deepEqual(mistakes(...spec("kafka", "{date: 2020-02-01 04:15:00.000 +0000}")), [
    `spec.startupPosition.type: is required: one of ${types}`,
  ]);
  assert.deepEqual(mistakes(...spec("kafka", "{type: Earliest}")), [
    `spec.startupPosition.type: must be one of ${types}, not "Earliest"; did you mean "earliest"?`,
  ]);
});

test("the fields of one position mean nothing in another", () => {
  assert.deepEqual(hints(...spec("kafka", "{type: latest, offsets: []}")), [
    "spec.startupPosition.offsets: ignored: it has a meaning only with type specific-offsets",
  ]);
});

test("a date must be in the form that parses", () => {
  assert.deepEqual(mistakes(...spec("kafka", "{type: date, date: 2020-02-01 04:15:00.00 Z}")), [
    'spec.startupPosition.date: must be a date in the form yyyy-MM-dd HH:mm:ss.SSS Z, such as 2020-02-01 04:15:00.000 +0000, not "2020-02-01 04:15:00.00 Z"',
  ]);
  assert.match(
    mistakes(...spec("kafka", "{type: date}"))[0] ?? "none",
    /\.date: is required: a date in the form/,
  );
});

test("offsets are there, and each names a partition", () => {
  const start = "spec.startupPosition.offsets";
  assert.deepEqual(mistakes(...spec("kafka", "{type: specific-offsets, offsets: []}")), [
    `${start}: must not be empty: give an offset per partition, such as "- orders/0: 42"`,
  ]);
  assert.match(
    mistakes(...spec("kafka", "{type: specific-offsets}"))[0] ?? "none",
    /offsets: is required: a list of single entries/,
  );
  assert.deepEqual(
    mistakes(
      ...spec(
        "kafka",
        "{type: specific-offsets, offsets: [{orders: 1}, {orders/x: 1}, {orders/0: -1}, 5]}",
      ),
    ),
    [
      `${start}[2]["orders/0"]: must be a whole number of at least 0, not "-1"`,
      `${start}[3]: must be a single entry, such as "orders/0: 42", not "5"`,
    ],
  );
  assert.deepEqual(
    mistakes(...spec("kafka", "{type: specific-offsets, offsets: [{orders: 1}, {a/b/0: 1}]}")),
    [
      `${start}[0].orders: must be named <topic>/<partition>, such as orders/0, not "orders"`,
      `${start}[1]["a/b/0"]: must be named <topic>/<partition>, such as orders/0, not "a/b/0"`,
    ],
  );
});
