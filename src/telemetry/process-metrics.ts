import { monitorEventLoopDelay } from "node:perf_hooks";
import type { MetricsRegistry } from "./metrics.ts";

const CPU = {
  name: "process_cpu_seconds_total",
  unit: "seconds",
  description: "CPU time used by the process, in user and in system mode.",
  labels: [],
} as const;

const RESIDENT = {
  name: "process_resident_memory_bytes",
  unit: "bytes",
  description: "Memory of the process that is in RAM.",
  labels: [],
} as const;

const HEAP = {
  name: "process_heap_used_bytes",
  unit: "bytes",
  description: "JavaScript heap in use.",
  labels: [],
} as const;

const STARTED = {
  name: "process_start_time_seconds",
  unit: "seconds",
  description: "When the process was started, in seconds since the epoch.",
  labels: [],
} as const;

const LAG = {
  name: "process_event_loop_delay_max_seconds",
  unit: "seconds",
  description: "The longest delay of the event loop since the last look.",
  labels: [],
} as const;

/** What every process tells about itself. The returned function ends the one probe that runs. */
export function declareProcessMetrics(registry: MetricsRegistry): () => void {
  const delay = monitorEventLoopDelay({ resolution: 20 });
  delay.enable();
  const startedAt = Date.now() / 1000 - process.uptime();
  registry
    .counter(CPU)
    .labelled({})
    .from(() => {
      const { user, system } = process.cpuUsage();
      return (user + system) / 1e6;
    });
  registry
    .gauge(RESIDENT)
    .labelled({})
    .from(() => process.memoryUsage.rss());
  registry
    .gauge(HEAP)
    .labelled({})
    .from(() => process.memoryUsage().heapUsed);
  registry.gauge(STARTED).labelled({}).set(startedAt);
  registry
    .gauge(LAG)
    .labelled({})
    .from(() => {
      const seconds = delay.max / 1e9;
      delay.reset();
      return seconds;
    });
  return () => delay.disable();
}
