/** The commands of docs/from-statefun.md, carried out for another broker and other ports than the page's. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { commandsOf } from "../docs/commands.ts";
import type { Broker } from "../support/kafka/broker.ts";
import { kafkaTool } from "../support/kafka/other-readers.ts";
import { type Script, startScript } from "../support/process.ts";
import { tempDir } from "../support/temp.ts";
import { pythonSdk } from "./sdks/python.ts";

const EXAMPLE = "examples/from-statefun";
const STATEFOLD = new URL("../../src/cli/main.js", import.meta.url);

/** Where scripts of Kafka begin. */
const TOOLS: Readonly<Record<string, string>> = {
  "kafka-consumer-groups.sh": "consumer.group.ConsumerGroupCommand",
  "kafka-console-consumer.sh": "consumer.ConsoleConsumer",
};

export class Page {
  readonly #commands = commandsOf("docs/from-statefun.md");
  readonly #broker: Broker;
  /** Holds copies of the modules, and the data. */
  readonly #folder: string;

  private constructor(broker: Broker, folder: string) {
    this.#broker = broker;
    this.#folder = folder;
  }

  /** With the example's functions running. */
  static async open(t: TestContext, broker: Broker): Promise<Page> {
    const folder = tempDir(t);
    const functions = await startScript(t, {
      ...{ program: "python3", script: `${EXAMPLE}/functions.py`, ready: /serving/ },
      ...{ args: (port) => [String(port)], env: { PYTHONPATH: await pythonSdk() } },
      readyTimeoutMs: 30_000,
    });
    for (const name of ["module.yaml", "module.replay.yaml"]) {
      const text = readFileSync(join(EXAMPLE, name), "utf8");
      const here = text
        .replaceAll("localhost:9092", broker.address)
        .replaceAll("localhost:8000", `127.0.0.1:${functions.port}`);
      writeFileSync(join(folder, name), here);
    }
    return new Page(broker, folder);
  }

  /** Runs one of the page's Kafka commands. */
  async kafka(beginning: string, ...more: string[]): Promise<string> {
    const [script = "", ...words] = this.#find(beginning);
    return await kafkaTool(TOOLS[script] ?? script, ...words, ...more);
  }

  /** Starts one of the page's `statefold run`. */
  async run(t: TestContext, beginning: string): Promise<Script> {
    const [, , ...words] = this.#find(beginning);
    return await startScript(t, {
      ...{ script: STATEFOLD, cwd: this.#folder, ready: /^ready$/m, readyTimeoutMs: 30_000 },
      args: (port) => [...words, "--port", String(port), "--log-level", "warn"],
    });
  }

  /** The output of one of the page's other `statefold` commands, for a running node if it needs one. */
  async say(t: TestContext, beginning: string, node?: Script): Promise<string> {
    const [, , ...words] = this.#find(beginning);
    const url = node === undefined ? [] : ["--url", node.url];
    const script = await startScript(t, {
      ...{ script: STATEFOLD, cwd: this.#folder, args: [...words, ...url] },
    });
    await script.exited;
    return script.output;
  }

  #find(beginning: string): string[] {
    const found = this.#commands.find((command) => command.startsWith(beginning));
    if (found === undefined) throw new Error(`docs/from-statefun.md does not say ${beginning}`);
    return found.replaceAll("localhost:9092", this.#broker.address).split(" ");
  }
}
