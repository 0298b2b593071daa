/** `npm run torture`: see options.ts. Exit code 0 when the account comes out, 1 when not, 2 for wrong use. */
import { spawn } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Disk, findDisk } from "./disk.ts";
import { kafkaReport } from "./kafka/report.ts";
import { tortureBetweenTopics } from "./kafka/run.ts";
import { keep } from "./keeping.ts";
import { parseOptions, type TortureOptions, USAGE } from "./options.ts";
import { keepingReport, report } from "./report.ts";
import { torture } from "./run.ts";
import { snapshotsReport } from "./snapshots/report.ts";
import { tortureWithSnapshots } from "./snapshots/run.ts";
import { topicLog } from "./variant.ts";

const DISK_MEGABYTES = 1024;
/** Soon full, and soon copied when it must be kept. */
const STORE_DISK_MEGABYTES = 64;

const args = process.argv.slice(2);
process.exitCode = await main();

async function main(): Promise<number> {
  if (process.platform !== "linux") {
    process.stderr.write("this needs Linux: signals, mounts, prlimit and /proc as it has them\n");
    return 2;
  }
  let options: TortureOptions;
  try {
    options = parseOptions(args);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n\n${USAGE}`);
    return 2;
  }
  const folder = mkdtempSync(join(tmpdir(), "statefold-torture-"));
  if (options.snapshots) return await runWithSnapshots(options, folder);
  if (options.kafka) return await runBetweenTopics(options, folder);
  if (options.disk !== undefined) return await run(options, options.disk, folder);
  const { kind, unshare } = findDisk(folder);
  rmSync(folder, { recursive: true });
  return await again(unshare, ["--disk", kind, "--seed", String(options.seed)]);
}

/** The same in a mount name space of its own, where the disk can be mounted unseen. It ends with us. */
async function again(unshare: readonly string[], more: readonly string[]): Promise<number> {
  const guard = new URL("../support/end-with-parent.js", import.meta.url).href;
  const node = [process.execPath, "--import", guard, fileURLToPath(import.meta.url)];
  const words = [...unshare, ...node, ...args, ...more];
  const stdio = ["inherit", "inherit", "inherit", "pipe"] as const;
  const child = spawn(words[0] ?? "", words.slice(1), { stdio: [...stdio] });
  return await new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => resolve(code ?? 1));
  });
}

async function run(
  options: TortureOptions,
  kind: NonNullable<TortureOptions["disk"]>,
  folder: string,
): Promise<number> {
  const load = readFileSync("/proc/loadavg", "utf8").trim();
  out(`seed ${options.seed}, ${options.partitions} partitions, disk ${kind}, load ${load}\n`);
  const disk = new Disk(kind, folder, options.store ? STORE_DISK_MEGABYTES : DISK_MEGABYTES);
  const { text, logs, isExact } = options.store
    ? await tortureStore(options, disk)
    : await tortureNode(options, disk, folder);
  out(text);
  if (!isExact) {
    const kept = `${folder}-kept`;
    mkdirSync(kept);
    cpSync(disk.path, kept, { recursive: true });
    for (const [name, log] of logs) writeFileSync(join(kept, `${name}.log`), log);
    out(`data and logs are in ${kept}\nagain: npm run torture -- --seed ${options.seed}\n`);
  }
  disk.unmount();
  rmSync(folder, { recursive: true, force: true });
  return isExact ? 0 : 1;
}

async function runBetweenTopics(options: TortureOptions, folder: string): Promise<number> {
  const load = readFileSync("/proc/loadavg", "utf8").trim();
  out(`seed ${options.seed}, ${options.partitions} partitions, a broker, load ${load}\n`);
  const result = await tortureBetweenTopics({ ...options, folder, say: sayer() });
  out(kafkaReport(result));
  const { violations, subjects } = result;
  if (violations.length === 0) {
    rmSync(folder, { recursive: true, force: true });
    return 0;
  }
  for (const { name, script } of subjects)
    writeFileSync(join(folder, `${name}.log`), script.output);
  out(`data and logs are in ${folder}\nagain: npm run torture -- --kafka --seed ${options.seed}\n`);
  return 1;
}

async function runWithSnapshots(options: TortureOptions, folder: string): Promise<number> {
  const load = readFileSync("/proc/loadavg", "utf8").trim();
  out(`seed ${options.seed}, a broker and an S3 server, load ${load}\n`);
  const result = await tortureWithSnapshots({ ...options, folder, say: sayer() });
  out(snapshotsReport(result));
  if (result.violations.length === 0) {
    rmSync(folder, { recursive: true, force: true });
    return 0;
  }
  for (const { name, script } of result.subjects)
    writeFileSync(join(folder, `${name}.log`), script.output);
  out(
    `data and logs are in ${folder}\nagain: npm run torture -- --snapshots --seed ${options.seed}\n`,
  );
  return 1;
}

interface Outcome {
  readonly text: string;
  readonly isExact: boolean;
  /** Of the processes, by their names. */
  readonly logs: ReadonlyMap<string, string>;
}

async function tortureNode(options: TortureOptions, disk: Disk, folder: string): Promise<Outcome> {
  const result = await torture({
    ...{ ...options, variant: topicLog, disk, folder, say: sayer() },
  });
  const logs = new Map(result.subjects.map(({ name, script }) => [name, script.output]));
  return { text: report(result), isExact: result.violations.length === 0, logs };
}

async function tortureStore(options: TortureOptions, disk: Disk): Promise<Outcome> {
  const result = await keep(disk, options);
  return {
    text: keepingReport(result),
    isExact: result.violations.length === 0,
    logs: new Map([["keep", result.lastOutput]]),
  };
}

/** Says lines with the time since now. */
function sayer(): (line: string) => void {
  const startedAt = performance.now();
  return (line) => {
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1).padStart(6);
    process.stderr.write(`${seconds} s  ${line}\n`);
  };
}

function out(text: string): void {
  process.stdout.write(text);
}
