import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Processes } from "../support/processes.ts";
import type { Program } from "../support/program.ts";
import { installJava, peerPath } from "./install.ts";

const PROGRAM = "StatefunRuntime";
const PARALLELISM = 2;
const CHECKPOINT_EVERY_MS = 1_000;

/** What Flink, as of 1.16, looks at inside the JDK. */
const OPENED = [
  ...["lang", "lang.reflect", "net", "io", "nio", "text", "time", "util"],
  ...["util.concurrent", "util.concurrent.atomic", "util.concurrent.locks"],
].map((name) => `--add-opens=java.base/java.${name}=ALL-UNNAMED`);

const JVM = [
  ...["-Xmx1536m", "--add-exports=java.base/sun.net.util=ALL-UNNAMED", ...OPENED],
  "--add-opens=java.base/sun.nio.ch=ALL-UNNAMED",
  "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
];

/** Has its jars ready: to be asked before anything is measured. @throws NotInstalled */
export async function installStatefun(): Promise<void> {
  await installJava("statefun", PROGRAM);
}

/**
 * Flink StateFun 3.3.0 on a module: one process with Flink's mini cluster, checkpoints every second into `folder`. It takes
 * some ten seconds until it reads its topics.
 */
export function startStatefun(processes: Processes, module: string, folder: string): Program {
  const classPath = [join(peerPath("statefun/jars"), "*"), peerPath("statefun/classes")].join(":");
  const words = [
    ...[pathToFileURL(module).href, join(folder, "checkpoints")],
    ...[String(PARALLELISM), String(CHECKPOINT_EVERY_MS)],
  ];
  return processes.program([...JVM, "-cp", classPath, PROGRAM, ...words], {
    ...{ command: "java", cwd: folder },
  });
}
