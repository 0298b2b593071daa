import assert from "node:assert/strict";
import { test } from "node:test";
import { egressOf, hints, mistakes } from "../loading.ts";

const KIND = "io.statefun.kafka.v1/egress";
const spec = (properties: string) => `id: demo/out\naddress: k\nproperties: ${properties}`;

function propertiesOf(text: string): unknown {
  const egress = egressOf(KIND, spec(text), { variables: { PASSWORD: "s3cret" } });
  assert(egress.kind === "kafka");
  return egress.properties;
}

test("every value is the text that was written", () => {
  assert.deepEqual(
    propertiesOf(
      "[{a: 1.10}, {b: true}, {c: ''}, {d: \"PASSWORD\"}, {__proto__: x}]".replace(
        "PASSWORD",
        `\${PASSWORD}`,
      ),
    ),
    new Map([
      ["a", "1.10"],
      ["b", "true"],
      ["c", ""],
      ["d", "s3cret"],
      ["__proto__", "x"],
    ]),
  );
  assert.deepEqual(propertiesOf(""), new Map());
});

test("of a name given twice the last counts, of several entries the first; both are warnings", () => {
  assert.deepEqual(propertiesOf("[{a: 1, b: 2}, {a: 3}]"), new Map([["a", "3"]]));
  assert.deepEqual(hints(KIND, spec("[{a: 1, b: 2}, {a: 3}]")), [
    'spec.properties[0].b: ignored: only the first entry counts; give it a "- " of its own',
    "spec.properties[1].a: is given twice; only this, its last value, counts",
  ]);
});

test("a plain mapping is a mistake, with the way out", () => {
  assert.deepEqual(mistakes(KIND, spec("{a: 1}")), [
    'spec.properties: must be a list of single entries, such as "- client.id: billing", not a mapping: put "- " before each entry',
  ]);
});

test("an entry is one name and one value", () => {
  assert.deepEqual(mistakes(KIND, spec("[a, {}, {b: }, {c: [1]}]")), [
    'spec.properties[0]: must be a single entry, such as "client.id: billing", not "a"',
    'spec.properties[1]: must be a single entry, such as "client.id: billing", not an empty mapping',
    "spec.properties[2].b: is empty; it must be a single value",
    "spec.properties[3].c: must be a single value, not a list",
  ]);
});
