import assert from "node:assert/strict";
import { test } from "node:test";
import type { KafkaEgress } from "../../../src/spec/module.ts";
import { egressOf, hints, mistakes } from "../loading.ts";

const KIND = "io.statefun.kafka.v1/egress";
const GOOD = "id: demo/out\naddress: kafka:9092";
const semantic = (text: string) => `${GOOD}\ndeliverySemantic: ${text}`;

function kafka(spec: string): KafkaEgress {
  const egress = egressOf(KIND, spec);
  assert(egress.kind === "kafka");
  return egress;
}

test("the default is at-least-once, released at commit", () => {
  assert.deepEqual(kafka(GOOD), {
    kind: "kafka",
    place: { file: "/app/module.yaml", line: 3, column: 3 },
    id: "demo/out",
    address: "kafka:9092",
    delivery: { type: "at-least-once" },
    properties: new Map(),
    release: "commit",
  });
});

test("semantics, properties and release are read", () => {
  assert.deepEqual(kafka(semantic("{type: none}")).delivery, { type: "none" });
  assert.deepEqual(kafka(semantic("{type: exactly-once, transactionTimeout: 15 min}")).delivery, {
    type: "exactly-once",
    transactionTimeoutMs: 900_000,
  });
  const more = kafka(
    `${GOOD}\nrelease: snapshot\nproperties: [{linger.ms: 5}, {bootstrap.servers: x}]`,
  );
  assert.equal(more.release, "snapshot");
  assert.equal(more.address, "kafka:9092");
  assert.deepEqual(more.properties, new Map([["linger.ms", "5"]]));
});

test("the deprecated timeout is a number of milliseconds, wins, and is warned of", () => {
  const both = semantic(
    "{type: exactly-once, transactionTimeout: 1min, transactionTimeoutMillis: 5000}",
  );
  assert.deepEqual(kafka(both).delivery, { type: "exactly-once", transactionTimeoutMs: 5000 });
  assert.deepEqual(hints(KIND, both), [
    "spec.deliverySemantic.transactionTimeoutMillis: is deprecated: write transactionTimeout, a duration; as it is there, it wins",
  ]);
  for (const wrong of ["15min", "0", "-1", "99999999999"]) {
    assert.deepEqual(
      mistakes(KIND, semantic(`{type: exactly-once, transactionTimeoutMillis: ${wrong}}`)),
      [
        `spec.deliverySemantic.transactionTimeoutMillis: must be a number of milliseconds larger than 0 (a duration such as 15min belongs in transactionTimeout), not "${wrong}"`,
      ],
    );
  }
});

test("exactly-once needs a timeout", () => {
  assert.deepEqual(mistakes(KIND, semantic("{type: exactly-once}")), [
    "spec.deliverySemantic.transactionTimeout: is required with exactly-once: a duration such as 15min, at most the broker's transaction.max.timeout.ms, which is 15min by default",
  ]);
  assert.deepEqual(hints(KIND, semantic("{type: none, transactionTimeout: 1min}")), [
    "spec.deliverySemantic.transactionTimeout: ignored: it has a meaning only with type exactly-once",
  ]);
});

test("an unknown semantic, a missing id and a missing address are mistakes", () => {
  assert.deepEqual(mistakes(KIND, "deliverySemantic: {type: exactly_once}\nrelease: later"), [
    'spec.id: is required: the id of the egress, written <namespace>/<name> with one "/", such as demo/kafka',
    "spec.address: is required: the brokers, such as kafka:9092 (or the property bootstrap.servers)",
    'spec.deliverySemantic.type: must be one of none, at-least-once or exactly-once, not "exactly_once"; did you mean "exactly-once"?',
    'spec.release: must be one of commit or snapshot, not "later"',
  ]);
});

test("the address may come from the properties, which StateFun would refuse", () => {
  const spec = "id: demo/out\nproperties: [{bootstrap.servers: kafka:9092}]";
  assert.equal(kafka(spec).address, "kafka:9092");
  assert.deepEqual(hints(KIND, spec), [
    "spec.properties: bootstrap.servers is taken for the address; StateFun itself demands the field address",
  ]);
});
