import type { AnyStatefulFunction, Duration, Functions, ValueType } from "@statefold/sdk";
import { DURATION_EXAMPLES, parseDuration } from "../base/duration.ts";
import { StatefoldError } from "../base/errors.ts";
import { loadModules } from "../node/load-modules.ts";
import type { FunctionBinding } from "../partition/ports.ts";
import { endpointLookup } from "../spec/endpoint-lookup.ts";
import type { DeliverySettings, Module, OnInvalid, RetrySettings } from "../spec/module.ts";
import { DEFAULT_DELIVERY } from "../spec/parts/delivery.ts";
import { createLogger } from "../telemetry/logger.ts";
import type { EgressKind } from "./outlets.ts";
import type { Feed } from "./topics.ts";

export interface TestNodeOptions {
  /** A list, or an object (or module) whose values they are. */
  readonly functions: Functions;
  /**
   * A module.yaml, or several: its endpoints say how the functions' messages are delivered, its ingresses
   * which topics there are, its egresses where records may go. Nothing is connected to.
   */
  readonly module?: string | readonly string[];
  /** For `${NAME}` in the module. */
  readonly variables?: Readonly<Record<string, string>>;
  /** Topics beside the module's. */
  readonly topics?: readonly TestTopic[];
  /** Egresses beside the module's: ids of Kafka egresses, or of other kinds. */
  readonly egresses?: readonly (string | TestEgress)[];
  /** Ids are spread over so many. Default: 2. */
  readonly partitions?: number;
  /** What the clock says at first. Default: 2026-01-01T00:00:00Z. */
  readonly start?: Date;
  /** Of all chance: jitter of retries, ids of calls, crashes. Default: 1. */
  readonly seed?: number;
  /**
   * How likely the node crashes before each step, from 0 to 0.1. The result must be the same. Default: 0.
   * `send` and `call` then name idempotency keys, as clients have to.
   */
  readonly crashes?: number;
  /** Steps of one operation at most; then it ends with an error. A message is a few steps. Default: 1 000 000. */
  readonly maxSteps?: number;
  /** What becomes of a message whose function fails again and again. Default: as the module says, or "park". */
  readonly onFailure?: "park" | "deadLetter" | "skip";
  /** Default: as the module says, or 5 attempts, after 100 ms at first and 30 s at most. */
  readonly retry?: TestRetry;
  /** Default: as the module says, or "immediate". */
  readonly delivery?: "immediate" | "committed";
}

export interface TestRetry {
  /** Deliveries of a message alone before `onFailure` applies. */
  readonly maxAttempts?: number;
  readonly initial?: Duration;
  readonly max?: Duration;
}

export interface TestTopic {
  readonly topic: string;
  /** The type of its values, or its name. */
  readonly valueType: ValueType<unknown> | string;
  /** Function types that get a message for each record, with the record's key as id. */
  readonly targets: readonly (AnyStatefulFunction | string)[];
  /** Records that cannot be routed. Default: deadLetter. */
  readonly onInvalid?: OnInvalid;
}

export interface TestEgress {
  readonly id: string;
  readonly kind: EgressKind;
}

/** The options with everything filled in. */
export interface ResolvedOptions {
  readonly functions: readonly AnyStatefulFunction[];
  /** How a function type's messages are delivered; undefined when the module serves no such type. */
  readonly binding: (type: string) => FunctionBinding | undefined;
  readonly feeds: readonly Feed[];
  readonly egresses: ReadonlyMap<string, EgressKind>;
  readonly partitions: number;
  readonly startMs: number;
  readonly seed: number;
  readonly crashes: number;
  readonly maxSteps: number;
}

/** The ingress that topics of the options belong to. */
const OWN_INGRESS = "test/topics";
const CRASHES_MAX = 0.1;
const DEFAULT_START = new Date("2026-01-01T00:00:00Z");

/** @throws StatefoldError USAGE, MODULE_INVALID, CONFIG_INVALID */
export async function resolveOptions(options: TestNodeOptions): Promise<ResolvedOptions> {
  const { partitions = 2, start = DEFAULT_START, seed = 1, crashes = 0 } = options;
  const { maxSteps = 1_000_000 } = options;
  requireWhole("partitions", partitions, 1);
  requireWhole("maxSteps", maxSteps, 1);
  requireWhole("seed", seed, Number.MIN_SAFE_INTEGER);
  if (!(crashes >= 0 && crashes <= CRASHES_MAX)) {
    throw usage(
      `crashes: ${crashes} is not from 0 to ${CRASHES_MAX}, beyond which little gets done`,
    );
  }
  if (Number.isNaN(start.getTime())) throw usage("start is no date");
  const functions = functionsOf(options.functions);
  const module = await moduleOf(options);
  const overrides = overridesOf(options);
  const settings = module === undefined ? () => DEFAULT_DELIVERY : settingsIn(module);
  for (const { typename } of functions) {
    if (settings(typename) !== undefined) continue;
    const text = `no endpoint of the module serves ${typename}, which is among the functions`;
    throw new StatefoldError("CONFIG_INVALID", text);
  }
  return {
    ...{ functions, partitions, seed, crashes, maxSteps },
    startMs: start.getTime(),
    binding: (type) => {
      const found = settings(type);
      return found === undefined ? undefined : bindingOf(found, overrides);
    },
    feeds: [...(module?.ingresses ?? []).flatMap(feedsOf), ...(options.topics ?? []).map(ownFeed)],
    egresses: egressesOf(module, options),
  };
}

