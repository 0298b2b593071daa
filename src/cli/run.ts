import { resolve } from "node:path";
import { type Deferred, deferred } from "../base/deferred.ts";
import { createLogger, LOG_LEVELS, type LogLevel } from "../telemetry/logger.ts";
import type { Command, Context } from "./command.ts";
import { SET } from "./common-options.ts";
import type { Io } from "./io.ts";
import type { OptionSpec } from "./option-spec.ts";
import type { Options } from "./options.ts";
import type { NodeOptions, NodeStarter, RunningNode } from "./starter.ts";
import { usage } from "./usage.ts";

/** How long a drain may take before it becomes a stop. */
const GRACE_MS = 30_000;

const OPTIONS: readonly OptionSpec[] = [
  {
    ...{ name: "data", kind: "text", placeholder: "DIR", setting: true },
    description: "where state, messages and topics are kept",
    fallback: "statefold-data",
  },
  {
    ...{ name: "memory", kind: "flag", setting: true },
    description: "keep nothing: all is gone when it ends",
  },
  {
    ...{ name: "host", kind: "text", placeholder: "HOST", setting: true },
    description: "address to listen on; 0.0.0.0 is all of this machine",
    fallback: "127.0.0.1",
  },
  {
    ...{ name: "port", kind: "text", placeholder: "PORT", setting: true },
    description: "port of the HTTP API; 0 is any free one",
    fallback: "8080",
  },
  {
    ...{ name: "embedded", kind: "flag", setting: true },
    description: "bind the module's Kafka ingresses and egresses to the topic log in DIR",
  },
  {
    ...{ name: "partitions", kind: "text", placeholder: "N", setting: true },
    description: "partitions of a new DIR; one that exists keeps its number",
  },
  {
    ...{ name: "threads", kind: "text", placeholder: "N", setting: true },
    description: "threads that the partitions are spread over",
    fallback: "1",
  },
  {
    ...{ name: "topic-retention", kind: "text", placeholder: "TIME", setting: true },
    description: "how long topics keep their records, such as 7d; else for ever",
  },
  {
    ...{ name: "topic-retention-bytes", kind: "text", placeholder: "N", setting: true },
    description: "how many bytes each partition of a topic keeps",
  },
  {
    ...{ name: "application", kind: "text", placeholder: "NAME", setting: true },
    description: "the name DIR belongs to; another name's DIR is refused",
  },
  {
    ...{ name: "snapshots", kind: "text", placeholder: "URL", setting: true },
    description: "keep snapshots there, and restore an empty DIR",
  },
  {
    ...{ name: "snapshot-every", kind: "text", placeholder: "TIME", setting: true },
    description: "how often one is taken",
    fallback: "10s",
  },
  {
    ...{ name: "fork-publishes", kind: "flag" },
    description:
      "let a fork (snapshot restore --as) publish to Kafka topics, which may be the original's",
  },
  {
    ...{ name: "accept-loss", kind: "flag" },
    description: "start from a DIR that is older than what was synced to it, or published to Kafka",
  },
  SET,
  {
    ...{ name: "log-level", kind: "text", placeholder: "LEVEL", setting: true },
    description: "one of trace, debug, info, warn, error, fatal, silent",
    fallback: "info",
  },
];

/** @param start what makes a node of the options */
export function runCommand(start: NodeStarter): Command {
  return {
    name: "run",
    summary: "run the functions of a module until it is told to stop",
    args: "MODULE…",
    arity: [1, 1000],
    details: `
A module is a YAML file that says where functions are, what comes in, and what goes out; several files
are read as one. The first lines on stdout name every address it listens on, the next is "ready".

SIGINT (Ctrl-C) or SIGTERM lets it finish what it is doing, for ${GRACE_MS / 1000} s at most; a second one ends it at
once. Either way nothing that was acknowledged is lost, and the next run goes on where this one ended.`,
    options: OPTIONS,
    examples: [
      "statefold run module.yaml",
      "# with Kafka topics kept in the data directory instead of Kafka",
      "statefold run module.yaml --embedded --data ./data",
      "statefold run module.yaml --port 9090 --set FUNCTIONS_URL=http://localhost:9000",
    ],
    run: (context) => run(context, start),
  };
}

