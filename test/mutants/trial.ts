/** Whether a bug is noticed: by the simulation, or by the tests that its mutant names. */
import { fork, spawn } from "node:child_process";
import { join } from "node:path";
import type { Mutant } from "./mutant.ts";

/** What the process that simulates tells. */
export type Report =
  | { readonly kind: "begun"; readonly seed: number }
  | { readonly kind: "failed"; readonly reason: string };

export type Verdict =
  | { readonly kind: "survived" }
  /** It does not apply any more, or does not compile: nothing was tried. */
  | { readonly kind: "untried"; readonly reason: string }
  /** `seeds`: how many it took, the last one included; undefined when a test noticed. */
  | { readonly kind: "killed"; readonly seeds: number | undefined; readonly reason: string };

/** A seed takes a fraction of a second; one that takes so long will not end. */
const SEED_MS = 60_000;
/** More than the tests of a part take, many times over. */
const TESTS_MS = 180_000;

/** Runs the compiled simulation in `dir` from seed `from` on until one fails. */
export function simulate(
  dir: string,
  from: number,
  seeds: number,
  simulation: Mutant["simulation"],
): Promise<Verdict> {
  return new Promise((resolve) => {
    const program = join(dir, "dist/test/mutants/seeds.js");
    const child = fork(program, [`${from}`, `${seeds}`, simulation ?? ""], {
      cwd: dir,
      stdio: "ignore",
    });
    let seed = from;
    let reason: string | undefined;
    const giveUp = () => {
      reason = "a run that does not end";
      child.kill("SIGKILL");
    };
    let patience = setTimeout(giveUp, SEED_MS);
    child.on("message", (report: Report) => {
      if (report.kind === "failed") reason = report.reason;
      else seed = report.seed;
      clearTimeout(patience);
      patience = setTimeout(giveUp, SEED_MS);
    });
    child.on("close", (code) => {
      clearTimeout(patience);
      if (code !== 0) reason ??= `the process ended with code ${code}`;
      const taken = seed - from + 1;
      resolve(
        reason === undefined ? { kind: "survived" } : { kind: "killed", seeds: taken, reason },
      );
    });
  });
}

/** Runs the compiled tests in `dir` whose paths contain one of the words. */
export function test(dir: string, words: readonly string[]): Promise<Verdict> {
  return new Promise((resolve) => {
    const script = join(dir, "scripts/run-tests.mjs");
    const options = { cwd: dir, timeout: TESTS_MS, killSignal: "SIGKILL" } as const;
    const child = spawn(process.execPath, [script, ...words], {
      ...options,
      stdio: ["ignore", "pipe", "ignore"],
    });
    let output = "";
    child.stdout.on("data", (bytes: Buffer) => {
      output += bytes.toString();
    });
    child.on("close", (code) => {
      if (code === 0) return resolve({ kind: "survived" });
      const [, title] = /^\s*✖ (.+?)(?: \([\d.]+ms\))?$/m.exec(output) ?? [];
      const reason = title === undefined ? "tests that do not end" : `test: ${title}`;
      resolve({ kind: "killed", seeds: undefined, reason });
    });
  });
}
