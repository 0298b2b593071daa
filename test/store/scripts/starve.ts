/**
 * A script that uses up its descriptors, then opens what it can find: `starve.js DIR`. Prints the code that
 * each opening fails with.
 */
import { openSync } from "node:fs";
import { join } from "node:path";
import { StatefoldError } from "../../../src/base/errors.ts";
import { readDescription } from "../../../src/store/description.ts";
import { LevelStore } from "../../../src/store/level.ts";
import { Witness } from "../../../src/store/witness.ts";

const dir = process.argv[2] ?? "";
// What is loaded as it is first used is loaded now.
await readDescription(join(dir, "statefold.json"));
try {
  for (;;) openSync("/dev/null", "r");
} catch {
  // There are none left.
}
const openings = {
  description: () => readDescription(join(dir, "statefold.json")),
  witness: () => Witness.open(join(dir, "witness", "0")),
  store: () => LevelStore.open({ dir: join(dir, "partitions", "0") }),
};
const codes: Record<string, string> = {};
for (const [name, opening] of Object.entries(openings)) {
  codes[name] = await opening().then(
    () => "opened",
    (error: unknown) => (error instanceof StatefoldError ? error.code : String(error)),
  );
}
process.stdout.write(`${JSON.stringify(codes)}\n`);
