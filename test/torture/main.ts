/** `npm run torture`: see options.ts. Exit code 0 when the account comes out, 1 when not, 2 for wrong use. */
import { spawn } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Disk, findDisk } from "./disk.ts";
import { parseOptions, type TortureOptions, USAGE } from "./options.ts";
import { report } from "./report.ts";
import { torture } from "./run.ts";
import { topicLog } from "./variant.ts";

const DISK_MEGABYTES = 1024;

const args = process.argv.slice(2);
process.exitCode = await main();

async function main(): Promise<number> {
  let options: TortureOptions;
  try {
    options = parseOptions(args);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n\n${USAGE}`);
    return 2;
  }
  const folder = mkdtempSync(join(tmpdir(), "statefold-torture-"));
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
  const out = (text: string): void => void process.stdout.write(text);
  const startedAt = performance.now();
  const load = readFileSync("/proc/loadavg", "utf8").trim();
  out(`seed ${options.seed}, ${options.partitions} partitions, disk ${kind}, load ${load}\n`);
  const disk = new Disk(kind, folder, DISK_MEGABYTES);
  const say = (line: string): void => {
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1).padStart(6);
    process.stderr.write(`${seconds} s  ${line}\n`);
  };
  const result = await torture({ ...options, variant: topicLog, disk, folder, say });
  out(report(result));
  if (result.violations.length === 0) {
    disk.unmount();
    rmSync(folder, { recursive: true, force: true });
    return 0;
  }
  const kept = `${folder}-kept`;
  mkdirSync(kept);
  cpSync(disk.path, kept, { recursive: true });
  for (const { name, script } of result.subjects) {
    writeFileSync(join(kept, `${name}.log`), script.output);
  }
  disk.unmount();
  rmSync(folder, { recursive: true, force: true });
  out(`data and logs are in ${kept}\nagain: npm run torture -- --seed ${options.seed}\n`);
  return 1;
}