async function run(context: Context, start: NodeStarter): Promise<number> {
  const { io } = context;
  const node = await start(nodeOptions(context));
  const stopping = deferred<void>();
  const unwatch = watchSignals(io, node, stopping);
  const uncover = io.onExit((code) => {
    io.err(
      `statefold: code in this process, such as an embedded function, has ended it with ${code}, by process.exit() or an error that nothing caught; nothing that was acknowledged is lost\n`,
    );
  });
  try {
    for (const { name, url } of node.listening) await io.out(`${name} ${url}\n`);
    await io.out("ready\n");
    const reason = await Promise.race([node.ended, stopping.promise]);
    if (reason === undefined) return 0;
    throw reason;
  } finally {
    unwatch();
    await node.stop();
    uncover();
  }
}

/** The first signal drains, the next one stops; `stopping` is settled when either has been done. */
function watchSignals(io: Io, node: RunningNode, stopping: Deferred<void>): () => void {
  let signals = 0;
  return io.onSignal(() => {
    signals++;
    if (signals > 2) return;
    if (signals === 1) {
      io.err(`draining, for ${GRACE_MS / 1000} s at most; once more to stop at once\n`);
    }
    const ending = signals === 1 ? node.drain(GRACE_MS) : node.stop();
    ending.then(() => stopping.resolve(), stopping.reject);
  });
}

function nodeOptions(context: Context): NodeOptions {
  const { args, options, io } = context;
  const dataDir = options.flag("memory")
    ? undefined
    : resolve(io.directory, options.text("data") ?? "");
  const application = options.text("application");
  const snapshots = snapshotSettings(options);
  return {
    modules: args.map((file) => resolve(io.directory, file)),
    dataDir,
    host: options.text("host") ?? "",
    port: options.count("port", 0, 65_535) ?? 0,
    embedded: options.flag("embedded"),
    partitions: options.count("partitions", 1, 1024),
    threads: options.count("threads", 1, 64),
    ...(application === undefined ? {} : { application }),
    variables: variables(options.list("set"), io.env),
    acceptLoss: options.flag("accept-loss"),
    topicRetention: topicRetention(options),
    forkPublishes: options.flag("fork-publishes"),
    ...(snapshots === undefined ? {} : { snapshots }),
    logger: createLogger({ level: logLevel(options.text("log-level") ?? "info") }),
  };
}

function snapshotSettings(options: Options): NodeOptions["snapshots"] {
  const url = options.text("snapshots");
  return url === undefined ? undefined : { url, everyMs: options.duration("snapshot-every") };
}

function topicRetention(options: Options): NonNullable<NodeOptions["topicRetention"]> {
  const maxAgeMs = options.duration("topic-retention");
  const maxBytes = options.count("topic-retention-bytes", 1, Number.MAX_SAFE_INTEGER);
  return {
    ...(maxAgeMs === undefined ? {} : { maxAgeMs }),
    ...(maxBytes === undefined ? {} : { maxBytes }),
  };
}

/**
 * `--set` first, then the environment.
 *
 * @throws USAGE for what is not NAME=VALUE
 */
export function variables(set: readonly string[], env: Io["env"]): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const [name, value] of Object.entries(env)) if (value !== undefined) found.set(name, value);
  for (const each of set) {
    const equals = each.indexOf("=");
    if (equals <= 0) throw usage(`--set ${each} is not NAME=VALUE`);
    found.set(each.slice(0, equals), each.slice(equals + 1));
  }
  return found;
}

function logLevel(text: string): LogLevel {
  const level = LOG_LEVELS.find((each) => each === text);
  if (level === undefined) throw usage(`--log-level ${text} is none of ${LOG_LEVELS.join(", ")}`);
  return level;
}
