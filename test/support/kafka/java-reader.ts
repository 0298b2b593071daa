import { execFile } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { kafkaLibraries } from "./libraries.ts";

/** Where the sources are; this runs from the compiled ones. */
const PROGRAM = fileURLToPath(
  new URL("../../../../test/support/kafka/ReadCommitted.java", import.meta.url),
);

/** The values of the committed records of a topic, those of a partition in their order, as Java's client reads them. */
export async function readWithJava(address: string, topic: string): Promise<readonly string[]> {
  const jars = await kafkaLibraries();
  const java = ["-XX:TieredStopAtLevel=1", "-Dorg.slf4j.simpleLogger.defaultLogLevel=error"];
  const words = [...java, "-cp", join(jars, "*"), PROGRAM, address, topic];
  const { stdout } = await promisify(execFile)("java", words, { maxBuffer: Infinity });
  return stdout.split("\n").filter((line) => line !== "");
}
