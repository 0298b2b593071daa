/** The processes: a broker, an S3 server, the runtime, two of functions. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type S3Server, s3In } from "../../support/blob/s3-server.ts";
import { type Broker, brokerIn } from "../../support/kafka/broker.ts";
import { freePort, Script } from "../../support/process.ts";
import { functionsProcess, moduleOf } from "../kafka/stage.ts";
import { Subject } from "../subject.ts";

export interface Stage {
  readonly broker: Broker;
  readonly s3: S3Server;
  readonly brokerSubject: Subject;
  readonly store: Subject;
  readonly functions: readonly Subject[];
  readonly runtime: Subject;
  readonly dataDir: string;
  /** Of the next data directory. */
  partitions: number;
}

export interface StageOptions {
  readonly folder: string;
  readonly partitions: number;
  readonly threads: number;
  readonly ids: number;
  readonly leaseMs: number;
  readonly snapshotEvery: string;
}

const READY_TIMEOUT_MS = 180_000;

export async function setStage(options: StageOptions): Promise<Stage> {
  const { folder, partitions, threads, ids, leaseMs, snapshotEvery } = options;
  const [kafka, store] = [join(folder, "kafka"), join(folder, "s3")];
  for (const each of [kafka, store]) mkdirSync(each);
  const [broker, s3] = [await brokerIn(kafka), await s3In(store, true)];
  const functions = [
    await functionsProcess("counters", ids),
    await functionsProcess("mirrors", ids),
  ];
  const [counters = 0, mirrors = 0] = functions.map(({ script }) => script.port);
  const module = join(folder, "module.yaml");
  const dataDir = join(folder, "data");
  const held = { transactionTimeout: "1min", release: "snapshot" } as const;
  writeFileSync(module, moduleOf(held, broker, counters, mirrors));
  const script = new Script(
    {
      script: new URL("../scripts/runtime.js", import.meta.url),
      args: (port) => [
        ...[String(leaseMs), "run", module, "--data", dataDir, "--port", String(port)],
        ...[
          "--log-level",
          "warn",
          "--partitions",
          String(stage.partitions),
          "--threads",
          String(threads),
        ],
        ...["--snapshots", s3.url("torture"), "--snapshot-every", snapshotEvery],
      ],
      env: s3.env,
      ready: /^ready$/m,
      readyTimeoutMs: READY_TIMEOUT_MS,
    },
    await freePort(),
  );
  const stage: Stage = {
    ...{ broker, s3, functions, dataDir, partitions },
    brokerSubject: new Subject("broker", broker.script),
    store: new Subject("S3 server", s3.script),
    runtime: new Subject("runtime", script),
  };
  return stage;
}
