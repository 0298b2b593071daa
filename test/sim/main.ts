/** `npm run sim -- [--seeds 1000] [--from 1]`: many simulated nodes, one after the other. */
import { parseArgs } from "node:util";
import { World } from "./world.ts";

const { values } = parseArgs({
  options: { seeds: { type: "string", default: "1000" }, from: { type: "string", default: "1" } },
});
const seeds = Number(values.seeds);
const from = Number(values.from);
const total = { steps: 0, simulatedMs: 0, crashes: 0, labels: 0 };
let failures = 0;

for (let seed = from; seed < from + seeds; seed++) {
  try {
    const result = await new World(seed).run();
    total.steps += result.steps;
    total.simulatedMs += result.simulatedMs;
    total.crashes += result.crashes;
    total.labels += result.labels;
  } catch (error) {
    failures++;
    const detail = error instanceof Error ? error.stack : String(error);
    process.stdout.write(
      `seed ${seed} fails: ${detail}\nagain: npm run sim -- --seeds 1 --from ${seed}\n\n`,
    );
    if (failures >= 5) break;
  }
}
const hours = (total.simulatedMs / 3_600_000).toFixed(1);
process.stdout.write(
  `${seeds} seeds from ${from}: ${failures} failed; ${total.labels} messages handled, ` +
    `${total.crashes} crashes, ${total.steps} steps, ${hours} simulated hours\n`,
);
process.exitCode = failures === 0 ? 0 : 1;
