/** A Kafka broker of the demo's own, from Maven's packages: prepared as for the tests of the runtime. */
import { execFile } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { type PreparedBroker, prepareBroker } from "../../../test/support/kafka/prepared-broker.ts";
import { Service } from "./processes.ts";

export interface OwnBroker {
  readonly service: Service;
  /** `host:port` */
  readonly address: string;
}

/** Not started yet. */
export async function ownBroker(
  directory: string,
  onFailure: (error: Error) => void,
): Promise<OwnBroker> {
  const folder = join(directory, "broker");
  await mkdir(folder);
  const { host, port, command, isReady } = await prepare(folder);
  const logFile = join(directory, "broker.log");
  const service = new Service({ name: "broker", command, logFile, ready: isReady, onFailure });
  return { service, address: `${host}:${port}` };
}

async function prepare(folder: string): Promise<PreparedBroker> {
  try {
    return await prepareBroker(folder);
  } catch (error) {
    for (const [name, probe] of PROGRAMS) {
      const isThere = await promisify(execFile)(name, [probe]).then(
        () => true,
        () => false,
      );
      if (isThere) continue;
      throw new Error(
        `a broker of its own takes Java from 17 and Maven, and there is no "${name}" here.\n` +
          "With a broker that runs already: npm run demo -- --kafka --brokers localhost:9092",
      );
    }
    throw error;
  }
}

const PROGRAMS = [
  ["java", "-version"],
  ["mvn", "-version"],
] as const;
