/** Consumers that others wrote: what they read of a topic is what its readers get. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { env as environment } from "node:process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { pythonPackages } from "../python-packages.ts";
import type { Broker } from "./broker.ts";
import { kafkaTools } from "./libraries.ts";

/** Where the sources are; this runs from the compiled ones. */
const source = (name: string) =>
  fileURLToPath(new URL(`../../../../test/support/kafka/${name}`, import.meta.url));

/** As its reader shows it. */
export interface ReadRecord {
  readonly partition: number;
  readonly key: string;
  readonly value: string;
  /** `name:value,name:value` */
  readonly headers: string;
}

const TIMEOUT_MS = 60_000;

/** One of Kafka's own command line tools, by the name of its class. */
export async function kafkaTool(name: string, ...words: string[]): Promise<string> {
  const jars = await kafkaTools();
  const java = ["-XX:TieredStopAtLevel=1", "-Dorg.slf4j.simpleLogger.defaultLogLevel=error"];
  const all = [...java, "-cp", join(jars, "*"), `org.apache.kafka.tools.${name}`, ...words];
  return (await promisify(execFile)("java", all, { timeout: TIMEOUT_MS })).stdout;
}

/**
 * The first records of a topic as kafka-console-consumer shows them to readers of committed ones. It ends
 * when it has so many, never at the end of the topic.
 */
export async function readWithConsole(
  { address }: Broker,
  topic: string,
  count: number,
): Promise<ReadRecord[]> {
  const shown = ["partition", "key", "headers"].flatMap((each) => [
    ...["--formatter-property", `print.${each}=true`],
  ]);
  const output = await kafkaTool(
    "consumer.ConsoleConsumer",
    ...["--bootstrap-server", address, "--topic", topic, "--from-beginning", ...shown],
    ...["--isolation-level", "read_committed", "--max-messages", String(count)],
  );
  return linesOf(output).map((line) => {
    const [partition = "", headers = "", key = "", value = ""] = line.split("\t");
    return { partition: Number(partition.replace("Partition:", "")), key, value, headers };
  });
}

/** All committed records of a topic, as librdkafka reads them. */
export async function readWithLibrdkafka(
  { address }: Broker,
  topic: string,
  partitions: number,
): Promise<ReadRecord[]> {
  const PYTHONPATH = await pythonPackages("librdkafka", source("librdkafka-requirements.txt"));
  const words = [source("read_committed.py"), address, topic, String(partitions)];
  const options = { env: { ...environment, PYTHONPATH }, timeout: TIMEOUT_MS };
  const { stdout } = await promisify(execFile)("python3", words, options);
  return linesOf(stdout).map((line) => {
    const read: [number, string | null, string | null, [string, string][]] = JSON.parse(line);
    const [partition, key, value, headers] = read;
    const shown = headers.map((header) => header.join(":")).join(",");
    return {
      partition,
      key: key ?? "null",
      value: value ?? "null",
      headers: shown || "NO_HEADERS",
    };
  });
}

function linesOf(output: string): string[] {
  return output.split("\n").filter((line) => line !== "");
}
