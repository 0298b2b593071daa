import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import type { NodeOptions, RunningNode } from "../../src/node/options.ts";
import { startNode } from "../../src/node/start.ts";
import { createLogger } from "../../src/telemetry/logger.ts";

export interface TestedNode {
  readonly node: RunningNode;
  readonly url: string;
}

/** A node in this process on `dir`, with the functions of one file beside this; stopped with the test. */
export async function startWith(
  t: TestContext,
  dir: string,
  functions: string,
  options: Partial<NodeOptions> = {},
  documents: readonly string[] = [],
): Promise<TestedNode> {
  const file = fileURLToPath(new URL(`./functions/${functions}.js`, import.meta.url));
  const embedded = `kind: io.statefold.embedded.v1/functions\nspec:\n  module: ${JSON.stringify(file)}\n`;
  const module = join(dir, "module.yaml");
  await writeFile(module, [embedded, ...documents].join("---\n"));
  const node = await startNode({
    modules: [module],
    dataDir: join(dir, "data"),
    ...{ host: "127.0.0.1", port: 0, embedded: false, partitions: 2, acceptLoss: false },
    variables: new Map(),
    logger: createLogger({ level: "silent" }),
    ...options,
  });
  t.after(() => node.stop());
  return { node, url: node.listening[0]?.url ?? "" };
}
