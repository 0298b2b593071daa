import type { NodeOptions, RunningNode } from "../node/options.ts";

export type { NodeOptions, RunningNode } from "../node/options.ts";

/** What `run` needs of the node: src/node/start.ts is one. */
export type NodeStarter = (options: NodeOptions) => Promise<RunningNode>;
