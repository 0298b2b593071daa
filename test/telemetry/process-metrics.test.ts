import assert from "node:assert/strict";
import { test } from "node:test";
import { MetricsRegistry } from "../../src/telemetry/metrics.ts";
import { declareProcessMetrics } from "../../src/telemetry/process-metrics.ts";

test("a process tells its memory, its CPU time and its age", (t) => {
  const registry = new MetricsRegistry();
  t.after(declareProcessMetrics(registry));
  for (const name of ["cpu_seconds_total", "resident_memory_bytes", "start_time_seconds"]) {
    assert.match(
      registry.render(),
      new RegExp(`^process_${name} [1-9]|^process_${name} 0\\.`, "m"),
    );
  }
});
