import { loadavg } from "node:os";

/** How busy the machine is with everything that runs on it: figures without it say little. */
export function loadLine(): string {
  const [one = 0, five = 0] = loadavg();
  return `load ${one.toFixed(2)} (1 min), ${five.toFixed(2)} (5 min)`;
}
