/** A stretch under load in which nothing is killed: what the runtime takes of the machine must stay flat. */
import { setTimeout as sleep } from "node:timers/promises";
import { sampleOf, thirds } from "./samples.ts";
import type { Subject } from "./subject.ts";

/** Until the heap has found its size. */
const WARM_UP_SHARE = 0.25;
const SAMPLE_EVERY_MS = 200;

/** What the last third may have more than the first: the collector takes its time. */
const RSS_FACTOR = 1.2;
/** Up to here a heap grows in its first minutes because nothing stands against it. */
const RSS_FLOOR_BYTES = 256 * 2 ** 20;
/** Connections come and go with the load. */
const DESCRIPTORS = 24;

export interface Flatness {
  readonly samples: number;
  /** Medians of the first and of the last third. */
  readonly rssBytes: readonly [number, number];
  readonly descriptors: readonly [number, number];
  readonly violations: readonly string[];
}

export async function calmStretch(subject: Subject, seconds: number): Promise<Flatness> {
  const { pid } = subject.script;
  await sleep(seconds * 1000 * WARM_UP_SHARE);
  const rss: number[] = [];
  const descriptors: number[] = [];
  const untilMs = performance.now() + seconds * 1000 * (1 - WARM_UP_SHARE);
  while (performance.now() < untilMs) {
    await sleep(SAMPLE_EVERY_MS);
    const sample = sampleOf(pid);
    if (sample === undefined) continue;
    rss.push(sample.rssBytes);
    descriptors.push(sample.descriptors);
  }
  const flatness = {
    samples: rss.length,
    rssBytes: thirds(rss),
    descriptors: thirds(descriptors),
  };
  return { ...flatness, violations: [...whatGrew(subject, pid, flatness)] };
}

function* whatGrew(
  subject: Subject,
  pid: number,
  { rssBytes: [rssFirst, rssLast], descriptors: [first, last] }: Omit<Flatness, "violations">,
): Generator<string> {
  if (subject.script.pid !== pid) yield `the ${subject.name} ended in the stretch without kills`;
  if (rssLast > rssFirst * RSS_FACTOR && rssLast > RSS_FLOOR_BYTES) {
    yield `the memory of the ${subject.name} grew from ${rssFirst} to ${rssLast} bytes`;
  }
  if (last > first + DESCRIPTORS) {
    yield `the descriptors of the ${subject.name} grew from ${first} to ${last}`;
  }
}