/** Whole milliseconds, at least 0. @throws StatefoldError USAGE */
export function durationMs(duration: Duration, what: string): number {
  const ms = typeof duration === "string" ? parseDuration(duration) : Math.ceil(duration);
  if (ms !== undefined && Number.isSafeInteger(ms) && ms >= 0) return ms;
  throw usage(`${what}: ${JSON.stringify(duration)} is no duration, ${DURATION_EXAMPLES}`);
}

export function functionsOf(functions: Functions): AnyStatefulFunction[] {
  return Symbol.iterator in functions
    ? [...(functions as Iterable<AnyStatefulFunction>)]
    : Object.values(functions);
}

const usage = (text: string): StatefoldError => new StatefoldError("USAGE", text);

function requireWhole(what: string, value: number, atLeast: number): void {
  if (Number.isSafeInteger(value) && value >= atLeast) return;
  throw usage(`${what}: ${value} is no whole number of at least ${atLeast}`);
}

async function moduleOf({ module, variables = {} }: TestNodeOptions): Promise<Module | undefined> {
  if (module === undefined) return undefined;
  const modules = typeof module === "string" ? [module] : module;
  const files = { modules, variables: new Map(Object.entries(variables)), embedded: true };
  return await loadModules(files, createLogger({ level: "silent", write: () => {} }));
}

/** What embedded files hold is not looked at: they serve whatever no other endpoint does. */
function settingsIn({ endpoints }: Module): (type: string) => DeliverySettings | undefined {
  const lookup = endpointLookup(endpoints);
  const embedded = endpoints.find(({ kind }) => kind === "embedded");
  return (type) => lookup(type) ?? embedded;
}

type Overrides = Partial<Pick<DeliverySettings, "onFailure" | "delivery">> & {
  readonly retry: Partial<RetrySettings>;
};

/** What the options say of delivery; the rest is the module's. */
function overridesOf({ onFailure, delivery, retry = {} }: TestNodeOptions): Overrides {
  const { maxAttempts, initial, max } = retry;
  if (maxAttempts !== undefined) requireWhole("retry.maxAttempts", maxAttempts, 1);
  return {
    ...(onFailure === undefined ? {} : { onFailure }),
    ...(delivery === undefined ? {} : { delivery }),
    retry: {
      ...(maxAttempts === undefined ? {} : { maxAttempts }),
      ...(initial === undefined ? {} : { initialMs: durationMs(initial, "retry.initial") }),
      ...(max === undefined ? {} : { maxMs: durationMs(max, "retry.max") }),
    },
  };
}

function bindingOf(settings: DeliverySettings, overrides: Overrides): FunctionBinding {
  const { concurrency, maxNumBatchRequests: maxBatchMessages } = settings;
  const { onFailure, delivery } = { ...settings, ...overrides };
  const retry = { ...settings.retry, ...overrides.retry };
  return { endpoint: "test", onFailure, delivery, retry, concurrency, maxBatchMessages };
}

function feedsOf(ingress: Module["ingresses"][number]): Feed[] {
  if (ingress.kind !== "log") return [];
  const { id, topics, onInvalid } = ingress;
  return topics.map((route) => ({ ingress: id, route, onInvalid }));
}

function ownFeed({ topic, valueType, targets, onInvalid = "deadLetter" }: TestTopic): Feed {
  const route = {
    topic,
    valueType: typeof valueType === "string" ? valueType : valueType.typename,
    targets: targets.map((target) => (typeof target === "string" ? target : target.typename)),
  };
  return { ingress: OWN_INGRESS, route, onInvalid };
}

function egressesOf(module: Module | undefined, options: TestNodeOptions): Map<string, EgressKind> {
  const egresses = new Map<string, EgressKind>();
  for (const { id, kind } of module?.egresses ?? []) {
    egresses.set(id, kind === "log" ? "kafka" : "any");
  }
  for (const egress of options.egresses ?? []) {
    if (typeof egress === "string") egresses.set(egress, "kafka");
    else egresses.set(egress.id, egress.kind);
  }
  return egresses;
}
