import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

/*
 * The neighbours of the benchmarks, installed when one is first asked for, into folders beside this file which git
 * ignores. They are no dependency of statefold, and under licences of their own. Without them, or without the way to
 * where they come from, the other rows are measured all the same.
 */

/** A neighbour is not to be had; the message says what is missing, and what would help. */
export class NotInstalled extends Error {}

/** A file or a folder of bench/peers in the sources: it is not compiled. */
export function peerPath(path: string): string {
  return fileURLToPath(new URL(`../../../bench/peers/${path}`, import.meta.url));
}

/** Packages from npm, as the lock file beside package.json has them; scripts of theirs are not run. */
export async function installPackages(peer: string): Promise<void> {
  const folder = peerPath(peer);
  await once(folder, ["package.json", "package-lock.json"], async () => {
    const words = ["ci", "--ignore-scripts", "--no-audit", "--no-fund"];
    await tell(peer, "npm", words, folder);
  });
}

const COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies";

/** What the pom.xml names, from Maven, compared with jars.sha256; and the Java program beside it, compiled. */
export async function installJava(peer: string, program: string): Promise<void> {
  const folder = peerPath(peer);
  await once(folder, ["pom.xml", "jars.sha256", `${program}.java`], async () => {
    const jars = join(folder, "jars");
    rmSync(jars, { recursive: true, force: true });
    const words = ["-q", "-B", "-C", COPY, "-DincludeScope=runtime", `-DoutputDirectory=${jars}`];
    await tell(peer, "mvn", words, folder);
    if (sumsOf(jars) !== readFileSync(join(folder, "jars.sha256"), "utf8")) {
      throw new NotInstalled(`${peer}: the jars that Maven brought are not those of jars.sha256`);
    }
    const classes = join(folder, "classes");
    await tell(peer, "javac", ["-cp", join(jars, "*"), "-d", classes, `${program}.java`], folder);
  });
}

/** A line for each jar of a folder, as sha256sum(1) writes them. */
export function sumsOf(folder: string): string {
  const sums = readdirSync(folder).map((name) => {
    const bytes = readFileSync(join(folder, name));
    return `${createHash("sha256").update(bytes).digest("hex")}  ${name}\n`;
  });
  return sums.sort().join("");
}

/** Nothing happens when it was done before from the same files. */
async function once(
  folder: string,
  sources: readonly string[],
  install: () => Promise<void>,
): Promise<void> {
  const hash = createHash("sha256");
  for (const name of sources) hash.update(readFileSync(join(folder, name))).update("\0");
  const [mark, wanted] = [join(folder, ".installed"), hash.digest("hex")];
  if (existsSync(mark) && readFileSync(mark, "utf8") === wanted) return;
  await install();
  writeFileSync(mark, wanted);
}

async function tell(
  peer: string,
  program: string,
  words: readonly string[],
  cwd: string,
): Promise<void> {
  process.stderr.write(`installing ${peer} with ${program}, for this benchmark only\n`);
  try {
    await promisify(execFile)(program, words, { cwd, maxBuffer: 16 * 2 ** 20 });
  } catch (error) {
    throw new NotInstalled(reasonOf(peer, program, error as ExecError));
  }
}

export interface ExecError {
  readonly code?: string | number | null;
  readonly stdout?: string;
  readonly stderr?: string;
}

const REASON_LINES = 3;

/** What people can do about it, then the program's own last words on it. */
export function reasonOf(
  peer: string,
  program: string,
  { code, stdout, stderr }: ExecError,
): string {
  if (code === "ENOENT") return `${peer} is not installed: ${program} is missing on this machine`;
  const lines = `${stdout ?? ""}\n${stderr ?? ""}`.split("\n").map((line) => line.trim());
  const errors = lines.filter((line) => /^(npm (ERR!|error)|\[ERROR\]|error:)/i.test(line));
  const words = (errors.length > 0 ? errors : lines.filter((line) => line !== ""))
    .slice(0, REASON_LINES)
    .join(" | ");
  const isAway =
    /ENOTFOUND|ECONNREFUSED|ECONNRESET|ETIMEDOUT|EAI_AGAIN|Unknown host|Could not transfer|Connection (refused|timed out)/i;
  const registry = program === "mvn" ? "Maven's repository" : "npm's registry";
  const why = isAway.test(`${stdout}${stderr}`)
    ? `${registry} is not reached; try again when it is`
    : `${program} failed with ${code}`;
  return `${peer} is not installed: ${why} (${words})`;
}
