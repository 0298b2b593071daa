import { basename } from "node:path";
import { performance } from "node:perf_hooks";

/**
 * Where the time of a process went: a V8 CPU profile (`node --cpu-prof`), summed up by part of the program
 * and by function. Only the main thread is sampled: what LevelDB does on its own threads is not in it.
 */
export interface CpuProfile {
  readonly nodes: readonly ProfileNode[];
  /** In µs, as everything here; on Linux the clock of `process.hrtime`. */
  readonly startTime: number;
  /** The node that was running at each sample, by id. */
  readonly samples: readonly number[];
  /** Before each sample. */
  readonly timeDeltas: readonly number[];
}

interface ProfileNode {
  readonly id: number;
  readonly callFrame: {
    readonly functionName: string;
    readonly url: string;
    /** From 0. */
    readonly lineNumber: number;
  };
}

/** From, until, in µs on the profile's clock. */
export interface ProfileWindow {
  readonly fromUs: number;
  readonly untilUs: number;
}

/** From and until by `performance.now()` of this process: on Linux the processes of a machine share a clock. */
export function windowOf(fromMs: number, untilMs: number): ProfileWindow {
  const offsetUs = Number(process.hrtime.bigint() / 1000n) - performance.now() * 1000;
  return { fromUs: fromMs * 1000 + offsetUs, untilUs: untilMs * 1000 + offsetUs };
}

export interface ProfileSummary {
  /** The main thread did something, garbage collection included. */
  readonly busyMs: number;
  readonly idleMs: number;
  /** By the time spent in it itself, most first. */
  readonly parts: readonly Share[];
  readonly functions: readonly Share[];
}

export interface Share {
  readonly name: string;
  readonly ms: number;
}

/** @param window only what was sampled in it. Default: all */
export function summarise(profile: CpuProfile, window?: ProfileWindow): ProfileSummary {
  const { fromUs = Number.NEGATIVE_INFINITY, untilUs = Number.POSITIVE_INFINITY } = window ?? {};
  const frames = new Map(profile.nodes.map((node) => [node.id, node.callFrame]));
  const parts = new Map<string, number>();
  const functions = new Map<string, number>();
  let busyMs = 0;
  let idleMs = 0;
  let atUs = profile.startTime;
  for (const [i, id] of profile.samples.entries()) {
    const deltaUs = profile.timeDeltas[i] ?? 0;
    atUs += deltaUs;
    if (atUs < fromUs || atUs > untilUs) continue;
    const frame = frames.get(id);
    if (frame === undefined) continue;
    const ms = deltaUs / 1000;
    if (frame.functionName === "(idle)") {
      idleMs += ms;
      continue;
    }
    busyMs += ms;
    add(parts, partOf(frame), ms);
    add(functions, nameOf(frame), ms);
  }
  return { busyMs, idleMs, parts: sorted(parts), functions: sorted(functions) };
}

/**
 * The part of the program that a script belongs to: a folder of ours (`src/partition`), a package (`undici`),
 * a module of Node (`node:http`), or what V8 does on its own account (`(garbage collector)`).
 */
export function partOf({
  functionName,
  url,
}: {
  readonly functionName: string;
  readonly url: string;
}): string {
  if (url === "") return functionName.startsWith("(") ? functionName : "(native)";
  if (url.startsWith("node:"))
    return `node:${url.replace(/^node:(internal\/)?/, "").split("/")[0]}`;
  const packages = url.lastIndexOf("/node_modules/");
  if (packages >= 0) {
    const path = url.slice(packages + "/node_modules/".length).split("/");
    return path[0]?.startsWith("@") ? `${path[0]}/${path[1]}` : (path[0] ?? url);
  }
  const ours = /\/(sdk)\/dist\/|\/dist\/((?:src|bench|test|examples)(?:\/[^/]+(?=\/))?)/.exec(url);
  return ours?.[1] ?? ours?.[2] ?? /\/(generated)\//.exec(url)?.[1] ?? basename(url);
}

const NAME_CHARS = 40;

function nameOf(frame: ProfileNode["callFrame"]): string {
  const { functionName, url, lineNumber } = frame;
  // Generated code names its functions by their whole path.
  const name = functionName.split(".").slice(-2).join(".").slice(-NAME_CHARS);
  if (url === "") return name || "(native)";
  return `${name || "(anonymous)"} ${basename(url)}:${lineNumber + 1}`;
}

function add(sums: Map<string, number>, name: string, ms: number): void {
  sums.set(name, (sums.get(name) ?? 0) + ms);
}

function sorted(sums: ReadonlyMap<string, number>): Share[] {
  return [...sums].map(([name, ms]) => ({ name, ms })).sort((a, b) => b.ms - a.ms);
}
