import { execFile } from "node:child_process";
import { env as environment } from "node:process";
import type { TestContext } from "node:test";
import { promisify } from "node:util";

/** A program that a test needs and a machine may lack. */
export interface Tool {
  /** As people call it: "Java". */
  readonly name: string;
  /** Run to see whether it is there, such as `["java", "-version"]`. */
  readonly probe: readonly [command: string, ...words: string[]];
}

export const JAVA: Tool = { name: "Java", probe: ["java", "-version"] };
export const JAVAC: Tool = { name: "Java's compiler", probe: ["javac", "-version"] };
export const MAVEN: Tool = { name: "Maven", probe: ["mvn", "-version"] };
export const PYTHON: Tool = {
  name: "Python 3 with pip",
  probe: ["python3", "-m", "pip", "--version"],
};
export const GO: Tool = { name: "Go", probe: ["go", "version"] };
export const OPENSSL: Tool = { name: "openssl", probe: ["openssl", "version"] };

/**
 * Whether everything is there. If not, the test is skipped, and the run names it and what is missing at
 * its end; with `CI=true` it fails instead, since there everything has to be tested.
 *
 * @param isSkippable default: by the environment
 */
export async function hasTools(
  t: Pick<TestContext, "skip">,
  tools: readonly Tool[],
  isSkippable = !isContinuousIntegration(),
): Promise<boolean> {
  const answers = await Promise.all(tools.map(isThere));
  const missing = tools.filter((_, index) => answers[index] === false).map(({ name }) => name);
  if (missing.length === 0) return true;
  const reason = `${missing.join(" and ")} ${missing.length === 1 ? "is" : "are"} missing on this machine`;
  if (!isSkippable) throw new Error(reason);
  t.skip(reason);
  return false;
}

function isContinuousIntegration(): boolean {
  const { CI } = environment;
  return CI === "true";
}

async function isThere({ probe: [command, ...words] }: Tool): Promise<boolean> {
  return promisify(execFile)(command, words).then(
    () => true,
    () => false,
  );
}
